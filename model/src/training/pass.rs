//! How one training step runs the networks: what they drop, what they see, what they compute in.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::hyperparameters::Hyperparameters;
use super::randomness::{Purpose, stream};
use crate::network::discriminator::Discriminator;
use crate::network::dropout::Dropout;
use crate::network::generator::Generator;
use crate::network::mode::Mode;

/// The forward passes of one step.
pub(super) struct Pass {
    hyperparameters: Hyperparameters,
    diff_augment: ChaCha8Rng,
    dropout: ChaCha8Rng,
}

impl Pass {
    /// Of the step, or of a replica's part of it, whose random numbers lie at `position`.
    pub fn new(hyperparameters: Hyperparameters, position: u64) -> Self {
        let draw = |purpose| stream(hyperparameters.seed, purpose, position);
        Self {
            hyperparameters,
            diff_augment: draw(Purpose::DiffAugment),
            dropout: draw(Purpose::Dropout),
        }
    }

    /// What a generator makes of `real`.
    pub fn translate(&mut self, net_g: &Generator, real: &Tensor<4>) -> Tensor<4> {
        let (rate, seed) = (self.hyperparameters.dropout, self.dropout.next_u64());
        net_g.forward(real.clone(), self.mode(Dropout { rate, seed }))
    }

    /// The logits of a discriminator for `images`, which it sees together and DiffAugment changes
    /// alike.
    pub fn judge<const N: usize>(
        &mut self,
        net_d: &Discriminator,
        images: [&Tensor<4>; N],
    ) -> Tensor<4> {
        let channels = images.map(|image| image.dims()[1]);
        let augment = self.hyperparameters.diff_augment;
        let seen = augment.apply(joined(images), &channels, &mut self.diff_augment);
        net_d.forward(seen, self.mode(Dropout::NONE))
    }

    fn mode(&self, dropout: Dropout) -> Mode {
        let precision = self.hyperparameters.precision;
        Mode::Train { dropout, precision }
    }
}

/// Images behind one another, as a discriminator sees them.
pub(super) fn joined<const N: usize>(images: [&Tensor<4>; N]) -> Tensor<4> {
    match &images[..] {
        [image] => (*image).clone(),
        _ => Tensor::cat(images.map(Tensor::clone).to_vec(), 1),
    }
}
