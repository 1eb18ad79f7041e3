//! Whatever is being trained, behind one type: the loop, checkpoints and samples need not know
//! which paper it is from.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device, Tensor};
use model::{Generator, Mode, NormStats};

use crate::config::{Direction, ModelKind, TrainConfig};
use crate::cyclegan::CycleGan;
use crate::data::PairedBatch;
use crate::ema::Ema;
use crate::loss::Losses;
use crate::pix2pix::Pix2Pix;
use crate::schedule::Rates;

/// A model in training.
pub enum TrainingModel {
    /// Learns from pairs.
    Pix2Pix(Box<Pix2Pix>),
    /// Learns without pairs.
    CycleGan(Box<CycleGan>),
}

/// The name under which a checkpoint keeps the generator of a direction, or its average.
pub fn generator_file(model: ModelKind, direction: Direction, averaged: bool) -> &'static str {
    match (model, direction, averaged) {
        (ModelKind::Pix2Pix, _, false) => "netG",
        (ModelKind::Pix2Pix, _, true) => "netG_ema",
        (ModelKind::CycleGan, Direction::AtoB, false) => "netG_A",
        (ModelKind::CycleGan, Direction::AtoB, true) => "netG_A_ema",
        (ModelKind::CycleGan, Direction::BtoA, false) => "netG_B",
        (ModelKind::CycleGan, Direction::BtoA, true) => "netG_B_ema",
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

    /// Update number `step`.
    pub fn step(self, batch: PairedBatch, step: u64, rates: Rates) -> (Self, Losses) {
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

    /// Everything that a checkpoint keeps, by name.
    pub fn records(&self) -> Vec<(&'static str, Result<Bytes, RecordError>)> {
        let network = |module: ModuleRecord| module.into_bytes();
        let optimizer = |optimizer: &ModuleOptimizer| optimizer.into_bytes();
        let average = |ema: &Ema| ema.generator().clone().into_record().into_bytes();
        let name = |direction, averaged| match self {
            Self::Pix2Pix(_) => generator_file(ModelKind::Pix2Pix, direction, averaged),
            Self::CycleGan(_) => generator_file(ModelKind::CycleGan, direction, averaged),
        };
        let (a_to_b, b_to_a) = (Direction::AtoB, Direction::BtoA);
        match self {
            Self::Pix2Pix(model) => {
                let mut records = vec![
                    (
                        name(a_to_b, false),
                        network(model.net_g.valid().into_record()),
                    ),
                    ("netD", network(model.net_d.valid().into_record())),
                    ("optimizerG", optimizer(&model.optimizer_g)),
                    ("optimizerD", optimizer(&model.optimizer_d)),
                ];
                records.extend(
                    model
                        .ema
                        .as_ref()
                        .map(|ema| (name(a_to_b, true), average(ema))),
                );
                records
            }
            Self::CycleGan(model) => {
                let (net_g, net_d) = (&model.generators, &model.discriminators);
                let mut records = vec![
                    (name(a_to_b, false), network(net_g.a.valid().into_record())),
                    (name(b_to_a, false), network(net_g.b.valid().into_record())),
                    ("netD_A", network(net_d.a.valid().into_record())),
                    ("netD_B", network(net_d.b.valid().into_record())),
                    ("optimizerG", optimizer(&model.optimizer_g)),
                    ("optimizerD", optimizer(&model.optimizer_d)),
                ];
                if let Some((a, b)) = &model.ema {
                    records.push((name(a_to_b, true), average(a)));
                    records.push((name(b_to_a, true), average(b)));
                }
                records
            }
        }
    }
}
