//! pix2pix (arXiv 1611.07004): a generator and a discriminator that judges it, and one training
//! step. Nothing here prints, saves or chooses data.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use model::{Discriminator, Generator, Mode, init_normal};

use crate::config::TrainConfig;
use crate::data::PairedBatch;
use crate::loss::{bce_with_logits, l1};

/// The networks, their optimizers, and the weights of the losses.
pub struct Pix2Pix {
    /// Translates `real_A` into `fake_B`.
    pub net_g: Generator,
    /// Judges `real_A` and `B` together.
    pub net_d: Discriminator,
    /// Adam of `net_g`.
    pub optimizer_g: ModuleOptimizer,
    /// Adam of `net_d`.
    pub optimizer_d: ModuleOptimizer,
    objective: Objective,
}

/// Weights of the losses, and dropout.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// Weight of the L1 loss.
    pub lambda_l1: f64,
    /// Weight of the adversarial loss.
    pub lambda_gan: f64,
    /// Dropout rate of the generator in training.
    pub dropout: f64,
}

/// Losses of one step under the field's names, unread: reading one waits for the device.
#[derive(Clone, Debug)]
pub struct Losses {
    /// How far the discriminator is from believing `fake_B`.
    pub g_gan: Tensor<1>,
    /// Mean absolute difference of `fake_B` and `real_B`, times its weight.
    pub g_l1: Tensor<1>,
    /// The discriminator's loss on real pairs.
    pub d_real: Tensor<1>,
    /// The discriminator's loss on fake pairs.
    pub d_fake: Tensor<1>,
}

/// [`Losses`] as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct LossValues {
    /// See [`Losses::g_gan`].
    #[serde(rename = "G_GAN")]
    pub g_gan: f32,
    /// See [`Losses::g_l1`].
    #[serde(rename = "G_L1")]
    pub g_l1: f32,
    /// See [`Losses::d_real`].
    #[serde(rename = "D_real")]
    pub d_real: f32,
    /// See [`Losses::d_fake`].
    #[serde(rename = "D_fake")]
    pub d_fake: f32,
}

impl Losses {
    /// Reads the numbers; waits for the device.
    pub fn read(self) -> LossValues {
        let values = Tensor::cat(vec![self.g_gan, self.g_l1, self.d_real, self.d_fake], 0);
        let mut values = values
            .into_data()
            .iter::<f32>()
            .collect::<Vec<_>>()
            .into_iter();
        let mut next = || values.next().unwrap_or(f32::NAN);
        LossValues {
            g_gan: next(),
            g_l1: next(),
            d_real: next(),
            d_fake: next(),
        }
    }
}

impl LossValues {
    /// Mean of each loss.
    pub fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f32;
        let mean = |pick: fn(&Self) -> f32| all.iter().map(pick).sum::<f32>() / count;
        Self {
            g_gan: mean(|losses| losses.g_gan),
            g_l1: mean(|losses| losses.g_l1),
            d_real: mean(|losses| losses.d_real),
            d_fake: mean(|losses| losses.d_fake),
        }
    }

    /// Whether every loss is a number.
    pub fn is_finite(&self) -> bool {
        [self.g_gan, self.g_l1, self.d_real, self.d_fake]
            .iter()
            .all(|value| value.is_finite())
    }
}

impl Pix2Pix {
    /// Fresh networks on `device`, drawn from its random stream as seeded by the configuration.
    pub fn new(config: &TrainConfig, device: &Device) -> Self {
        device.seed(config.seed);
        let device = device.clone().autodiff();
        let net_g = init_normal(config.generator().init(&device));
        let net_d = init_normal(config.discriminator().init(&device));
        let objective = Objective {
            lambda_l1: config.lambda_l1,
            lambda_gan: config.lambda_gan,
            dropout: config.dropout,
        };
        Self::from_networks(net_g, net_d, objective)
    }

    /// Networks that are at hand, with fresh optimizers.
    pub fn from_networks(net_g: Generator, net_d: Discriminator, objective: Objective) -> Self {
        Self {
            net_g,
            net_d,
            optimizer_g: adam(),
            optimizer_d: adam(),
            objective,
        }
    }

    /// One update of the discriminator, then one of the generator, on a batch whose tensors
    /// live on the networks' device with autodiff.
    pub fn step(mut self, batch: PairedBatch, lr: f64) -> (Self, Losses) {
        let PairedBatch { real_a, real_b, .. } = batch;
        let mode = Mode::Train {
            dropout: self.objective.dropout,
        };
        let fake_b = self.net_g.forward(real_a.clone(), mode);
        let judge = |net_d: &Discriminator, b: Tensor<4>| {
            net_d.forward(Tensor::cat(vec![real_a.clone(), b], 1), mode)
        };

        let d_fake = bce_with_logits(judge(&self.net_d, fake_b.clone().detach()), false);
        let d_real = bce_with_logits(judge(&self.net_d, real_b.clone()), true);
        let loss_d = (d_fake.clone() + d_real.clone()) * 0.5;
        let gradients = gradients_of(&self.net_d, &loss_d);
        self.net_d = self.optimizer_d.step(lr, self.net_d, gradients);

        // Without gradients of its own: the generator's step needs none of the discriminator's.
        let critic = self.net_d.clone().no_grad();
        let g_gan = bce_with_logits(judge(&critic, fake_b.clone()), true);
        let g_l1 = l1(fake_b, real_b) * self.objective.lambda_l1;
        let loss_g = g_gan.clone() * self.objective.lambda_gan + g_l1.clone();
        let gradients = gradients_of(&self.net_g, &loss_g);
        self.net_g = self.optimizer_g.step(lr, self.net_g, gradients);

        let losses = Losses {
            g_gan: g_gan.inner(),
            g_l1: g_l1.inner(),
            d_real: d_real.inner(),
            d_fake: d_fake.inner(),
        };
        (self, losses)
    }
}

fn gradients_of<M: Module>(network: &M, loss: &Tensor<1>) -> GradientsParams {
    let mut gradients = GradientsParams::from_grads(loss.backward(), network);
    network.visit(&mut Contiguous(&mut gradients));
    gradients
}

/// Gradients of convolution weights come as transposed views, through which the optimizer's many
/// passes would walk slowly on a CPU; flattening copies them once into order.
struct Contiguous<'a>(&'a mut GradientsParams);

impl ModuleVisitor for Contiguous<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.0.remove::<D>(param.id) {
            let shape = gradient.dims();
            let count: usize = shape.iter().product();
            self.0
                .register(param.id, gradient.reshape([count]).reshape(shape));
        }
    }
}

/// Adam with the momentum of the paper (section 3.3) and PyTorch's epsilon.
fn adam() -> ModuleOptimizer {
    AdamConfig::new()
        .with_beta_1(0.5)
        .with_beta_2(0.999)
        .with_epsilon(1e-8)
        .init()
}
