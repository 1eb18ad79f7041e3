//! Every setting of a run, decided, and whether they go together.

use std::path::PathBuf;

use burn::tensor::Device;
use model::training::{DiffAugment, Gan, GanMode, Hyperparameters, ModelKind, Schedule};
use model::{
    Decoder, DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, InitType,
    NormKind, NormStats, Patches, Precision, Upsample, WeightsDtype,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::data::DataArgs;
use super::names::{generators, name_of};
use crate::data::Frame;
use crate::data::loader::LoaderConfig;

/// Checkpoints that are kept unless the user says otherwise.
pub(super) const KEEP: u32 = 2;

/// Every setting of a run, decided. Written to `config.json`. What each means stands at the flag of
/// its name in `TrainArgs`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainConfig {
    pub name: String,
    pub model: ModelKind,
    pub data: DataArgs,
    pub net_g: GeneratorArch,
    pub base: u32,
    pub upsample: Upsample,
    pub decoder: Decoder,
    pub residual: bool,
    pub net_d: DiscriminatorArch,
    pub patches: Patches,
    pub base_d: u32,
    pub norm: NormKind,
    pub norm_d: NormKind,
    pub norm_stats: NormStats,
    pub dropout: f64,
    #[serde(default)]
    pub precision: Precision,
    pub init: InitType,
    pub init_gain: f64,
    pub steps: u64,
    pub schedule: Schedule,
    pub from: Option<PathBuf>,
    pub batch: u32,
    pub size: u32,
    pub load_size: u32,
    pub flip: bool,
    pub lr: f64,
    pub lr_d: f64,
    pub gan_mode: GanMode,
    pub lambda_l1: f64,
    pub lambda_gan: f64,
    pub lambda_cycle: f64,
    pub lambda_identity: f64,
    pub pool_size: u32,
    pub ema: Option<f64>,
    pub diff_augment: DiffAugment,
    pub seed: u64,
    pub sample_every: u64,
    pub checkpoint_every: u64,
    #[serde(default = "kept_by_default")]
    pub keep: u32,
    #[serde(default)]
    pub keep_best: bool,
    pub workers: u32,
    pub weights: WeightsDtype,
}

fn kept_by_default() -> u32 {
    KEEP
}

/// Settings that contradict each other.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("--size {size} does not fit --net-g {net_g}: use a multiple of {multiple_of}{others}")]
    Size {
        size: u32,
        net_g: &'static str,
        multiple_of: usize,
        others: String,
    },
    #[error(
        "--batch {batch} needs images of one size, --preprocess none and scale_width keep theirs; \
         use --batch 1 or another --preprocess"
    )]
    SizesVary { batch: u32 },
    #[error("--load-size {load_size} is smaller than --size {size}; raise it or leave it out")]
    LoadSize { load_size: u32, size: u32 },
    #[error(
        "--size {size} is too small for the discriminator, which needs at least {needed}; use --net-d \
         pixel, or --net-d n_layers with fewer --n-layers-d"
    )]
    SizeOfDiscriminator { size: u32, needed: u32 },
    #[error(
        "{flag} needs as many input channels as output channels, here {in_channels} and \
         {out_channels}; {remedy}"
    )]
    Channels {
        flag: &'static str,
        in_channels: usize,
        out_channels: usize,
        remedy: &'static str,
    },
}

impl TrainConfig {
    /// The generator from A to B.
    pub fn generator(&self) -> GeneratorConfig {
        GeneratorConfig {
            in_channels: self.data.in_channels(),
            out_channels: self.data.out_channels(),
            decoder: self.decoder,
            upsample: self.upsample,
            resnet_dropout: self.dropout > 0.0,
            residual: self.residual,
            ..GeneratorConfig::new(self.net_g, self.base as usize, self.norm)
        }
    }

    /// The generator from B to A.
    pub fn generator_back(&self) -> GeneratorConfig {
        GeneratorConfig {
            in_channels: self.data.out_channels(),
            out_channels: self.data.in_channels(),
            ..self.generator()
        }
    }

    /// The discriminator of what is made from A: of input and output together in pix2pix, of
    /// images of B in CycleGAN.
    pub fn discriminator(&self) -> DiscriminatorConfig {
        let (a, b) = (self.data.in_channels(), self.data.out_channels());
        DiscriminatorConfig {
            arch: self.net_d,
            in_channels: match self.model {
                ModelKind::Pix2Pix => a + b,
                ModelKind::CycleGan => b,
            },
            base: self.base_d as usize,
            norm: self.norm_d,
            patches: self.patches,
        }
    }

    /// The discriminator of images of A in CycleGAN.
    pub fn discriminator_back(&self) -> DiscriminatorConfig {
        DiscriminatorConfig {
            in_channels: self.data.in_channels(),
            ..self.discriminator()
        }
    }

    /// What the networks learn by.
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            gan_mode: self.gan_mode,
            lambda_l1: self.lambda_l1,
            lambda_gan: self.lambda_gan,
            lambda_cycle: self.lambda_cycle,
            lambda_identity: self.lambda_identity,
            pool_size: self.pool_size as usize,
            dropout: self.dropout,
            precision: self.precision,
            diff_augment: self.diff_augment,
            ema: self.ema,
            seed: self.seed,
        }
    }

    /// Fresh networks on `device`, drawn from its random stream as seeded here.
    pub fn init(&self, device: &Device) -> Gan {
        let count = match self.model {
            ModelKind::Pix2Pix => 1,
            ModelKind::CycleGan => 2,
        };
        let generators = [self.generator(), self.generator_back()];
        let discriminators = [self.discriminator(), self.discriminator_back()];
        Gan::fresh(
            self.model,
            &generators[..count],
            &discriminators[..count],
            (self.init, self.init_gain),
            self.hyperparameters(),
            device,
        )
    }

    /// Side of validation images: the scale of the training images before their crop, as far
    /// as the network takes it. 256 for 286 cropped to 256, and for 256 cropped to 128.
    pub fn validation_size(&self) -> u32 {
        let divisor = self.net_g.size_rule().divisor() as u32;
        self.load_size / divisor * divisor
    }

    /// How training images are scaled and cropped.
    pub fn frame(&self) -> Frame {
        let multiple_of = self.net_g.size_rule().divisor();
        self.data.frame(self.load_size, self.size, multiple_of)
    }

    /// How samples are made.
    pub fn loader(&self) -> LoaderConfig {
        LoaderConfig {
            seed: self.seed,
            batch: self.batch as usize,
            frame: self.frame(),
            flip: self.flip,
            workers: self.workers as usize,
        }
    }

    /// How validation images are scaled and cropped.
    pub fn validation_frame(&self) -> Frame {
        self.data
            .validation_frame(self.frame(), self.validation_size())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.data.sizes_vary() && self.batch != 1 {
            return Err(ConfigError::SizesVary { batch: self.batch });
        }
        let multiple_of = self.net_g.size_rule().divisor();
        if !(self.size as usize).is_multiple_of(multiple_of) {
            return Err(ConfigError::Size {
                size: self.size,
                net_g: name_of(self.net_g),
                multiple_of,
                others: self.fitting_generators(),
            });
        }
        if self.load_size < self.size {
            return Err(ConfigError::LoadSize {
                load_size: self.load_size,
                size: self.size,
            });
        }
        self.check_discriminator()?;
        self.check_channels()
    }

    /// The other generators that take images of this size, as advice.
    fn fitting_generators(&self) -> String {
        let fits =
            |arch: &GeneratorArch| (self.size as usize).is_multiple_of(arch.size_rule().divisor());
        let names: Vec<&str> = generators().filter(fits).map(name_of).collect();
        match names[..] {
            [] => String::new(),
            [name] => format!(", or --net-g {name}, which takes this size"),
            [ref names @ .., last] => {
                let names = names.join(", ");
                format!(", or --net-g {names} or {last}, which take this size")
            }
        }
    }

    fn check_discriminator(&self) -> Result<(), ConfigError> {
        let n_layers = match self.net_d {
            DiscriminatorArch::Basic => model::config::BASIC_LAYERS,
            DiscriminatorArch::NLayers(n_layers) => n_layers,
            DiscriminatorArch::Pixel => return Ok(()),
        };
        // Two layers of kernel 4 and stride 1 take a pixel each; three must be left.
        let needed = match self.patches {
            Patches::Overlapping => 3 << n_layers,
            Patches::Listed => 2 << n_layers,
        };
        match self.size >= needed {
            true => Ok(()),
            false => Err(ConfigError::SizeOfDiscriminator {
                size: self.size,
                needed,
            }),
        }
    }

    fn check_channels(&self) -> Result<(), ConfigError> {
        let (in_channels, out_channels) = (self.data.in_channels(), self.data.out_channels());
        let refuse = |flag, remedy| {
            Err(ConfigError::Channels {
                flag,
                in_channels,
                out_channels,
                remedy,
            })
        };
        if in_channels == out_channels {
            return Ok(());
        }
        if self.residual {
            return refuse("a correction of the input", "pass --residual false");
        }
        if self.model == ModelKind::CycleGan && self.lambda_identity > 0.0 {
            return refuse("--lambda-identity", "set it to 0");
        }
        Ok(())
    }
}
