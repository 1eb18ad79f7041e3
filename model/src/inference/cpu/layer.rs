//! A convolution on the CPU with the norm that follows it.

use super::accumulators::{Accumulators, Affine};
use super::convolution::PackedConvolution;
use super::features::Features;
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

    /// Whether an output depends on nothing but what the kernel sees.
    pub fn is_local(&self) -> bool {
        matches!(self.norm, InferenceNorm::Fixed { .. })
    }

    /// Fills `accumulators` and hands them, with what normalises them, to `use_outputs`.
    pub fn forward(
        &self,
        input: &Features,
        accumulators: &mut Accumulators,
        use_outputs: impl FnOnce(&Accumulators, &Affine),
    ) {
        self.convolution.multiply(input, accumulators);
        match &self.norm {
            InferenceNorm::Fixed { bias } => use_outputs(accumulators, &Affine::bias(bias)),
            InferenceNorm::OfImage => use_outputs(accumulators, &accumulators.normalisation(true)),
            InferenceNorm::OfBatch { scale, shift } => {
                use_outputs(
                    accumulators,
                    &accumulators.normalisation(false).then(scale, shift),
                );
            }
        }
    }
}
