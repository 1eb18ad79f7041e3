//! The generator `netG`: its configuration, and the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::blocks::{Mode, Upsample};
use crate::norm::NormKind;
use crate::pixels::SizeRule;
use crate::resnet::Resnet;
use crate::unet::Unet;

/// Architecture of a generator, under the field's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratorArch {
    /// U-Net with 9 steps down, for sides that are multiples of 512.
    #[serde(rename = "unet_512")]
    Unet512,
    /// U-Net with 8 steps down, for sides that are multiples of 256.
    #[serde(rename = "unet_256")]
    Unet256,
    /// U-Net with 7 steps down, for sides that are multiples of 128.
    #[serde(rename = "unet_128")]
    Unet128,
    /// ResNet with 9 residual blocks.
    #[serde(rename = "resnet_9blocks")]
    Resnet9Blocks,
    /// ResNet with 6 residual blocks.
    #[serde(rename = "resnet_6blocks")]
    Resnet6Blocks,
}

/// Family of an architecture, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// [`Unet`].
    Unet {
        /// Steps down.
        depth: usize,
    },
    /// [`Resnet`].
    Resnet {
        /// Residual blocks.
        blocks: usize,
    },
}

impl GeneratorArch {
    /// What the name stands for.
    pub fn family(self) -> Family {
        match self {
            Self::Unet512 => Family::Unet { depth: 9 },
            Self::Unet256 => Family::Unet { depth: 8 },
            Self::Unet128 => Family::Unet { depth: 7 },
            Self::Resnet9Blocks => Family::Resnet { blocks: 9 },
            Self::Resnet6Blocks => Family::Resnet { blocks: 6 },
        }
    }

    /// Which heights and widths the network takes.
    pub fn size_rule(self) -> SizeRule {
        let plan = GeneratorConfig::new(self, 1, NormKind::None).plan();
        SizeRule::multiple_of(plan.divisor())
    }
}

/// Widths of a U-Net's decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// Each up block gives what the down block of its level took; the last gives the picture.
    #[default]
    Mirrored,
    /// The paper's listing (arXiv 1611.07004, section 6.1.1) at its word, as some tutorials
    /// read it: at base 64, up blocks of 512-1024-1024-1024-1024-512-256-128 filters, dropout
    /// on the first three, then a 3×3 convolution to the picture.
    Listed,
}

/// Everything that decides the shapes of a generator's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorConfig {
    /// Architecture.
    pub arch: GeneratorArch,
    /// Channels of `real_A`, 1 to 8.
    pub in_channels: usize,
    /// Channels of `fake_B`, 1 to 8.
    pub out_channels: usize,
    /// Feature maps of the outermost layer (`ngf`), 1 to 256.
    pub base: usize,
    /// Normalisation.
    pub norm: NormKind,
    /// Normalise the innermost down block, as some old checkpoints do. At 1×1 a batch
    /// statistic of a single value is zero, so new networks leave it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub norm_bottleneck: bool,
    /// Widths of the decoder; U-Nets only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub decoder: Decoder,
    /// How height and width are doubled.
    #[serde(default, skip_serializing_if = "Upsample::is_default")]
    pub upsample: Upsample,
    /// Dropout inside residual blocks, in training; ResNets only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resnet_dropout: bool,
    /// Add the network's output to its input, so that it learns the correction alone
    /// (DeblurGAN, arXiv 1711.07064, section 3.3). For tasks whose input resembles the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub residual: bool,
}

fn is_default(decoder: &Decoder) -> bool {
    *decoder == Decoder::default()
}

impl GeneratorConfig {
    /// The plain network of `arch`: RGB to RGB, without any of the options.
    pub fn new(arch: GeneratorArch, base: usize, norm: NormKind) -> Self {
        Self {
            arch,
            in_channels: 3,
            out_channels: 3,
            base,
            norm,
            norm_bottleneck: false,
            decoder: Decoder::default(),
            upsample: Upsample::default(),
            resnet_dropout: false,
            residual: false,
        }
    }

    /// The network on `device`, all weights zero: load them or call
    /// [`init_weights`](crate::init_weights).
    pub fn init(&self, device: &Device) -> Generator {
        Generator {
            network: match self.arch.family() {
                Family::Unet { depth } => GeneratorNetwork::Unet(Unet::new(self, depth, device)),
                Family::Resnet { blocks } => {
                    GeneratorNetwork::Resnet(Resnet::new(self, blocks, device))
                }
            },
            residual: self.residual,
        }
    }
}

/// The families of generators.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program holds one or two")]
pub enum GeneratorNetwork {
    /// Encoder and decoder with skip connections.
    Unet(Unet),
    /// Residual blocks at a quarter of the size.
    Resnet(Resnet),
}

/// `netG`: translates `real_A` into `fake_B`.
#[derive(Module, Debug)]
pub struct Generator {
    /// The layers.
    pub network: GeneratorNetwork,
    /// Whether the output is a correction of the input.
    pub residual: bool,
}

impl Generator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to `[batch, out_channels, height, width]`, both in
    /// `[-1, 1]`; height and width follow [`GeneratorArch::size_rule`].
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self.residual {
            true => (self.translate(real_a.clone(), mode) + real_a).clamp(-1.0, 1.0),
            false => self.translate(real_a, mode),
        }
    }

    fn translate(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.network {
            GeneratorNetwork::Unet(unet) => unet.forward(real_a, mode),
            GeneratorNetwork::Resnet(resnet) => resnet.forward(real_a, mode),
        }
    }
}
