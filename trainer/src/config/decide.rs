//! From the flags of `train` to every setting of a run.

use model::training::{DiffAugment, GanMode, LrPolicy, ModelKind, Schedule};
use model::{DiscriminatorArch, GeneratorArch, NormKind, NormStats};

use super::args::{Augmentation, NetD, TrainArgs};
use super::{ConfigError, TrainConfig};
use crate::data::source::photos::PhotoTask;
use crate::system::files::last_name;

/// Scale before the crop, relative to the crop: 286 to 256 (arXiv 1611.07004, section 6.2).
const LOAD_SIZE_FACTOR: f64 = 286.0 / 256.0;

/// What a run that says nothing gets.
struct Defaults {
    net_g: GeneratorArch,
    base: u32,
    norm: NormKind,
    dropout: f64,
    gan_mode: GanMode,
    steps: u64,
    workers: u32,
}

impl Defaults {
    fn of(model: ModelKind, on_gpu: bool) -> Self {
        let (base, steps, workers) = match on_gpu {
            true => (64, 20_000, 8),
            false => (16, 2_000, 1),
        };
        let (net_g, norm, dropout, gan_mode) = match (model, on_gpu) {
            (ModelKind::Pix2Pix, _) => (
                GeneratorArch::Unet256,
                NormKind::Batch,
                0.5,
                GanMode::Vanilla,
            ),
            (ModelKind::CycleGan, true) => (
                GeneratorArch::Resnet9Blocks,
                NormKind::Instance,
                0.0,
                GanMode::Lsgan,
            ),
            (ModelKind::CycleGan, false) => (
                GeneratorArch::Resnet6Blocks,
                NormKind::Instance,
                0.0,
                GanMode::Lsgan,
            ),
        };
        Self {
            net_g,
            base,
            norm,
            dropout,
            gan_mode,
            steps,
            workers,
        }
    }
}

impl TrainArgs {
    /// Decides every setting. `on_gpu` chooses among defaults; `training_pairs` turns epochs
    /// into steps.
    pub fn decide(&self, on_gpu: bool, training_pairs: usize) -> Result<TrainConfig, ConfigError> {
        let config = self.undecided(on_gpu, training_pairs);
        config.check()?;
        Ok(config)
    }

    pub fn net_d(&self) -> DiscriminatorArch {
        match self.net_d {
            NetD::Basic => DiscriminatorArch::Basic,
            NetD::NLayers => DiscriminatorArch::NLayers(usize::from(self.n_layers_d)),
            NetD::Pixel => DiscriminatorArch::Pixel,
        }
    }

    /// Every setting, whether or not they go together.
    pub(super) fn undecided(&self, on_gpu: bool, training_pairs: usize) -> TrainConfig {
        let defaults = Defaults::of(self.model, on_gpu);
        let (schedule, steps) = self.schedule(&defaults, training_pairs);
        let scaled = (f64::from(self.size) * LOAD_SIZE_FACTOR).round() as u32;
        let stats = match self.batch {
            1 => NormStats::Batch,
            _ => NormStats::Running,
        };
        let base = self.base.unwrap_or(defaults.base);
        TrainConfig {
            name: self.name(),
            model: self.model,
            data: self.data.clone(),
            net_g: self.net_g.unwrap_or(defaults.net_g),
            base,
            upsample: self.upsample,
            decoder: self.decoder,
            residual: self
                .residual
                .unwrap_or_else(|| self.data.task.is_some_and(PhotoTask::corrects)),
            net_d: self.net_d(),
            patches: self.patches,
            base_d: self.base_d.unwrap_or(base),
            norm: self.norm.unwrap_or(defaults.norm),
            norm_d: self.norm_d.unwrap_or(defaults.norm),
            norm_stats: self.norm_stats.unwrap_or(stats),
            dropout: self.dropout.unwrap_or(defaults.dropout),
            precision: self.precision,
            init: self.init,
            init_gain: self.init_gain,
            steps,
            schedule,
            from: self.from.clone(),
            batch: self.batch,
            size: self.size,
            load_size: self.load_size.unwrap_or(scaled),
            // The drawn façades are lit from one side; mirrored ones would be lit from both.
            flip: !self.no_flip && !self.data.is_demo(),
            lr: self.lr,
            lr_d: self.lr_d.unwrap_or(self.lr),
            gan_mode: self.gan_mode.unwrap_or(defaults.gan_mode),
            lambda_l1: self.lambda_l1,
            lambda_gan: self.lambda_gan,
            lambda_cycle: self.lambda_cycle,
            lambda_identity: self.lambda_identity,
            pool_size: self.pool_size,
            ema: self.ema.filter(|&decay| decay > 0.0),
            diff_augment: self.diff_augment(),
            seed: self.seed,
            sample_every: self.sample_every.unwrap_or((steps / 10).max(1)),
            checkpoint_every: self.checkpoint_every.unwrap_or((steps / 10).max(1)),
            keep: self.keep,
            keep_best: self.keep_best,
            workers: self.workers.unwrap_or(defaults.workers),
            weights: self.weights,
        }
    }

    /// Steps of an epoch.
    pub(super) fn batches(&self, training_pairs: usize) -> u64 {
        let batches = (training_pairs as u64).div_ceil(u64::from(self.batch));
        batches.max(1)
    }

    /// The plan of learning rates and the number of steps.
    fn schedule(&self, defaults: &Defaults, training_pairs: usize) -> (Schedule, u64) {
        let batches = self.batches(training_pairs);
        let schedule = |unit_steps, constant, decay, decay_every| Schedule {
            policy: self.lr_policy,
            unit_steps,
            constant,
            decay,
            decay_every,
        };
        let Some(epochs) = self.epochs else {
            let steps = self.steps.unwrap_or(defaults.steps);
            let every = self.lr_decay_every.saturating_mul(batches);
            let constant = match self.lr_policy {
                LrPolicy::Cosine => steps,
                _ => steps / 2,
            };
            return (schedule(1, constant, steps - steps / 2, every), steps);
        };
        let decay = self.epochs_decay.unwrap_or(epochs);
        let steps = (epochs + decay).saturating_mul(batches);
        (schedule(batches, epochs, decay, self.lr_decay_every), steps)
    }

    fn diff_augment(&self) -> DiffAugment {
        let has = |change| self.diff_augment.contains(&change);
        DiffAugment {
            color: has(Augmentation::Color),
            translation: has(Augmentation::Translation),
            cutout: has(Augmentation::Cutout),
        }
    }

    /// Name of the run: that of its folder, or of the data and the task.
    fn name(&self) -> String {
        if let Some(run) = &self.run {
            return last_name(run);
        }
        if let Some(recipe) = &self.recipe {
            return recipe.clone();
        }
        match (
            &self.data.photos,
            self.data.task,
            &self.data.data,
            &self.data.b,
        ) {
            (Some(photos), Some(task), ..) => format!("{}-{}", last_name(photos), task.name()),
            (_, _, Some(data), _) => last_name(data),
            (_, _, _, Some(b)) => last_name(b),
            _ => "demo".to_string(),
        }
    }
}
