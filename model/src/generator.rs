//! The generator `netG`: its configuration, and the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::blocks::{Mode, NormKind};
use crate::pixels::SizeRule;
use crate::unet::Unet;

/// Architecture of a generator, under the field's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratorArch {
    /// U-Net with 8 steps down, for sides that are multiples of 256.
    #[serde(rename = "unet_256")]
    Unet256,
    /// U-Net with 7 steps down, for sides that are multiples of 128.
    #[serde(rename = "unet_128")]
    Unet128,
}

impl GeneratorArch {
    /// How often the network halves its input.
    pub fn depth(self) -> usize {
        match self {
            Self::Unet256 => 8,
            Self::Unet128 => 7,
        }
    }

    /// Which heights and widths the network takes.
    pub fn size_rule(self) -> SizeRule {
        SizeRule::multiple_of(1 << self.depth())
    }
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
    /// Add the network's output to its input, so that it learns the correction alone
    /// (DeblurGAN, arXiv 1711.07064, section 3.3). For tasks whose input resembles the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub residual: bool,
}

impl GeneratorConfig {
    /// The network on `device`, all weights zero: load them or call
    /// [`init_normal`](crate::init_normal).
    pub fn init(&self, device: &Device) -> Generator {
        Generator {
            unet: Unet::new(self, self.arch.depth(), device),
            residual: self.residual,
        }
    }
}

/// `netG`: translates `real_A` into `fake_B`.
#[derive(Module, Debug)]
pub struct Generator {
    /// The only family so far.
    pub unet: Unet,
    /// Whether the output is a correction of the input.
    pub residual: bool,
}

impl Generator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to `[batch, out_channels, height, width]`, both in
    /// `[-1, 1]`; height and width follow [`GeneratorArch::size_rule`].
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self.residual {
            true => (self.unet.forward(real_a.clone(), mode) + real_a).clamp(-1.0, 1.0),
            false => self.unet.forward(real_a, mode),
        }
    }
}
