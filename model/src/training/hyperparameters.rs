//! What a model learns by.

use serde::{Deserialize, Serialize};

use super::diff_augment::DiffAugment;
use super::loss::GanMode;
use crate::network::precision::Precision;

/// Index of the networks that translate A into B, and judge that.
pub const A_TO_B: usize = 0;
/// Index of those of the way back, which CycleGAN has.
pub const B_TO_A: usize = 1;

/// What learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// One generator, learning from pairs (arXiv 1611.07004).
    Pix2Pix,
    /// Two generators that undo each other, learning without pairs (arXiv 1703.10593).
    CycleGan,
}

impl ModelKind {
    /// The word in `config.json` and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pix2Pix => "pix2pix",
            Self::CycleGan => "cyclegan",
        }
    }

    /// The field's name of a part, such as `netG`, that each direction has: `netG` in pix2pix,
    /// `netG_A` and `netG_B` in CycleGAN.
    pub fn part(self, stem: &str, direction: usize) -> String {
        match (self, direction) {
            (Self::Pix2Pix, _) => stem.to_string(),
            (Self::CycleGan, A_TO_B) => format!("{stem}_A"),
            (Self::CycleGan, _) => format!("{stem}_B"),
        }
    }
}

/// Losses and regularisation of a training.
#[derive(Clone, Copy, Debug)]
pub struct Hyperparameters {
    /// Adversarial loss.
    pub gan_mode: GanMode,
    /// Weight of the L1 loss of pix2pix.
    pub lambda_l1: f64,
    /// Weight of the adversarial loss of pix2pix.
    pub lambda_gan: f64,
    /// Weight of both cycle losses of CycleGAN.
    pub lambda_cycle: f64,
    /// Weight of the identity losses of CycleGAN, relative to that of the cycle losses.
    pub lambda_identity: f64,
    /// Past fakes that each discriminator of CycleGAN learns from.
    pub pool_size: usize,
    /// Dropout rate of the generators.
    pub dropout: f64,
    /// What convolutions compute in.
    pub precision: Precision,
    /// Changes to what the discriminators see.
    pub diff_augment: DiffAugment,
    /// Decay of the average of the generators' weights, if one is kept.
    pub ema: Option<f64>,
    /// Seed of DiffAugment, of the pools and of dropout.
    pub seed: u64,
}

/// The papers' losses, without regularisation but for the pools.
impl Hyperparameters {
    /// Of a model of this kind.
    pub fn of(kind: ModelKind) -> Self {
        Self {
            gan_mode: match kind {
                ModelKind::Pix2Pix => GanMode::Vanilla,
                ModelKind::CycleGan => GanMode::Lsgan,
            },
            lambda_l1: 100.0,
            lambda_gan: 1.0,
            lambda_cycle: 10.0,
            lambda_identity: 0.5,
            pool_size: 50,
            dropout: 0.0,
            precision: Precision::F32,
            diff_augment: DiffAugment::default(),
            ema: None,
            seed: 0,
        }
    }
}
