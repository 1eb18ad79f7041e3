//! A convolution on the CPU with the norm that follows it.

use super::accumulators::Accumulators;
use super::convolution::PackedConvolution;
use super::features::Features;
use super::normalisation::{Affine, Moments};
use crate::inference::tensors::{InferenceNorm, LayerTensors};

/// A convolution and what normalises its outputs.
#[derive(Debug)]
pub(super) struct CpuLayer {
    convolution: PackedConvolution,
    norm: InferenceNorm,
}

impl CpuLayer {
    pub fn new(tensors: LayerTensors) -> Self {
        let LayerTensors {
            conv,
            weight,
            gains,
            norm,
            ..
        } = tensors;
        Self {
            convolution: PackedConvolution::new(conv, &weight, &gains),
            norm,
        }
    }

    /// Fills `accumulators`.
    pub fn multiply(&self, input: &Features, accumulators: &mut Accumulators) {
        self.convolution.multiply(input, accumulators);
    }

    /// What the norm does, if its statistics are fixed.
    pub fn fixed(&self) -> Option<Affine> {
        match &self.norm {
            InferenceNorm::Fixed { bias } => Some(Affine::bias(bias)),
            InferenceNorm::OfImage | InferenceNorm::OfBatch { .. } => None,
        }
    }

    /// The statistics that the norm takes.
    pub fn moments(&self, accumulators: &Accumulators) -> Moments {
        accumulators.moments(matches!(self.norm, InferenceNorm::OfImage))
    }

    /// What the norm does with outputs that have these statistics.
    pub fn normalisation(&self, moments: &Moments) -> Affine {
        match &self.norm {
            InferenceNorm::OfBatch { scale, shift } => moments.normalisation().then(scale, shift),
            _ => moments.normalisation(),
        }
    }
}
