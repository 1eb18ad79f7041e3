//! Dropout in training. Its masks follow from a seed alone: the same ones on every device, on any
//! thread, beside any number of replicas.

use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Dropout of one forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability in `[0, 1)` that an activation is dropped.
    pub rate: f64,
    /// What the masks of this pass are drawn from; each layer has a stream of its own.
    pub seed: u64,
}

impl Dropout {
    /// Drops nothing.
    pub const NONE: Self = Self { rate: 0.0, seed: 0 };

    /// `x` with a share of its values dropped and the others raised to the same mean; `layer`
    /// counts the layers of the network that have dropout.
    pub(crate) fn apply(self, x: Tensor<4>, layer: usize) -> Tensor<4> {
        let shape = x.dims();
        let keep = 1.0 - self.rate;
        let kept = (1.0 / keep) as f32;
        let bound = (keep * 2f64.powi(32)) as u64;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(layer as u64);
        let count = shape.iter().product();
        let factor = || match u64::from(rng.next_u32()) < bound {
            true => kept,
            false => 0.0,
        };
        let mask: Vec<f32> = std::iter::repeat_with(factor).take(count).collect();
        let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}
