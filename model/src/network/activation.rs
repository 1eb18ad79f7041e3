//! Activations between layers.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "training")]
use crate::network::cpu;

/// Slope of the leaky ReLU in encoders and discriminators.
pub const LEAKY_SLOPE: f64 = 0.2;

/// The larger of `x` and zero.
pub(crate) fn relu(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "training")]
    if let Some(output) = cpu::leaky_relu(&x, 0.0) {
        return output;
    }
    activation::relu(x)
}

/// `x` where it is positive, elsewhere a fifth of it.
pub(crate) fn leaky_relu(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "training")]
    if let Some(output) = cpu::leaky_relu(&x, LEAKY_SLOPE as f32) {
        return output;
    }
    activation::leaky_relu(x, LEAKY_SLOPE)
}
