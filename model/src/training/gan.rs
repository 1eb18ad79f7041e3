//! A model in training: its networks, their optimizers, and what they learn by.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor};

use super::adam::Adam;
use super::communicator::Communicator;
use super::ema::Ema;
use super::finite::is_finite;
use super::hyperparameters::{Hyperparameters, ModelKind};
use super::image_pool::ImagePool;
use super::pass::{Pass, joined};
use super::schedule::Rates;
use super::traversal::{each_tensor, with_each_tensor};
use crate::network::config::{DiscriminatorConfig, GeneratorConfig, NormStats};
use crate::network::discriminator::Discriminator;
use crate::network::generator::Generator;
use crate::network::init::{InitType, init_weights};
use crate::network::mode::Mode;

/// A model in training.
pub struct Gan {
    /// What learns.
    pub kind: ModelKind,
    /// `netG` of pix2pix; `netG_A` and `netG_B` of CycleGAN.
    pub net_g: Vec<Generator>,
    /// `netD` of pix2pix; `netD_A` and `netD_B` of CycleGAN, of which the first judges images of B.
    pub net_d: Vec<Discriminator>,
    /// Adam of all generators.
    pub optimizer_g: Adam,
    /// Adam of all discriminators.
    pub optimizer_d: Adam,
    /// Averages of the generators; empty where none are kept.
    pub ema: Vec<Ema>,
    /// Past fakes of each generator; CycleGAN's only.
    pub pools: Vec<ImagePool>,
    /// Its replicas on other devices.
    pub communicator: Communicator,
    /// What it learns by.
    pub hyperparameters: Hyperparameters,
}

impl Gan {
    /// Networks on a device with autodiff, with fresh optimizers and empty pools: one of each for
    /// pix2pix, two for CycleGAN.
    pub fn new(
        kind: ModelKind,
        net_g: Vec<Generator>,
        net_d: Vec<Discriminator>,
        hyperparameters: Hyperparameters,
    ) -> Self {
        let averages = |decay| net_g.iter().map(|net_g| Ema::new(decay, net_g)).collect();
        let pools = match kind {
            ModelKind::Pix2Pix => 0,
            ModelKind::CycleGan => net_g.len(),
        };
        Self {
            kind,
            optimizer_g: Adam::default(),
            optimizer_d: Adam::default(),
            ema: hyperparameters.ema.map_or_else(Vec::new, averages),
            pools: vec![ImagePool::new(hyperparameters.pool_size); pools],
            communicator: Communicator::alone(),
            net_g,
            net_d,
            hyperparameters,
        }
    }

    /// Fresh networks, drawn from the random stream of `device` as `hyperparameters` seed it: all
    /// generators, then all discriminators.
    pub fn fresh(
        kind: ModelKind,
        generators: &[GeneratorConfig],
        discriminators: &[DiscriminatorConfig],
        (init, gain): (InitType, f64),
        hyperparameters: Hyperparameters,
        device: &Device,
    ) -> Self {
        device.seed(hyperparameters.seed);
        let device = device.clone().autodiff();
        let net_g = generators
            .iter()
            .map(|config| init_weights(config.init(&device), init, gain));
        let net_g = net_g.collect();
        let net_d = discriminators
            .iter()
            .map(|config| init_weights(config.init(&device), init, gain));
        Self::new(kind, net_g, net_d.collect(), hyperparameters)
    }

    /// The same networks, to be trained on another device, from one whose memory can be read at once;
    /// average and pools stay here.
    pub fn replica(&self, device: &Device) -> Self {
        Self {
            optimizer_g: self.optimizer_g.clone(),
            optimizer_d: self.optimizer_d.clone(),
            ema: Vec::new(),
            ..Self::new(
                self.kind,
                copied(&self.net_g, device).train(),
                copied(&self.net_d, device).train(),
                self.hyperparameters,
            )
        }
    }

    /// The same model on another device, but for pools.
    #[must_use]
    pub fn on_device(&self, device: &Device) -> Self {
        let average = |ema: &Ema| ema.with(copied(ema.generator(), device));
        Self {
            ema: self.ema.iter().map(average).collect(),
            ..self.replica(device)
        }
    }

    /// The same model on the CPU, but for pools, from a device that can only be waited for.
    ///
    /// # Errors
    /// The device has failed.
    pub async fn on_cpu(&self) -> Result<Self, ExecutionError> {
        let mut ema = Vec::new();
        for average in &self.ema {
            ema.push(average.with(fetched(average.generator()).await?));
        }
        let net_g = fetched(&self.net_g).await?.train();
        let net_d = fetched(&self.net_d).await?.train();
        Ok(Self {
            optimizer_g: self.optimizer_g.on_cpu().await?,
            optimizer_d: self.optimizer_d.on_cpu().await?,
            ema,
            ..Self::new(self.kind, net_g, net_d, self.hyperparameters)
        })
    }

    pub(super) fn pass(&self, step: u64) -> Pass {
        Pass::new(self.hyperparameters, self.communicator.position(step))
    }

    pub(super) async fn update_generators(mut self, loss: &Tensor<1>, rates: Rates) -> Self {
        let precision = self.hyperparameters.precision;
        let communicator = &mut self.communicator;
        let gradients = communicator.gradients(&self.net_g, loss, precision).await;
        self.net_g = self.optimizer_g.step(rates.net_g, self.net_g, gradients);
        for (ema, net_g) in self.ema.iter_mut().zip(&self.net_g) {
            ema.update(net_g);
        }
        self
    }

    pub(super) async fn update_discriminators(mut self, loss: &Tensor<1>, rates: Rates) -> Self {
        let precision = self.hyperparameters.precision;
        let communicator = &mut self.communicator;
        let gradients = communicator.gradients(&self.net_d, loss, precision).await;
        self.net_d = self.optimizer_d.step(rates.net_d, self.net_d, gradients);
        self
    }

    /// The generator to translate with, without gradients: its average if there is one. Only
    /// CycleGAN has one from B to A.
    pub fn generator(&self, direction: usize) -> Option<Generator> {
        match self.ema.get(direction) {
            Some(ema) => Some(ema.generator().clone()),
            None => self.net_g.get(direction).map(Module::valid),
        }
    }

    /// What the discriminator of a direction says of images, `[batch, 1, height, width]`: of
    /// `input` and `image` together in pix2pix, of `image` alone in CycleGAN, which lie on the
    /// device without autodiff. Norms use the statistics of the batch, as in training.
    pub fn logits(&self, direction: usize, input: &Tensor<4>, image: &Tensor<4>) -> Tensor<4> {
        let seen = match self.kind {
            ModelKind::Pix2Pix => joined([input, image]),
            ModelKind::CycleGan => joined([image]),
        };
        let net_d = self.net_d[direction].valid();
        net_d.forward(seen, Mode::Inference(NormStats::Batch))
    }

    /// The first network, or average of one, that holds something that is not a finite number.
    /// Waits for the device.
    pub fn not_finite(&self) -> Option<String> {
        let part = |stem, direction| self.kind.part(stem, direction);
        let net_g = self.net_g.iter().enumerate();
        let net_d = self.net_d.iter().enumerate();
        let ema = self.ema.iter().enumerate();
        let found = net_g.map(|(at, net_g)| (part("netG", at), is_finite(net_g)));
        let found = found.chain(net_d.map(|(at, net_d)| (part("netD", at), is_finite(net_d))));
        let found = found.chain(ema.map(|(at, ema)| {
            (
                format!("{}_ema", part("netG", at)),
                is_finite(ema.generator()),
            )
        }));
        found
            .into_iter()
            .find(|(_, is_finite)| !is_finite)
            .map(|(name, _)| name)
    }

    /// Starts from other generators, on a device with autodiff, instead of from chance.
    pub fn start_from(&mut self, net_g: Vec<Generator>) {
        for (ema, net_g) in self.ema.iter_mut().zip(&net_g) {
            ema.set(net_g.valid());
        }
        self.net_g = net_g;
    }
}

/// The same network without gradients on another device, with the same identities of parameters, in
/// memory of its own: on GPUs, what a thread has asked for is done later, and two threads that share
/// a tensor may each take it for their own to write into.
fn copied<M: Module>(network: &M, device: &Device) -> M {
    // Without the way through `valid`, both would share the running statistics of their norms.
    with_each_tensor(network.valid(), &mut |_, values| {
        Tensor::from_data(values.into_data(), device)
    })
}

/// As [`copied`] to the CPU, from a device that can only be waited for.
async fn fetched<M: Module>(network: &M) -> Result<M, ExecutionError> {
    let network = network.valid();
    let mut tensors = Vec::new();
    each_tensor(&network, &mut |_, values| tensors.push(values));
    let mut fetched = Vec::new();
    for values in tensors {
        fetched.push(values.into_data_async().await?);
    }
    let mut fetched = fetched.into_iter();
    Ok(with_each_tensor(
        network,
        &mut |_, values| match fetched.next() {
            Some(fetched) => Tensor::from_data(fetched, &Device::flex()),
            None => values,
        },
    ))
}
