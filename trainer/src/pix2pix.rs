//! pix2pix (arXiv 1611.07004): a generator and a discriminator that judges it, and one training
//! step. Nothing here prints, saves or chooses data.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor};
use model::{Discriminator, Dropout, Generator, Mode, Precision};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::config::TrainConfig;
use crate::data::PairedBatch;
use crate::diff_augment::DiffAugment;
use crate::ema::Ema;
use crate::loss::{GanMode, Losses, l1, masked_l1};
use crate::networks;
use crate::optimizer::adam;
use crate::peers::Peers;
use crate::randomness::{Purpose, stream};
use crate::schedule::Rates;

/// The networks, their optimizers, and what they are trained for.
pub struct Pix2Pix {
    /// Translates `real_A` into `fake_B`.
    pub net_g: Generator,
    /// Judges `real_A` and `B` together.
    pub net_d: Discriminator,
    /// Adam of `net_g`.
    pub optimizer_g: ModuleOptimizer,
    /// Adam of `net_d`.
    pub optimizer_d: ModuleOptimizer,
    /// Average of `net_g`, if wanted.
    pub ema: Option<Ema>,
    /// Its replicas on other devices.
    pub peers: Peers,
    objective: Objective,
}

/// What the networks are trained for.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// Adversarial loss.
    pub gan_mode: GanMode,
    /// Weight of the L1 loss.
    pub lambda_l1: f64,
    /// Weight of the adversarial loss.
    pub lambda_gan: f64,
    /// Dropout rate of the generator in training.
    pub dropout: f64,
    /// What convolutions compute in.
    pub precision: Precision,
    /// Changes to what the discriminator sees.
    pub diff_augment: DiffAugment,
    /// Seed of those changes and of dropout.
    pub seed: u64,
}

impl Pix2Pix {
    /// Fresh networks on `device`, drawn from its random stream as seeded by the configuration.
    pub fn new(config: &TrainConfig, device: &Device) -> Self {
        device.seed(config.seed);
        let device = device.clone().autodiff();
        let net_g = networks::generator(config, &device);
        let net_d = networks::discriminator(config, &device);
        let objective = Objective {
            gan_mode: config.gan_mode,
            lambda_l1: config.lambda_l1,
            lambda_gan: config.lambda_gan,
            dropout: config.dropout,
            precision: config.precision,
            diff_augment: config.diff_augment,
            seed: config.seed,
        };
        let ema = config.ema.map(|decay| Ema::new(decay, &net_g));
        Self {
            ema,
            ..Self::from_networks(net_g, net_d, objective)
        }
    }

    /// Networks that are at hand, with fresh optimizers.
    pub fn from_networks(net_g: Generator, net_d: Discriminator, objective: Objective) -> Self {
        Self {
            net_g,
            net_d,
            optimizer_g: adam(),
            optimizer_d: adam(),
            ema: None,
            peers: Peers::none(),
            objective,
        }
    }

    /// The same networks, to be trained on another device.
    pub fn replica(&self, device: &Device) -> Self {
        Self {
            optimizer_g: self.optimizer_g.clone(),
            optimizer_d: self.optimizer_d.clone(),
            ..Self::from_networks(
                networks::replica(&self.net_g, device),
                networks::replica(&self.net_d, device),
                self.objective,
            )
        }
    }

    /// Update number `step`: the discriminator's, then the generator's, on a batch whose tensors
    /// live on the networks' device with autodiff.
    pub fn step(mut self, batch: PairedBatch, step: u64, rates: Rates) -> (Self, Losses) {
        let PairedBatch {
            real_a,
            real_b,
            mask,
        } = batch;
        let Objective {
            gan_mode,
            precision,
            ..
        } = self.objective;
        let draw = |purpose| stream(self.objective.seed, purpose, self.peers.position(step));
        let mut rng = draw(Purpose::DiffAugment);
        let mode = Mode::Train {
            dropout: Dropout {
                rate: self.objective.dropout,
                seed: draw(Purpose::Dropout).next_u64(),
            },
            precision,
        };
        let fake_b = self.net_g.forward(real_a.clone(), mode);
        // Where nothing was measured, `real_B` is as low as can be; `fake_B` must not be told
        // from it by that.
        let judged_b = match &mask {
            Some(mask) => fake_b.clone() * mask.clone() + mask.clone() - 1.0,
            None => fake_b.clone(),
        };
        let mut judge = |net_d: &Discriminator, b: Tensor<4>| {
            net_d.forward(self.objective.seen(&real_a, b, &mut rng), mode)
        };

        let d_fake =
            gan_mode.discriminator_loss(judge(&self.net_d, judged_b.clone().detach()), false);
        let d_real = gan_mode.discriminator_loss(judge(&self.net_d, real_b.clone()), true);
        let loss_d = (d_fake.clone() + d_real.clone()) * 0.5;
        let gradients = self.peers.gradients(&self.net_d, &loss_d, precision);
        self.net_d = self.optimizer_d.step(rates.net_d, self.net_d, gradients);

        // Without gradients of its own: the generator's step needs none of the discriminator's.
        let critic = self.net_d.clone().no_grad();
        let g_gan = gan_mode.generator_loss(judge(&critic, judged_b));
        let g_l1 = match mask {
            Some(mask) => masked_l1(fake_b, real_b, mask),
            None => l1(fake_b, real_b),
        } * self.objective.lambda_l1;
        let loss_g = g_gan.clone() * self.objective.lambda_gan + g_l1.clone();
        let gradients = self.peers.gradients(&self.net_g, &loss_g, precision);
        self.net_g = self.optimizer_g.step(rates.net_g, self.net_g, gradients);
        if let Some(ema) = &mut self.ema {
            ema.update(&self.net_g);
        }

        let losses = Losses::new([
            ("G_GAN", g_gan),
            ("G_L1", g_l1),
            ("D_real", d_real),
            ("D_fake", d_fake),
        ]);
        (self, losses)
    }
}

impl Objective {
    /// The pair that the discriminator judges.
    fn seen(&self, real_a: &Tensor<4>, b: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
        let parts = [real_a.dims()[1], b.dims()[1]];
        let pair = Tensor::cat(vec![real_a.clone(), b], 1);
        self.diff_augment.apply(pair, &parts, rng)
    }
}
