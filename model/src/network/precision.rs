//! Mixed precision: convolutions in numbers of 16 bits, everything else in f32.

use burn::tensor::{FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// What convolutions compute in while training. Weights, norms, losses and the optimizer stay in
/// f32 (arXiv 1710.03740, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of f32.
    Bf16,
    /// 16 bits with more digits and less range: gradients below 6e-8 would be lost.
    F16,
}

impl Precision {
    /// What a loss is multiplied by before its gradients are taken, and gradients divided by
    /// afterwards (arXiv 1710.03740, section 3.2).
    pub fn loss_scale(self) -> f64 {
        match self {
            Self::F32 | Self::Bf16 => 1.0,
            Self::F16 => 128.0,
        }
    }

    /// The type of the numbers.
    pub fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    pub(crate) fn lower<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::F32 => x,
            Self::Bf16 | Self::F16 => x.cast(self.dtype()),
        }
    }

    pub(crate) fn raise<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::F32 => x,
            Self::Bf16 | Self::F16 => x.cast(FloatDType::F32),
        }
    }
}
