//! Losses of the papers.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use serde::{Deserialize, Serialize};

/// The adversarial objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GanMode {
    /// Binary cross entropy of logits (arXiv 1611.07004, equation 1).
    Vanilla,
    /// Least squares (arXiv 1611.04076).
    Lsgan,
    /// Hinge (arXiv 1705.02894).
    Hinge,
}

impl GanMode {
    /// What the discriminator pays for its logits on real or on fake pictures, averaged over
    /// patches.
    pub fn discriminator_loss(self, logits: Tensor<4>, is_real: bool) -> Tensor<1> {
        match self {
            Self::Vanilla => bce_with_logits(logits, is_real),
            Self::Lsgan => mean_square(logits, is_real),
            Self::Hinge if is_real => relu(-logits + 1.0).mean(),
            Self::Hinge => relu(logits + 1.0).mean(),
        }
    }

    /// What a discriminator pays that takes everything for real as likely as for fake.
    pub fn guessing_loss(self) -> f64 {
        match self {
            Self::Vanilla => std::f64::consts::LN_2,
            Self::Lsgan => 0.25,
            Self::Hinge => 1.0,
        }
    }

    /// What the generator pays for the discriminator's logits on its pictures.
    pub fn generator_loss(self, logits: Tensor<4>) -> Tensor<1> {
        match self {
            Self::Vanilla => bce_with_logits(logits, true),
            Self::Lsgan => mean_square(logits, true),
            Self::Hinge => -logits.mean(),
        }
    }
}

/// Binary cross entropy of logits against "all real" or "all fake", averaged over patches.
/// log 2 ≈ 0.693 is a coin toss.
fn bce_with_logits(logits: Tensor<4>, is_real: bool) -> Tensor<1> {
    // -log σ(x) = softplus(-x) and -log(1 - σ(x)) = softplus(x).
    let x = if is_real { -logits } else { logits };
    softplus(x).mean()
}

fn mean_square(logits: Tensor<4>, is_real: bool) -> Tensor<1> {
    let target = if is_real { 1.0 } else { 0.0 };
    (logits - target).powi_scalar(2).mean()
}

/// Mean absolute difference.
pub fn l1(fake: Tensor<4>, real: Tensor<4>) -> Tensor<1> {
    mean((fake - real).abs())
}

/// Burn-flex adds value after value in a browser, where the rounding of tens of thousands of additions
/// would be more than that of all layers: there each row has its mean first.
fn mean(values: Tensor<4>) -> Tensor<1> {
    match cfg!(target_family = "wasm") {
        true => values.mean_dim(3).mean(),
        false => values.mean(),
    }
}

/// Mean absolute difference where `mask`, `[batch, 1, height, width]`, is one; zero where
/// nothing is.
pub fn masked_l1(fake: Tensor<4>, real: Tensor<4>, mask: Tensor<4>) -> Tensor<1> {
    let channels = fake.dims()[1] as f64;
    let counted = (mask.clone().sum() * channels).clamp_min(1.0);
    ((fake - real).abs() * mask).sum() / counted
}

/// log(1 + eˣ) in the form that neither overflows nor loses small values.
fn softplus(x: Tensor<4>) -> Tensor<4> {
    let tail = (-x.clone().abs()).exp().log1p();
    x.clamp_min(0.0) + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn logits(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 2, 2], value, &Device::flex())
    }

    fn of_discriminator(mode: GanMode, logit: f32, is_real: bool) -> f32 {
        mode.discriminator_loss(logits(logit), is_real)
            .into_scalar::<f32>()
    }

    #[test]
    fn undecided_logits_cost_log_two() {
        let vanilla = GanMode::Vanilla;
        for is_real in [true, false] {
            let loss = of_discriminator(vanilla, 0.0, is_real);
            assert!((loss - std::f32::consts::LN_2).abs() < 1e-6);
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        assert_eq!(of_discriminator(GanMode::Vanilla, 200.0, true), 0.0);
        assert_eq!(of_discriminator(GanMode::Vanilla, 200.0, false), 200.0);
        assert_eq!(of_discriminator(GanMode::Vanilla, -200.0, true), 200.0);
    }

    #[test]
    fn a_hinge_costs_nothing_beyond_its_margin() {
        assert_eq!(of_discriminator(GanMode::Hinge, 1.5, true), 0.0);
        assert_eq!(of_discriminator(GanMode::Hinge, 0.25, true), 0.75);
        assert_eq!(of_discriminator(GanMode::Hinge, -1.5, false), 0.0);
        assert_eq!(of_discriminator(GanMode::Hinge, 0.25, false), 1.25);
        let generator = GanMode::Hinge.generator_loss(logits(3.0));
        assert_eq!(generator.into_scalar::<f32>(), -3.0);
    }

    #[test]
    fn masked_pixels_cost_nothing() {
        let device = Device::flex();
        let tensor =
            |values: [f32; 4]| Tensor::<1>::from_floats(values, &device).reshape([1, 1, 2, 2]);
        let mask = tensor([1.0, 0.0, 1.0, 0.0]);
        let real = tensor([0.0, 9.0, 0.0, -9.0]);
        let loss = masked_l1(tensor([0.5, 0.0, 0.25, 0.0]), real.clone(), mask);
        assert_eq!(loss.into_scalar::<f32>(), 0.375);
        let nothing = masked_l1(real.clone(), -real, tensor([0.0; 4]));
        assert_eq!(nothing.into_scalar::<f32>(), 0.0);
    }
}
