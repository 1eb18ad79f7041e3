//! What a training in the browser is asked for, under the names of a run's `config.json`.

use model::manifest::InputMode;
use model::training::{
    DiffAugment, GanMode, Hyperparameters, LrPolicy, ModelKind, Rates, Schedule,
};
use model::{
    DiscriminatorArch, DiscriminatorConfig, Encoding, GeneratorArch, GeneratorConfig, InitType,
    Manifest, NormKind, NormStats, Patches,
};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, WebError};

const LONGEST_NAME: usize = 80;
const MAX_BASE: usize = 64;
const MAX_BATCH: usize = 16;
/// Feature maps of a step take memory by this product: 64 at 256×256.
const MAX_VALUES: usize = 64 * 256 * 256;
const MAX_SIZE: u32 = 1024;
/// Every whole number up to here is one of JavaScript's.
const MAX_NUMBER: u64 = 1 << 53;

/// What is left out is as `trainer train --size 128 --net-g unet_128` has it on a CPU.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub name: String,
    /// What the model does, for its manifest.
    pub task: String,
    /// What its inputs and outputs are made of.
    pub input: Encoding,
    pub output: Encoding,
    /// Whether the generator learns a correction that is added to its input.
    pub residual: bool,
    pub net_g: GeneratorArch,
    pub base: usize,
    pub norm: NormKind,
    pub norm_stats: NormStats,
    pub size: u32,
    /// Side before the random crop; `None` stands for size · 286 / 256.
    pub load_size: Option<u32>,
    pub flip: bool,
    /// Pairs of a step, shared equally among the workers.
    pub batch: usize,
    pub workers: usize,
    pub dropout: f64,
    /// In the second half of them the learning rate falls.
    pub steps: u64,
    pub lr_policy: LrPolicy,
    pub lr: f64,
    pub gan_mode: GanMode,
    pub lambda_l1: f64,
    pub lambda_gan: f64,
    pub ema: Option<f64>,
    pub diff_augment: DiffAugment,
    pub seed: u64,
    /// How people make an input of the model; `None` leaves that to the model, a photo in a fresh one.
    pub mode: Option<InputMode>,
}

impl Default for Settings {
    fn default() -> Self {
        let papers = Hyperparameters::of(ModelKind::Pix2Pix);
        Self {
            name: "taught".to_owned(),
            task: "translate".to_owned(),
            input: Encoding::Color,
            output: Encoding::Color,
            residual: false,
            net_g: GeneratorArch::Unet128,
            base: 16,
            norm: NormKind::Batch,
            norm_stats: NormStats::Batch,
            size: 128,
            load_size: None,
            flip: true,
            batch: 1,
            workers: 1,
            dropout: 0.5,
            steps: 2000,
            lr_policy: LrPolicy::Linear,
            lr: 2e-4,
            gan_mode: papers.gan_mode,
            lambda_l1: papers.lambda_l1,
            lambda_gan: papers.lambda_gan,
            ema: None,
            diff_augment: papers.diff_augment,
            seed: 0,
            mode: None,
        }
    }
}

impl Settings {
    /// Reads settings; [`Self::check`] is still to come.
    pub fn parse(json: &str) -> Result<Self, WebError> {
        serde_json::from_str(json)
            .map_err(|error| refused(format!("The settings cannot be read: {error}.")))
    }

    /// Refuses what makes no sense, or more than a tab can bear, for this generator.
    pub fn check(&self, generator: &GeneratorConfig) -> Result<(), WebError> {
        let within =
            |name: &str, value: f64, least: f64, most: f64| match (least..=most).contains(&value) {
                true => Ok(()),
                false => Err(refused(format!(
                    "\"{name}\" is {value}; it must be {least} to {most}."
                ))),
            };
        for (field, text) in [("name", &self.name), ("task", &self.task)] {
            within(field, text.chars().count() as f64, 1.0, LONGEST_NAME as f64)?;
        }
        if generator.residual && generator.in_channels != generator.out_channels {
            return Err(refused(format!(
                "\"residual\" adds {} channels of output to {} of input: leave it out.",
                generator.out_channels, generator.in_channels
            )));
        }
        within("base", generator.base as f64, 1.0, MAX_BASE as f64)?;
        within("batch", self.batch as f64, 1.0, MAX_BATCH as f64)?;
        within("workers", self.workers as f64, 1.0, self.batch as f64)?;
        if !self.batch.is_multiple_of(self.workers) {
            return Err(refused(format!(
                "\"batch\" is {}, which {} workers cannot share equally: take a multiple.",
                self.batch, self.workers
            )));
        }
        within("dropout", self.dropout, 0.0, 0.99)?;
        within("steps", self.steps as f64, 1.0, 1e7)?;
        within("lr", self.lr, 1e-9, 1.0)?;
        within("lambda_l1", self.lambda_l1, 0.0, 1e6)?;
        within("lambda_gan", self.lambda_gan, 0.0, 1e6)?;
        within("ema", self.ema.unwrap_or_default(), 0.0, 1.0)?;
        within("seed", self.seed as f64, 0.0, MAX_NUMBER as f64)?;
        let multiple_of = generator.arch.size_rule().divisor() as u32;
        let (size, most) = (self.size, MAX_SIZE);
        if size == 0 || size > most || !size.is_multiple_of(multiple_of) {
            return Err(refused(format!(
                "\"size\" is {size}; this network needs a multiple of {multiple_of}, at most {most}."
            )));
        }
        let (least, most) = (f64::from(size), 2.0 * f64::from(size));
        within("load_size", f64::from(self.load_size()), least, most)?;
        let share = self.batch / self.workers;
        if generator.base * share * (size * size) as usize > MAX_VALUES {
            return Err(refused(format!(
                "Base {} at {size}×{size}, {share} at a time, needs more memory than a tab has: \
                 take a smaller one.",
                generator.base
            )));
        }
        Ok(())
    }

    /// The model folder to be, with the network that they name and without weights.
    pub fn manifest(&self) -> Manifest {
        let channels = |encoding: Encoding| encoding.channels().unwrap_or(3);
        let config = GeneratorConfig {
            in_channels: channels(self.input),
            out_channels: channels(self.output),
            residual: self.residual,
            ..GeneratorConfig::new(self.net_g, self.base, self.norm)
        };
        let mut manifest = Manifest::bare(&self.name, config, self.norm_stats);
        manifest.task.clone_from(&self.task);
        manifest.input.encoding = self.input;
        manifest.output.encoding = self.output;
        manifest
    }

    /// What judges the images of a model.
    pub fn discriminator(&self, manifest: &Manifest) -> DiscriminatorConfig {
        let generator = &manifest.generator.config;
        DiscriminatorConfig {
            arch: DiscriminatorArch::Basic,
            in_channels: generator.in_channels + generator.out_channels,
            base: generator.base,
            norm: NormKind::Batch,
            patches: Patches::Overlapping,
        }
    }

    pub fn init(&self) -> (InitType, f64) {
        (InitType::Normal, 0.02)
    }

    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            gan_mode: self.gan_mode,
            lambda_l1: self.lambda_l1,
            lambda_gan: self.lambda_gan,
            dropout: self.dropout,
            diff_augment: self.diff_augment,
            ema: self.ema,
            seed: self.seed,
            ..Hyperparameters::of(ModelKind::Pix2Pix)
        }
    }

    pub fn load_size(&self) -> u32 {
        let scaled = f64::from(self.size) * 286.0 / 256.0;
        self.load_size.unwrap_or(scaled.round() as u32)
    }

    /// The learning rates of a step, counted from zero.
    pub fn rates(&self, step: u64) -> Rates {
        let schedule = Schedule {
            policy: self.lr_policy,
            unit_steps: 1,
            constant: self.steps / 2,
            decay: self.steps - self.steps / 2,
            decay_every: self.steps,
        };
        let rate = self.lr * schedule.factor(step);
        Rates {
            net_g: rate,
            net_d: rate,
        }
    }
}

fn refused(message: String) -> WebError {
    WebError::new(ErrorCode::Settings, message)
}
