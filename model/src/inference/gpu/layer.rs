//! A convolution on the device with the norm that follows it.

use super::buffer::GpuBuffer;
use super::device::Gpu;
use crate::inference::packing::PackedWeights;
use crate::inference::tensors::{InferenceNorm, LayerTensors};

/// Packed weights on the device.
#[derive(Debug)]
pub(super) struct GpuLayer {
    /// Without the weights.
    pub packed: PackedWeights,
    /// Output channels of a thread.
    pub lanes: usize,
    /// `Taps` in `kernels.wgsl` of each phase.
    pub taps: Vec<u32>,
    pub weights: GpuBuffer,
    /// Factor and summand of each output channel.
    pub affine: GpuBuffer,
    pub statistics: Option<Statistics>,
}

/// Of which images the statistics come before factor and summand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistics {
    OfBatch,
    OfImage,
}

impl GpuLayer {
    pub fn new(tensors: LayerTensors, gpu: &Gpu) -> Self {
        let LayerTensors {
            conv,
            weight,
            gains,
            norm,
        } = tensors;
        let channels = gains.len();
        let lanes = if channels <= 4 { 4 } else { 8 };
        let mut packed = PackedWeights::new(conv, &weight, &gains, lanes);
        drop(weight);
        let (mut taps, mut weights) = (Vec::new(), Vec::new());
        for phase in &mut packed.phases {
            taps.extend([
                phase.first_row as i32 as u32,
                phase.first_column as i32 as u32,
                phase.rows as u32,
                phase.columns as u32,
                (weights.len() / 4) as u32,
            ]);
            weights.append(&mut phase.weights);
        }
        let (factors, summands, statistics) = match norm {
            InferenceNorm::Fixed { bias } => (vec![1.0; channels], bias, None),
            InferenceNorm::OfBatch { scale, shift } => (scale, shift, Some(Statistics::OfBatch)),
            InferenceNorm::OfImage => {
                let (ones, zeros) = (vec![1.0; channels], vec![0.0; channels]);
                (ones, zeros, Some(Statistics::OfImage))
            }
        };
        let affine: Vec<f32> = factors
            .into_iter()
            .zip(summands)
            .flat_map(|(factor, summand)| [factor, summand])
            .collect();
        Self {
            packed,
            lanes,
            taps,
            weights: gpu.constant(weights.into_iter().map(f32::to_le_bytes)),
            affine: gpu.constant(affine.into_iter().map(f32::to_le_bytes)),
            statistics,
        }
    }
}
