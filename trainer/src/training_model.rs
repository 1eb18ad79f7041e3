//! Whatever is being trained, behind one type: the loop, checkpoints and samples need not know
//! which paper it is from.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device, Tensor};
use model::{Generator, Mode, NormStats};

use crate::checkpoint::{Checkpoint, RunFolderError};
use crate::config::{Direction, ModelKind, TrainConfig};
use crate::cyclegan::CycleGan;
use crate::data::PairedBatch;
use crate::device::is_cpu;
use crate::ema::Ema;
use crate::finite::is_finite;
use crate::loss::Losses;
use crate::peers::Peers;
use crate::pix2pix::Pix2Pix;
use crate::pool::ImagePool;
use crate::schedule::Rates;

/// A model in training.
pub enum TrainingModel {
    /// Learns from pairs.
    Pix2Pix(Box<Pix2Pix>),
    /// Learns without pairs.
    CycleGan(Box<CycleGan>),
}

const NET_D: &str = "netD.bpk";
const NET_D_A: &str = "netD_A.bpk";
const NET_D_B: &str = "netD_B.bpk";
const OPTIMIZER_G: &str = "optimizerG.bpk";
const OPTIMIZER_D: &str = "optimizerD.bpk";
const POOL_A: &str = "pool_A.safetensors";
const POOL_B: &str = "pool_B.safetensors";

/// The file in which a checkpoint keeps the generator of a direction, or its average.
pub fn generator_file(model: ModelKind, direction: Direction, averaged: bool) -> &'static str {
    match (model, direction, averaged) {
        (ModelKind::Pix2Pix, _, false) => "netG.bpk",
        (ModelKind::Pix2Pix, _, true) => "netG_ema.bpk",
        (ModelKind::CycleGan, Direction::AtoB, false) => "netG_A.bpk",
        (ModelKind::CycleGan, Direction::AtoB, true) => "netG_A_ema.bpk",
        (ModelKind::CycleGan, Direction::BtoA, false) => "netG_B.bpk",
        (ModelKind::CycleGan, Direction::BtoA, true) => "netG_B_ema.bpk",
    }
}

impl TrainingModel {
    /// Fresh networks on `device`, drawn from its random stream as seeded by the configuration.
    pub fn new(config: &TrainConfig, device: &Device) -> Self {
        match config.model {
            ModelKind::Pix2Pix => Self::Pix2Pix(Box::new(Pix2Pix::new(config, device))),
            ModelKind::CycleGan => Self::CycleGan(Box::new(CycleGan::new(config, device))),
        }
    }

    /// The same networks, to be trained on another device.
    pub fn replica(&self, device: &Device) -> Self {
        match self {
            Self::Pix2Pix(model) => Self::Pix2Pix(Box::new(model.replica(device))),
            Self::CycleGan(model) => Self::CycleGan(Box::new(model.replica(device))),
        }
    }

    /// Ties the model to its replicas.
    pub fn set_peers(&mut self, peers: Peers) {
        *self.peers() = peers;
    }

    /// Says what part of the next batch the model has.
    pub fn set_share(&mut self, share: f64) {
        self.peers().set_share(share);
    }

    fn peers(&mut self) -> &mut Peers {
        match self {
            Self::Pix2Pix(model) => &mut model.peers,
            Self::CycleGan(model) => &mut model.peers,
        }
    }

    /// Update number `step`.
    pub fn step(self, batch: PairedBatch, step: u64, rates: Rates) -> (Self, Losses) {
        match is_cpu(&batch.real_a.device()) {
            // Whoever hands work to the pool of threads from outside waits for one to wake up.
            true => rayon::scope(|_| self.step_here(batch, step, rates)),
            // GPU back ends keep memory for every thread they see.
            false => self.step_here(batch, step, rates),
        }
    }

    fn step_here(self, batch: PairedBatch, step: u64, rates: Rates) -> (Self, Losses) {
        match self {
            Self::Pix2Pix(model) => {
                let (model, losses) = model.step(batch, step, rates);
                (Self::Pix2Pix(Box::new(model)), losses)
            }
            Self::CycleGan(model) => {
                let (model, losses) = model.step(batch, step, rates);
                (Self::CycleGan(Box::new(model)), losses)
            }
        }
    }

    /// The generator to translate with, without gradients: its average if there is one. Only
    /// CycleGAN has one from B to A.
    pub fn generator(&self, direction: Direction) -> Option<Generator> {
        let best = |ema: Option<&Ema>, net_g: &Generator| match ema {
            Some(ema) => ema.generator().clone(),
            None => net_g.valid(),
        };
        match (self, direction) {
            (Self::Pix2Pix(model), Direction::AtoB) => Some(best(model.ema.as_ref(), &model.net_g)),
            (Self::Pix2Pix(_), Direction::BtoA) => None,
            (Self::CycleGan(model), Direction::AtoB) => {
                let ema = model.ema.as_ref().map(|(a, _)| a);
                Some(best(ema, &model.generators.a))
            }
            (Self::CycleGan(model), Direction::BtoA) => {
                let ema = model.ema.as_ref().map(|(_, b)| b);
                Some(best(ema, &model.generators.b))
            }
        }
    }

    /// What the discriminator of a direction says of pictures, `[batch, 1, height, width]`: of
    /// `input` and `picture` together in pix2pix, of `picture` alone in CycleGAN, which lie on the
    /// device without autodiff. Norms use the statistics of the batch, as in training.
    pub fn logits(&self, direction: Direction, input: Tensor<4>, picture: Tensor<4>) -> Tensor<4> {
        let mode = Mode::Inference(NormStats::Batch);
        match (self, direction) {
            (Self::Pix2Pix(model), _) => {
                let pair = Tensor::cat(vec![input, picture], 1);
                model.net_d.valid().forward(pair, mode)
            }
            (Self::CycleGan(model), Direction::AtoB) => {
                model.discriminators.a.valid().forward(picture, mode)
            }
            (Self::CycleGan(model), Direction::BtoA) => {
                model.discriminators.b.valid().forward(picture, mode)
            }
        }
    }

    /// The first network, or average of one, that holds something that is not a finite number.
    /// Waits for the device.
    pub fn not_finite(&self) -> Option<&'static str> {
        let (a_to_b, b_to_a) = (Direction::AtoB, Direction::BtoA);
        let of_ema = |ema: &Ema| is_finite(ema.generator());
        let found = match self {
            Self::Pix2Pix(model) => {
                let name = |averaged| generator_file(ModelKind::Pix2Pix, a_to_b, averaged);
                vec![
                    (name(false), is_finite(&model.net_g)),
                    (NET_D, is_finite(&model.net_d)),
                    (name(true), model.ema.as_ref().is_none_or(of_ema)),
                ]
            }
            Self::CycleGan(model) => {
                let name =
                    |direction, averaged| generator_file(ModelKind::CycleGan, direction, averaged);
                let averages = model.ema.as_ref();
                vec![
                    (name(a_to_b, false), is_finite(&model.generators.a)),
                    (name(b_to_a, false), is_finite(&model.generators.b)),
                    (NET_D_A, is_finite(&model.discriminators.a)),
                    (NET_D_B, is_finite(&model.discriminators.b)),
                    (name(a_to_b, true), averages.is_none_or(|(a, _)| of_ema(a))),
                    (name(b_to_a, true), averages.is_none_or(|(_, b)| of_ema(b))),
                ]
            }
        };
        let bad = found.into_iter().find(|(_, is_finite)| !is_finite);
        bad.map(|(file, _)| file.trim_end_matches(".bpk"))
    }

    /// Starts from another run's generators, on a device with autodiff, instead of from chance.
    pub fn start_from(&mut self, net_g: Generator, net_g_back: Option<Generator>) {
        match self {
            Self::Pix2Pix(model) => {
                if let Some(ema) = &mut model.ema {
                    ema.set(net_g.valid());
                }
                model.net_g = net_g;
            }
            Self::CycleGan(model) => {
                if let Some((ema, _)) = &mut model.ema {
                    ema.set(net_g.valid());
                }
                model.generators.a = net_g;
                if let Some(back) = net_g_back {
                    if let Some((_, ema)) = &mut model.ema {
                        ema.set(back.valid());
                    }
                    model.generators.b = back;
                }
            }
        }
    }

    /// The files that a checkpoint keeps; each is made when its turn comes, so that no two are in
    /// memory at once.
    pub fn files(&self) -> Vec<CheckpointFile<'_>> {
        match self {
            Self::Pix2Pix(model) => {
                let name = |averaged| generator_file(ModelKind::Pix2Pix, Direction::AtoB, averaged);
                let mut files = vec![
                    CheckpointFile::network(name(false), model.net_g.valid()),
                    CheckpointFile::network(NET_D, model.net_d.valid()),
                    CheckpointFile::optimizer(OPTIMIZER_G, &model.optimizer_g),
                    CheckpointFile::optimizer(OPTIMIZER_D, &model.optimizer_d),
                ];
                let average = model.ema.as_ref().map(Ema::generator);
                files.extend(average.map(|net| CheckpointFile::network(name(true), net.clone())));
                files
            }
            Self::CycleGan(model) => {
                let name =
                    |direction, averaged| generator_file(ModelKind::CycleGan, direction, averaged);
                let (a_to_b, b_to_a) = (Direction::AtoB, Direction::BtoA);
                let (net_g, net_d) = (&model.generators, &model.discriminators);
                let mut files = vec![
                    CheckpointFile::network(name(a_to_b, false), net_g.a.valid()),
                    CheckpointFile::network(name(b_to_a, false), net_g.b.valid()),
                    CheckpointFile::network(NET_D_A, net_d.a.valid()),
                    CheckpointFile::network(NET_D_B, net_d.b.valid()),
                    CheckpointFile::optimizer(OPTIMIZER_G, &model.optimizer_g),
                    CheckpointFile::optimizer(OPTIMIZER_D, &model.optimizer_d),
                    CheckpointFile::pool(POOL_A, &model.pool_a),
                    CheckpointFile::pool(POOL_B, &model.pool_b),
                ];
                if let Some((a, b)) = &model.ema {
                    files.push(CheckpointFile::network(
                        name(a_to_b, true),
                        a.generator().clone(),
                    ));
                    files.push(CheckpointFile::network(
                        name(b_to_a, true),
                        b.generator().clone(),
                    ));
                }
                files
            }
        }
    }

    /// Takes everything from a checkpoint that [`TrainingModel::files`] put into it.
    ///
    /// # Errors
    /// A file is damaged, or of another network.
    pub fn restore(&mut self, from: &Checkpoint) -> Result<(), RunFolderError> {
        let (a_to_b, b_to_a) = (Direction::AtoB, Direction::BtoA);
        match self {
            Self::Pix2Pix(model) => {
                let name = |averaged| generator_file(ModelKind::Pix2Pix, a_to_b, averaged);
                model.net_g = from.network(name(false), model.net_g.clone())?;
                model.net_d = from.network(NET_D, model.net_d.clone())?;
                model.optimizer_g = from.optimizer(OPTIMIZER_G, &[&model.net_g])?;
                model.optimizer_d = from.optimizer(OPTIMIZER_D, &[&model.net_d])?;
                restore_average(from, name(true), model.ema.as_mut(), &model.net_g)
            }
            Self::CycleGan(model) => {
                let name =
                    |direction, averaged| generator_file(ModelKind::CycleGan, direction, averaged);
                let (net_g, net_d) = (&mut model.generators, &mut model.discriminators);
                net_g.a = from.network(name(a_to_b, false), net_g.a.clone())?;
                net_g.b = from.network(name(b_to_a, false), net_g.b.clone())?;
                net_d.a = from.network(NET_D_A, net_d.a.clone())?;
                net_d.b = from.network(NET_D_B, net_d.b.clone())?;
                model.optimizer_g = from.optimizer(OPTIMIZER_G, &[&net_g.a, &net_g.b])?;
                model.optimizer_d = from.optimizer(OPTIMIZER_D, &[&net_d.a, &net_d.b])?;
                let devices = net_g.a.devices();
                let device = devices.first().cloned().unwrap_or_else(Device::flex);
                from.pool(POOL_A, &mut model.pool_a, &device)?;
                from.pool(POOL_B, &mut model.pool_b, &device)?;
                let (ema_a, ema_b) = match &mut model.ema {
                    Some((a, b)) => (Some(a), Some(b)),
                    None => (None, None),
                };
                restore_average(from, name(a_to_b, true), ema_a, &net_g.a)?;
                restore_average(from, name(b_to_a, true), ema_b, &net_g.b)
            }
        }
    }
}

/// An average is kept by the identities of the parameters that it follows, so it is restored into
/// a copy of the network that has just been restored.
fn restore_average(
    from: &Checkpoint,
    file: &str,
    ema: Option<&mut Ema>,
    net_g: &Generator,
) -> Result<(), RunFolderError> {
    if let Some(ema) = ema {
        ema.set(from.network(file, net_g.valid())?);
    }
    Ok(())
}

/// A file of a checkpoint.
pub struct CheckpointFile<'a> {
    /// Its name.
    pub name: String,
    content: Content<'a>,
}

type Content<'a> = Box<dyn FnOnce() -> Result<Bytes, String> + 'a>;

impl<'a> CheckpointFile<'a> {
    /// Makes its content; waits for the device.
    ///
    /// # Errors
    /// What is wrong.
    pub fn bytes(self) -> Result<Bytes, String> {
        (self.content)()
    }

    fn network(name: &str, network: impl Module + 'a) -> Self {
        Self::new(name, move || network.into_record().into_bytes())
    }

    fn optimizer(name: &str, optimizer: &'a ModuleOptimizer) -> Self {
        Self::new(name, || optimizer.into_bytes())
    }

    fn pool(name: &str, pool: &'a ImagePool) -> Self {
        Self::new(name, || pool.to_bytes())
    }

    fn new<E: ToString>(name: &str, content: impl FnOnce() -> Result<Bytes, E> + 'a) -> Self {
        Self {
            name: name.to_string(),
            content: Box::new(move || content().map_err(|error| error.to_string())),
        }
    }
}
