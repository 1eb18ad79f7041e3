//! Settings of a training run: words of the command line, fields of `config.json`. Each default
//! is written here, once.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use model::{GeneratorArch, NormKind, NormStats};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data::Frame;
use crate::device::DeviceChoice;

mod data;

pub use data::{DataArgs, Direction, PhotoTask, Preprocess};

/// Scale before the crop, relative to the crop: 286 to 256 (arXiv 1611.07004, section 6.2).
const LOAD_SIZE_FACTOR: f64 = 286.0 / 256.0;

/// Architecture of the generator, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum NetG {
    /// U-Net with 8 steps down.
    #[value(name = "unet_256")]
    #[serde(rename = "unet_256")]
    Unet256,
    /// U-Net with 7 steps down.
    #[value(name = "unet_128")]
    #[serde(rename = "unet_128")]
    Unet128,
}

impl From<NetG> for GeneratorArch {
    fn from(net_g: NetG) -> Self {
        match net_g {
            NetG::Unet256 => Self::Unet256,
            NetG::Unet128 => Self::Unet128,
        }
    }
}

/// Normalisation, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Batch norm.
    Batch,
    /// Instance norm.
    Instance,
    /// None.
    None,
}

impl From<Norm> for NormKind {
    fn from(norm: Norm) -> Self {
        match norm {
            Norm::Batch => Self::Batch,
            Norm::Instance => Self::Instance,
            Norm::None => Self::None,
        }
    }
}

/// Statistics of batch norms at inference, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stats {
    /// Of the picture at hand.
    Batch,
    /// Averaged over the training.
    Running,
}

impl From<Stats> for NormStats {
    fn from(stats: Stats) -> Self {
        match stats {
            Stats::Batch => Self::Batch,
            Stats::Running => Self::Running,
        }
    }
}

/// Settings of a training run. What is left out depends on the device: a CPU gets a small
/// network and few steps, a GPU the paper's.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Where pairs come from.
    #[command(flatten)]
    pub data: DataArgs,
    /// Generator
    #[arg(long, default_value = "unet_256")]
    pub net_g: NetG,
    /// Feature maps of the generator's outermost layer [default: 16 on a CPU, 64 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub base: Option<u32>,
    /// Feature maps of the discriminator's first layer [default: as --base]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub base_d: Option<u32>,
    /// Learn a correction that is added to the input [default: yes for --task deblur]
    #[arg(long, value_name = "BOOL")]
    pub residual: Option<bool>,
    /// Normalisation of the generator; `none` restores photos best, the others invent more
    #[arg(long, default_value = "batch")]
    pub norm: Norm,
    /// Normalisation of the discriminator
    #[arg(long, default_value = "batch")]
    pub norm_d: Norm,
    /// Statistics of batch norms in the exported model [default: batch at --batch 1, else running]
    #[arg(long)]
    pub norm_stats: Option<Stats>,
    /// Dropout rate of the generator's inner layers while training
    #[arg(long, value_name = "RATE", default_value_t = 0.5, value_parser = rate)]
    pub dropout: f64,
    /// Passes over the training pictures
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = clap::value_parser!(u64).range(1..))]
    pub epochs: Option<u64>,
    /// Training steps [default: 1500 on a CPU, 20000 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// Pairs per step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub batch: u32,
    /// Side of training pictures in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: u32,
    /// Side before the random crop [default: size · 286 / 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub load_size: Option<u32>,
    /// Do not mirror pictures at random
    #[arg(long)]
    pub no_flip: bool,
    /// Learning rate of Adam; constant for the first half, then falling to zero
    #[arg(long, value_name = "RATE", default_value_t = 2e-4, value_parser = positive)]
    pub lr: f64,
    /// Weight of the L1 loss
    #[arg(long, value_name = "X", default_value_t = 100.0, value_parser = not_negative)]
    pub lambda_l1: f64,
    /// Weight of the adversarial loss; 0 trains with L1 alone
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative)]
    pub lambda_gan: f64,
    /// Device: auto, cpu, vulkan, vulkan:INDEX, cuda, cuda:INDEX
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Seed of all randomness
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Start from the generator of another run's latest checkpoint (fine-tuning)
    #[arg(long, value_name = "RUN")]
    pub from: Option<PathBuf>,
    /// Folder of the run [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Steps between sample grids and validations [default: a tenth of all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample_every: Option<u64>,
    /// Steps between checkpoints [default: a tenth of all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub checkpoint_every: Option<u64>,
    /// Threads that prepare pictures [default: 1 on a CPU, 8 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// How the exported model stores its weights
    #[arg(long, default_value = "f16")]
    pub weights: WeightsArg,
}

/// Storage of weights, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsArg {
    /// 4 bytes per value
    F32,
    /// 2 bytes per value
    F16,
    /// 1 byte per value
    Q8,
}

impl From<WeightsArg> for model::WeightsDtype {
    fn from(weights: WeightsArg) -> Self {
        match weights {
            WeightsArg::F32 => Self::F32,
            WeightsArg::F16 => Self::F16,
            WeightsArg::Q8 => Self::Q8,
        }
    }
}

/// Every setting of a run, decided. Written to `config.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Name of the run and of the exported model.
    pub name: String,
    /// Where pairs come from.
    pub data: DataArgs,
    /// Generator.
    pub net_g: NetG,
    /// Feature maps of the generator's outermost layer.
    pub base: u32,
    /// Feature maps of the discriminator's first layer.
    pub base_d: u32,
    /// Whether the generator's output is added to its input.
    pub residual: bool,
    /// Normalisation of the generator.
    pub norm: Norm,
    /// Normalisation of the discriminator.
    pub norm_d: Norm,
    /// Statistics at inference.
    pub norm_stats: Stats,
    /// Dropout rate in training.
    pub dropout: f64,
    /// Training steps.
    pub steps: u64,
    /// Run whose generator was the start.
    pub from: Option<PathBuf>,
    /// Pairs per step.
    pub batch: u32,
    /// Side of training pictures.
    pub size: u32,
    /// Side before the crop.
    pub load_size: u32,
    /// Mirror at random.
    pub flip: bool,
    /// Learning rate.
    pub lr: f64,
    /// Weight of the L1 loss.
    pub lambda_l1: f64,
    /// Weight of the adversarial loss.
    pub lambda_gan: f64,
    /// Seed.
    pub seed: u64,
    /// Steps between sample grids.
    pub sample_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Loader threads.
    pub workers: u32,
    /// Storage of exported weights.
    pub weights: WeightsArg,
}

/// Settings that contradict each other.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The size does not fit the network.
    #[error("--size {size} does not fit --net-g: use a multiple of {multiple_of}")]
    Size {
        /// What was asked for.
        size: u32,
        /// What the network needs.
        multiple_of: usize,
    },
    /// A correction has the channels of what it corrects.
    #[error(
        "--residual true adds the output to the input, whose channels are {in_channels} and not \
         {out_channels}; use --residual false"
    )]
    Residual {
        /// Channels of the input.
        in_channels: usize,
        /// Channels of the output.
        out_channels: usize,
    },
    /// A batch needs samples of one size.
    #[error(
        "--batch {batch} needs pictures of one size, --preprocess none and scale_width keep theirs; \
         use --batch 1 or another --preprocess"
    )]
    SizesVary {
        /// Pairs per step.
        batch: u32,
    },
    /// Crops must fit into the scaled picture.
    #[error("--load-size {load_size} is smaller than --size {size}; raise it or leave it out")]
    LoadSize {
        /// Side before the crop.
        load_size: u32,
        /// Side after the crop.
        size: u32,
    },
}

impl TrainArgs {
    /// Decides every setting. `on_gpu` chooses among defaults; `training_pairs` turns epochs
    /// into steps.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn decide(&self, on_gpu: bool, training_pairs: usize) -> Result<TrainConfig, ConfigError> {
        let (base, steps, workers) = if on_gpu {
            (64, 20_000, 8)
        } else {
            (16, 1_500, 1)
        };
        let batches = (training_pairs as u64).div_ceil(u64::from(self.batch));
        let steps = match (self.steps, self.epochs) {
            (Some(steps), _) => steps,
            (None, Some(epochs)) => epochs.saturating_mul(batches.max(1)),
            (None, None) => steps,
        };
        let scaled = (f64::from(self.size) * LOAD_SIZE_FACTOR).round() as u32;
        let stats = match self.batch {
            1 => Stats::Batch,
            _ => Stats::Running,
        };
        let base = self.base.unwrap_or(base);
        let config = TrainConfig {
            name: self.name(),
            data: self.data.clone(),
            net_g: self.net_g,
            base,
            base_d: self.base_d.unwrap_or(base),
            residual: self
                .residual
                .unwrap_or(self.data.task == Some(PhotoTask::Deblur)),
            norm: self.norm,
            norm_d: self.norm_d,
            norm_stats: self.norm_stats.unwrap_or(stats),
            dropout: self.dropout,
            steps,
            from: self.from.clone(),
            batch: self.batch,
            size: self.size,
            load_size: self.load_size.unwrap_or(scaled),
            // The drawn façades are lit from one side; mirrored ones would be lit from both.
            flip: !self.no_flip && !self.data.is_demo(),
            lr: self.lr,
            lambda_l1: self.lambda_l1,
            lambda_gan: self.lambda_gan,
            seed: self.seed,
            sample_every: self.sample_every.unwrap_or((steps / 10).max(1)),
            checkpoint_every: self.checkpoint_every.unwrap_or((steps / 10).max(1)),
            workers: self.workers.unwrap_or(workers),
            weights: self.weights,
        };
        config.check()?;
        Ok(config)
    }

    /// Name of the run: that of its folder, or of the data and the task.
    fn name(&self) -> String {
        let last = |path: &PathBuf| {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let name = absolute.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        if let Some(run) = &self.run {
            return last(run);
        }
        match (
            &self.data.photos,
            self.data.task,
            &self.data.data,
            &self.data.b,
        ) {
            (Some(photos), Some(task), ..) => format!("{}-{}", last(photos), task.name()),
            (_, _, Some(data), _) => last(data),
            (_, _, _, Some(b)) => last(b),
            _ => "demo".to_string(),
        }
    }
}

impl TrainConfig {
    /// The generator's configuration.
    pub fn generator(&self) -> model::GeneratorConfig {
        model::GeneratorConfig {
            arch: self.net_g.into(),
            in_channels: self.data.in_channels(),
            out_channels: self.data.out_channels(),
            base: self.base as usize,
            norm: self.norm.into(),
            norm_bottleneck: false,
            residual: self.residual,
        }
    }

    /// The discriminator's configuration; it sees input and output together.
    pub fn discriminator(&self) -> model::DiscriminatorConfig {
        model::DiscriminatorConfig {
            in_channels: self.data.in_channels() + self.data.out_channels(),
            base: self.base_d as usize,
            norm: self.norm_d.into(),
        }
    }

    /// Side of validation pictures: the scale of the training pictures before their crop, as far
    /// as the network takes it. 256 for 286 cropped to 256, and for 256 cropped to 128.
    pub fn validation_size(&self) -> u32 {
        let divisor = GeneratorArch::from(self.net_g).size_rule().divisor() as u32;
        self.load_size / divisor * divisor
    }

    /// How training pictures are scaled and cropped.
    pub fn frame(&self) -> Frame {
        let multiple_of = GeneratorArch::from(self.net_g).size_rule().divisor();
        self.data.frame(self.load_size, self.size, multiple_of)
    }

    /// How validation pictures are scaled and cropped.
    pub fn validation_frame(&self) -> Frame {
        self.data
            .validation_frame(self.frame(), self.validation_size())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let multiple_of = GeneratorArch::from(self.net_g).size_rule().divisor();
        let (in_channels, out_channels) = (self.data.in_channels(), self.data.out_channels());
        if self.residual && in_channels != out_channels {
            return Err(ConfigError::Residual {
                in_channels,
                out_channels,
            });
        }
        if self.data.sizes_vary() && self.batch != 1 {
            return Err(ConfigError::SizesVary { batch: self.batch });
        }
        if !(self.size as usize).is_multiple_of(multiple_of) {
            let size = self.size;
            return Err(ConfigError::Size { size, multiple_of });
        }
        if self.load_size < self.size {
            return Err(ConfigError::LoadSize {
                load_size: self.load_size,
                size: self.size,
            });
        }
        Ok(())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..1.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0 to below 1".to_string()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("must be a number above 0".to_string()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("must be 0 or a number above".to_string()),
    }
}
