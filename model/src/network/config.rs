//! Everything that decides the layers of the networks, as run folders and manifests hold it.

use serde::{Deserialize, Serialize};

/// Architecture of a generator, under the field's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratorArch {
    /// U-Net with 9 steps down, for heights and widths that are multiples of 512.
    #[serde(rename = "unet_512")]
    Unet512,
    /// U-Net with 8 steps down, for heights and widths that are multiples of 256.
    #[serde(rename = "unet_256")]
    Unet256,
    /// U-Net with 7 steps down, for heights and widths that are multiples of 128.
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
    /// [`Unet`](crate::network::unet::Unet).
    Unet {
        /// Steps down.
        depth: usize,
    },
    /// [`Resnet`](crate::network::resnet::Resnet).
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
}

/// Widths of a U-Net's decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    /// Each up block gives what the down block of its level took; the last gives the image.
    #[default]
    Mirrored,
    /// The paper's listing (arXiv 1611.07004, section 6.1.1) at its word, as some tutorials
    /// read it: at base 64, up blocks of 512-1024-1024-1024-1024-512-256-128 filters, dropout
    /// on the first three, then a 3×3 convolution to the image.
    Listed,
}

/// Everything that decides the shapes of a generator's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorConfig {
    pub arch: GeneratorArch,
    /// Channels of `real_A`, 1 to 8.
    pub in_channels: usize,
    /// Channels of `fake_B`, 1 to 8.
    pub out_channels: usize,
    /// Feature maps of the outermost layer (`ngf`), 1 to 256.
    pub base: usize,
    pub norm: NormKind,
    /// Normalise the innermost down block, as some old checkpoints do. At 1×1 a batch
    /// statistic of a single value is zero, so new networks leave it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub norm_bottleneck: bool,
    /// A bias in the outermost down block whatever the norm, as pix2pix-tensorflow has; U-Nets only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_bias: bool,
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
            input_bias: false,
            decoder: Decoder::default(),
            upsample: Upsample::default(),
            resnet_dropout: false,
            residual: false,
        }
    }
}

/// Stride-2 layers of the 70×70 PatchGAN.
pub const BASIC_LAYERS: usize = 3;

/// Architecture of a discriminator, under the field's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscriminatorArch {
    /// PatchGAN of patches of 70×70 (arXiv 1611.07004, section 6.1.2).
    Basic,
    /// PatchGAN with this many layers of stride 2, 1 to 5; `basic` has 3.
    NLayers(usize),
    /// Judges each pixel alone.
    Pixel,
}

/// How a PatchGAN ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patches {
    /// The last hidden layer has stride 1, and a 4×4 convolution follows: 256×256 gives 30×30.
    #[default]
    Overlapping,
    /// The paper's listing at its word, as some tutorials read it: every layer has stride 2,
    /// and a 3×3 convolution follows: four layers make 16×16 of 256×256.
    Listed,
}

/// Everything that decides the shapes of a discriminator's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscriminatorConfig {
    pub arch: DiscriminatorArch,
    /// Channels of the judged image; for pix2pix those of `real_A` and `real_B` together.
    pub in_channels: usize,
    /// Feature maps of the first layer (`ndf`).
    pub base: usize,
    pub norm: NormKind,
    /// How a PatchGAN ends.
    pub patches: Patches,
}

/// Normalisation layer of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Batch normalisation with learned scale and shift (arXiv 1502.03167).
    Batch,
    /// Instance normalisation without parameters (arXiv 1607.08022).
    Instance,
    /// No normalisation.
    None,
}

impl NormKind {
    /// A convolution before a batch norm needs no bias: the norm's shift replaces it.
    pub(crate) fn needs_conv_bias(self) -> bool {
        self != Self::Batch
    }
}

/// Which statistics a batch norm uses at inference. Part of the model, stored in its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormStats {
    /// Mean and variance of the image at hand.
    Batch,
    /// Mean and variance averaged over the training.
    Running,
}

/// How a generator doubles height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsample {
    /// Transposed convolution, as in the papers.
    #[default]
    Transposed,
    /// Each pixel becomes four, then a 3×3 convolution: no checkerboards
    /// (doi 10.23915/distill.00003).
    Resize,
    /// Bilinear interpolation to twice the size, with zeros beyond the edges, then a 3×3
    /// convolution: no pixel's place among its four decides what a convolution sees.
    Bilinear,
}

impl Upsample {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Transposed, Self::Resize, Self::Bilinear];

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
