//! Activations between layers.

use burn::tensor::{Tensor, activation};

#[cfg(feature = "training")]
use crate::network::cpu;

/// Slope of the leaky ReLU in encoders and discriminators.
pub const LEAKY_SLOPE: f64 = 0.2;

/// The larger of `x` and zero.
pub(crate) fn relu(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "training")]
    {
        if let Some(output) = cpu::leaky_relu(&x, 0.0) {
            return output;
        }
        if cpu::ALONE {
            return relu(Tensor::from_inner(x)).inner();
        }
    }
    activation::relu(x)
}

/// `x` where it is positive, elsewhere a fifth of it.
pub(crate) fn leaky_relu(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "training")]
    {
        if let Some(output) = cpu::leaky_relu(&x, LEAKY_SLOPE as f32) {
            return output;
        }
        if cpu::ALONE {
            return leaky_relu(Tensor::from_inner(x)).inner();
        }
    }
    activation::leaky_relu(x, LEAKY_SLOPE)
}

/// The hyperbolic tangent of `x`.
pub(crate) fn tanh(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "training")]
    {
        if let Some(output) = cpu::tanh(&x) {
            return output;
        }
        if cpu::ALONE {
            return tanh(Tensor::from_inner(x)).inner();
        }
    }
    activation::tanh(x)
}

/// Within 2e-7 of the hyperbolic tangent, without a call.
#[inline(always)]
pub(crate) fn tanh_of(x: f32) -> f32 {
    // tanh |x| = (1 - t) / (1 + t) with t = exp(-2 |x|) = 2^-n · 2^-f.
    let exponent = (x.abs() * (2.0 * std::f32::consts::LOG2_E)).clamp(0.0, 126.0);
    let whole = exponent as i32;
    let u = (exponent - whole as f32) * -std::f32::consts::LN_2;
    // Taylor's series: |u| < 0.7 leaves less than 1e-8.
    let power = 1.0
        + u * (1.0
            + u * (1.0 / 2.0
                + u * (1.0 / 6.0
                    + u * (1.0 / 24.0
                        + u * (1.0 / 120.0
                            + u * (1.0 / 720.0 + u * (1.0 / 5040.0 + u * (1.0 / 40320.0))))))));
    let t = power * f32::from_bits(((127 - whole) as u32) << 23);
    ((1.0 - t) / (1.0 + t)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::tanh_of;

    #[test]
    fn the_hyperbolic_tangent_is_within_two_ten_millionths() {
        for index in -100_000..=100_000 {
            let x = index as f32 * 1e-4;
            let off = f64::from(tanh_of(x)) - f64::from(x).tanh();
            assert!(off.abs() < 2e-7, "tanh({x}) is off by {off}");
        }
        assert_eq!(tanh_of(f32::INFINITY), 1.0);
        assert_eq!(tanh_of(f32::NEG_INFINITY), -1.0);
        assert!(tanh_of(f32::NAN).is_nan());
    }
}
