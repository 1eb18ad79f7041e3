//! CycleGAN (arXiv 1703.10593): two generators that undo each other, two discriminators, and
//! one training step. Nothing here prints, saves or chooses data.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor};
use model::{Discriminator, Dropout, Generator, Mode, Precision};
use rand::Rng;

use crate::config::TrainConfig;
use crate::data::PairedBatch;
use crate::diff_augment::DiffAugment;
use crate::ema::Ema;
use crate::loss::{GanMode, Losses, l1};
use crate::networks;
use crate::optimizer::adam;
use crate::peers::Peers;
use crate::pool::ImagePool;
use crate::randomness::{Purpose, stream};
use crate::schedule::Rates;

/// Both generators, which share one optimizer.
#[derive(Module, Debug)]
pub struct Generators {
    /// `netG_A`, from A to B.
    pub a: Generator,
    /// `netG_B`, from B to A.
    pub b: Generator,
}

/// Both discriminators, which share one optimizer.
#[derive(Module, Debug)]
pub struct Discriminators {
    /// `netD_A`: judges pictures of B, what `netG_A` makes.
    pub a: Discriminator,
    /// `netD_B`: judges pictures of A.
    pub b: Discriminator,
}

/// The networks, their optimizers and pools, and what they are trained for.
pub struct CycleGan {
    /// Both generators.
    pub generators: Generators,
    /// Both discriminators.
    pub discriminators: Discriminators,
    /// Adam of the generators.
    pub optimizer_g: ModuleOptimizer,
    /// Adam of the discriminators.
    pub optimizer_d: ModuleOptimizer,
    /// Past pictures of B that `netG_A` made.
    pub pool_a: ImagePool,
    /// Past pictures of A that `netG_B` made.
    pub pool_b: ImagePool,
    /// Averages of `netG_A` and `netG_B`, if wanted.
    pub ema: Option<(Ema, Ema)>,
    /// Its replicas on other devices.
    pub peers: Peers,
    objective: CycleObjective,
}

/// What the networks are trained for.
#[derive(Clone, Copy, Debug)]
pub struct CycleObjective {
    /// Adversarial loss.
    pub gan_mode: GanMode,
    /// Weight of both cycle losses.
    pub lambda_cycle: f64,
    /// Weight of the identity losses, relative to that of the cycle losses.
    pub lambda_identity: f64,
    /// Dropout rate of the generators in training.
    pub dropout: f64,
    /// What convolutions compute in.
    pub precision: Precision,
    /// Changes to what the discriminators see.
    pub diff_augment: DiffAugment,
    /// Seed of those changes, of the pools and of dropout.
    pub seed: u64,
}

impl CycleGan {
    /// Fresh networks on `device`, drawn from its random stream as seeded by the configuration.
    pub fn new(config: &TrainConfig, device: &Device) -> Self {
        device.seed(config.seed);
        let device = device.clone().autodiff();
        let generators = Generators {
            a: networks::generator(config, &device),
            b: networks::generator_back(config, &device),
        };
        let discriminators = Discriminators {
            a: networks::discriminator(config, &device),
            b: networks::discriminator_back(config, &device),
        };
        let objective = CycleObjective {
            gan_mode: config.gan_mode,
            lambda_cycle: config.lambda_cycle,
            lambda_identity: config.lambda_identity,
            dropout: config.dropout,
            precision: config.precision,
            diff_augment: config.diff_augment,
            seed: config.seed,
        };
        let average = |decay| {
            let (a, b) = (&generators.a, &generators.b);
            (Ema::new(decay, a), Ema::new(decay, b))
        };
        let ema = config.ema.map(average);
        let pool_size = config.pool_size as usize;
        Self {
            ema,
            ..Self::from_networks(generators, discriminators, pool_size, objective)
        }
    }

    /// Networks that are at hand, with fresh optimizers and empty pools.
    pub fn from_networks(
        generators: Generators,
        discriminators: Discriminators,
        pool_size: usize,
        objective: CycleObjective,
    ) -> Self {
        Self {
            generators,
            discriminators,
            optimizer_g: adam(),
            optimizer_d: adam(),
            pool_a: ImagePool::new(pool_size),
            pool_b: ImagePool::new(pool_size),
            ema: None,
            peers: Peers::none(),
            objective,
        }
    }

    /// The same networks, to be trained on another device; the pools stay with the lead.
    pub fn replica(&self, device: &Device) -> Self {
        Self {
            optimizer_g: self.optimizer_g.clone(),
            optimizer_d: self.optimizer_d.clone(),
            ..Self::from_networks(
                networks::replica(&self.generators, device),
                networks::replica(&self.discriminators, device),
                0,
                self.objective,
            )
        }
    }

    /// Update number `step`: the generators', then the discriminators', on a batch whose tensors
    /// live on the networks' device with autodiff.
    pub fn step(mut self, batch: PairedBatch, step: u64, rates: Rates) -> (Self, Losses) {
        let PairedBatch { real_a, real_b, .. } = batch;
        let objective = self.objective;
        let (gan_mode, lambda_cycle) = (objective.gan_mode, objective.lambda_cycle);
        let mode = |dropout| Mode::Train {
            dropout,
            precision: objective.precision,
        };
        let draw = |purpose| stream(objective.seed, purpose, self.peers.position(step));
        let (mut rng, mut drop_rng) = (draw(Purpose::DiffAugment), draw(Purpose::Dropout));
        let mut judge = |net_d: &Discriminator, picture: Tensor<4>| {
            let channels = [picture.dims()[1]];
            let seen = objective.diff_augment.apply(picture, &channels, &mut rng);
            net_d.forward(seen, mode(Dropout::NONE))
        };
        let mut translate = |net_g: &Generator, picture: &Tensor<4>| {
            let (rate, seed) = (objective.dropout, drop_rng.next_u64());
            net_g.forward(picture.clone(), mode(Dropout { rate, seed }))
        };

        let (net_g_a, net_g_b) = (&self.generators.a, &self.generators.b);
        let fake_b = translate(net_g_a, &real_a);
        let rec_a = translate(net_g_b, &fake_b);
        let fake_a = translate(net_g_b, &real_b);
        let rec_b = translate(net_g_a, &fake_a);

        // Without gradients of their own: the generators' step needs none of theirs.
        let critics = self.discriminators.clone().no_grad();
        let g_a = gan_mode.generator_loss(judge(&critics.a, fake_b.clone()));
        let g_b = gan_mode.generator_loss(judge(&critics.b, fake_a.clone()));
        let cycle_a = l1(rec_a, real_a.clone()) * lambda_cycle;
        let cycle_b = l1(rec_b, real_b.clone()) * lambda_cycle;
        let (idt_a, idt_b) = match objective.lambda_identity {
            // Two forward passes for nothing.
            0.0 => (cycle_a.zeros_like(), cycle_b.zeros_like()),
            weight => (
                l1(translate(net_g_a, &real_b), real_b.clone()) * (lambda_cycle * weight),
                l1(translate(net_g_b, &real_a), real_a.clone()) * (lambda_cycle * weight),
            ),
        };
        let loss_g = g_a.clone()
            + g_b.clone()
            + cycle_a.clone()
            + cycle_b.clone()
            + idt_a.clone()
            + idt_b.clone();
        let gradients = self
            .peers
            .gradients(&self.generators, &loss_g, objective.precision);
        self.generators = self
            .optimizer_g
            .step(rates.net_g, self.generators, gradients);
        if let Some((ema_a, ema_b)) = &mut self.ema {
            ema_a.update(&self.generators.a);
            ema_b.update(&self.generators.b);
        }

        let mut pool_rng = stream(objective.seed, Purpose::Pool, step);
        let mut old = |pool: &mut ImagePool, fakes: Tensor<4>| {
            let exchange = |fakes| pool.exchange(fakes, &mut pool_rng);
            self.peers.together(fakes.detach(), exchange)
        };
        let old_b = old(&mut self.pool_a, fake_b);
        let old_a = old(&mut self.pool_b, fake_a);
        let mut judged = |net_d: &Discriminator, real: Tensor<4>, fake: Tensor<4>| {
            let d_real = gan_mode.discriminator_loss(judge(net_d, real), true);
            let d_fake = gan_mode.discriminator_loss(judge(net_d, fake), false);
            (d_real + d_fake) * 0.5
        };
        let d_a = judged(&self.discriminators.a, real_b, old_b);
        let d_b = judged(&self.discriminators.b, real_a, old_a);
        let loss_d = d_a.clone() + d_b.clone();
        let gradients = self
            .peers
            .gradients(&self.discriminators, &loss_d, objective.precision);
        self.discriminators = self
            .optimizer_d
            .step(rates.net_d, self.discriminators, gradients);

        let losses = Losses::new([
            ("D_A", d_a),
            ("G_A", g_a),
            ("cycle_A", cycle_a),
            ("idt_A", idt_a),
            ("D_B", d_b),
            ("G_B", g_b),
            ("cycle_B", cycle_b),
            ("idt_B", idt_b),
        ]);
        (self, losses)
    }
}
