//! A convolution on the CPU with the norm that follows it.

use super::convolution::Convolution;
use super::features::Features;
use super::sums::{Affine, Sums};
use crate::inference::tensors::{LayerTensors, Norm};

/// A convolution and what normalises its outputs.
#[derive(Debug)]
pub(super) struct Layer {
    convolution: Convolution,
    norm: Norm,
}

impl Layer {
    pub fn new(tensors: LayerTensors) -> Self {
        let LayerTensors {
            conv,
            weight,
            gains,
            norm,
        } = tensors;
        Self {
            convolution: Convolution::new(conv, &weight, &gains),
            norm,
        }
    }

    /// Whether an output depends on nothing but its window.
    pub fn is_local(&self) -> bool {
        matches!(self.norm, Norm::Fixed { .. })
    }

    /// Fills `sums` and hands them, with what normalises them, to `use_outputs`.
    pub fn forward(
        &self,
        input: &Features,
        sums: &mut Sums,
        use_outputs: impl FnOnce(&Sums, &Affine),
    ) {
        self.convolution.multiply(input, sums);
        match &self.norm {
            Norm::Fixed { bias } => use_outputs(sums, &Affine::bias(bias)),
            Norm::OfImage => use_outputs(sums, &sums.normalisation(true)),
            Norm::OfBatch { scale, shift } => {
                use_outputs(sums, &sums.normalisation(false).then(scale, shift));
            }
        }
    }
}
