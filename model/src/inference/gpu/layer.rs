//! A convolution on the device with the norm that follows it.

use half::f16;

use super::buffer::GpuBuffer;
use super::device::Gpu;
use super::kernel::Kernel;
use super::shaders::Shader;
use crate::inference::packing::PackedWeights;
use crate::inference::tensors::{InferenceNorm, LayerTensors};
use crate::network::geometry::ConvKind;

/// Packed weights on the device.
#[derive(Debug)]
pub(super) struct GpuLayer {
    /// Without the weights.
    pub packed: PackedWeights,
    /// Output channels of a block.
    pub lanes: usize,
    /// `Taps` in `layer.wgsl` of each phase.
    pub taps: Vec<u32>,
    pub weights: GpuBuffer,
    /// Whether weights have 16 bits.
    pub in_halves: bool,
    /// Factor of sums.
    pub unit: f32,
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
        let unit = gpu
            .takes_halves()
            .then(|| unit_of_halves(&tensors))
            .flatten();
        let LayerTensors {
            conv,
            weight,
            gains,
            norm,
            ..
        } = tensors;
        let channels = gains.len();
        let lanes = if channels <= 4 { 4 } else { 8 };
        // They are compiled while weights are packed.
        let usual = Shader::Convolve {
            kernel: Kernel::Direct,
            is_wide: lanes > 4,
            in_halves: unit.is_some(),
        };
        gpu.shaders.pipeline(&gpu.device, usual);
        if !matches!(norm, InferenceNorm::Fixed { .. }) {
            gpu.shaders.pipeline(&gpu.device, Shader::Statistics);
        }
        // Weights in 16 bits stay what they are in their file; sums take the gains.
        let ones = vec![1.0; channels];
        let (of_weights, of_sums) = match unit {
            Some(_) => (&ones, &gains),
            None => (&gains, &ones),
        };
        let mut packed = PackedWeights::new(conv, &weight, of_weights, lanes);
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
            InferenceNorm::Fixed { bias } => (of_sums.clone(), bias, None),
            InferenceNorm::OfBatch { scale, shift } => (scale, shift, Some(Statistics::OfBatch)),
            InferenceNorm::OfImage => {
                let zeros = vec![0.0; channels];
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
            weights: match unit {
                Some(unit) => gpu.constant(weights.chunks_exact(2).map(|pair| halves(pair, unit))),
                None => gpu.constant(weights.into_iter().map(f32::to_le_bytes)),
            },
            in_halves: unit.is_some(),
            unit: unit.unwrap_or(1.0),
            affine: gpu.constant(affine.into_iter().map(f32::to_le_bytes)),
            statistics,
        }
    }
}

fn halves(pair: &[f32], unit: f32) -> [u8; 4] {
    let [[a, b], [c, d]] = [0, 1].map(|at| f16::from_f32(pair[at] / unit).to_le_bytes());
    [a, b, c, d]
}

/// What a one stands for where weights are kept in 16 bits: a power of two that brings them into the
/// range in which 16 bits are as fine as they can be. `None` where rounding would change them by more
/// than 8 bits have done before.
fn unit_of_halves(tensors: &LayerTensors) -> Option<f32> {
    let values = &tensors.weight.values;
    let largest = values
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    // A resizing convolution adds up to four of them, a bilinear one 3.1 at most.
    let exponent = largest.max(f32::MIN_POSITIVE).log2().floor() as i32 - 12;
    let unit = 2.0_f32.powi(exponent.clamp(-100, 0));
    let is_exact = |value: &f32| f16::from_f32(value / unit).to_f32() == value / unit;
    let adds = matches!(tensors.conv.kind, ConvKind::Resized | ConvKind::Bilinear);
    let fits = largest < 8192.0;
    (fits && (tensors.is_coarse || !adds && values.iter().all(is_exact))).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_folder::arrays::Array;
    use crate::network::config::Upsample;
    use crate::network::geometry::ConvGeometry;

    fn tensors(values: [f32; 9], is_coarse: bool) -> LayerTensors {
        LayerTensors {
            conv: ConvGeometry::convolution(3, 1, 1),
            weight: Array {
                shape: vec![1, 1, 3, 3],
                values: values.to_vec(),
            },
            is_coarse,
            gains: vec![1.0],
            norm: InferenceNorm::OfImage,
        }
    }

    #[test]
    fn weights_take_16_bits_where_these_hold_them_or_8_bits_did() {
        let halves =
            [-3, -2, -1, 0, 1, 2, 3, 4, 5].map(|n| f16::from_f32(n as f32 * 0.013).to_f32());
        let finer = halves.map(|value| value * 1.0001);
        assert!(unit_of_halves(&tensors(halves, false)).is_some());
        assert_eq!(unit_of_halves(&tensors(finer, false)), None);
        let unit = unit_of_halves(&tensors(finer, true)).expect("8 bits are coarser");
        for value in finer {
            // Rounded to the nearest of 11 bits, however small all of them are.
            let kept = f16::from_f32(value / unit).to_f32() * unit;
            assert!(
                (kept - value).abs() <= value.abs() / 2048.0,
                "{kept} for {value}"
            );
        }
    }

    #[test]
    fn weights_that_are_added_up_take_16_bits_only_where_8_did() {
        for upsample in [Upsample::Resize, Upsample::Bilinear] {
            let added = |is_coarse| LayerTensors {
                conv: ConvGeometry::up(upsample, 4),
                ..tensors([0.5; 9], is_coarse)
            };
            assert_eq!(unit_of_halves(&added(false)), None);
            assert!(unit_of_halves(&added(true)).is_some());
        }
    }

    #[test]
    fn numbers_beyond_16_bits_stay_in_32() {
        assert_eq!(unit_of_halves(&tensors([1e5; 9], true)), None);
        assert!(unit_of_halves(&tensors([0.0; 9], false)).is_some());
    }
}
