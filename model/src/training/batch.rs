//! What one training step sees.

use burn::tensor::Tensor;

/// Images of one training step, on the networks' device with autodiff.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Inputs, `[batch, channels, height, width]` in `[-1, 1]`.
    pub real_a: Tensor<4>,
    /// Targets, likewise.
    pub real_b: Tensor<4>,
    /// 1 where a target counts and 0 where not, `[batch, 1, height, width]`; `None` when every
    /// pixel counts.
    pub mask: Option<Tensor<4>>,
}

impl Batch {
    /// `fake_B` as low as `real_B` is where nothing was measured, so that a discriminator cannot
    /// tell them apart by that.
    pub fn masked(&self, fake_b: Tensor<4>) -> Tensor<4> {
        match &self.mask {
            Some(mask) => fake_b * mask.clone() + mask.clone() - 1.0,
            None => fake_b,
        }
    }
}
