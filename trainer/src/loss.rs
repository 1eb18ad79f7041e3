//! Losses of the papers. Each gives a tensor of one value; nothing is read back here.

use burn::tensor::Tensor;

/// Binary cross entropy of logits against "all real" or "all fake" (the vanilla objective,
/// arXiv 1611.07004, equation 1), averaged over patches. log 2 ≈ 0.693 is a coin toss.
pub fn bce_with_logits(logits: Tensor<4>, is_real: bool) -> Tensor<1> {
    // -log σ(x) = softplus(-x) and -log(1 - σ(x)) = softplus(x).
    let x = if is_real { -logits } else { logits };
    softplus(x).mean()
}

/// Mean absolute difference.
pub fn l1(fake: Tensor<4>, real: Tensor<4>) -> Tensor<1> {
    (fake - real).abs().mean()
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

    fn value(logit: f32, is_real: bool) -> f32 {
        let logits = Tensor::full([1, 1, 2, 2], logit, &Device::flex());
        bce_with_logits(logits, is_real).into_scalar::<f32>()
    }

    #[test]
    fn undecided_logits_cost_log_two() {
        assert!((value(0.0, true) - std::f32::consts::LN_2).abs() < 1e-6);
        assert!((value(0.0, false) - std::f32::consts::LN_2).abs() < 1e-6);
    }

    #[test]
    fn extreme_logits_stay_finite() {
        assert_eq!(value(200.0, true), 0.0);
        assert_eq!(value(200.0, false), 200.0);
        assert_eq!(value(-200.0, true), 200.0);
    }
}
