//! How a forward pass behaves.

use burn::tensor::Tensor;

use crate::network::config::NormStats;
use crate::network::dropout::Dropout;
use crate::network::precision::Precision;

/// How a forward pass behaves where training and inference differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Batch statistics, which also move the running ones.
    Train {
        /// What the generator drops.
        dropout: Dropout,
        /// What convolutions compute in.
        precision: Precision,
    },
    /// Fixed weights, no dropout.
    Inference(NormStats),
}

impl Mode {
    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::Train { precision, .. } => precision,
            Self::Inference(_) => Precision::F32,
        }
    }
    /// Dropout if the pass trains; `layer` counts the layers of the network that have it.
    pub(crate) fn dropout(self, x: Tensor<4>, layer: usize) -> Tensor<4> {
        match self {
            Self::Train { dropout, .. } if dropout.rate > 0.0 => dropout.apply(x, layer),
            _ => x,
        }
    }
}
