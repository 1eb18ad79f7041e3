//! The discriminator `netD`: its configuration, and the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::blocks::Mode;
use crate::norm::NormKind;
use crate::patchgan::PatchGan;
use crate::pixelgan::PixelGan;

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
    /// Architecture.
    pub arch: DiscriminatorArch,
    /// Channels of the judged picture; for pix2pix those of `real_A` and `real_B` together.
    pub in_channels: usize,
    /// Feature maps of the first layer (`ndf`).
    pub base: usize,
    /// Normalisation.
    pub norm: NormKind,
    /// How a PatchGAN ends.
    pub patches: Patches,
}

impl DiscriminatorConfig {
    /// The network on `device`, all weights zero.
    pub fn init(&self, device: &Device) -> Discriminator {
        let patchgan =
            |n_layers| DiscriminatorNetwork::Patchgan(PatchGan::new(self, n_layers, device));
        Discriminator {
            network: match self.arch {
                DiscriminatorArch::Basic => patchgan(BASIC_LAYERS),
                DiscriminatorArch::NLayers(n_layers) => patchgan(n_layers),
                DiscriminatorArch::Pixel => {
                    DiscriminatorNetwork::Pixelgan(PixelGan::new(self, device))
                }
            },
        }
    }
}

/// The families of discriminators.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program holds one or two")]
pub enum DiscriminatorNetwork {
    /// Judges patches.
    Patchgan(PatchGan),
    /// Judges pixels.
    Pixelgan(PixelGan),
}

/// `netD`: judges each patch of a picture.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// The layers.
    pub network: DiscriminatorNetwork,
}

impl Discriminator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to logits `[batch, 1, h, w]`; 256×256 gives 30×30
    /// with the basic network. A positive logit means real.
    pub fn forward(&self, picture: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.network {
            DiscriminatorNetwork::Patchgan(patchgan) => patchgan.forward(picture, mode),
            DiscriminatorNetwork::Pixelgan(pixelgan) => pixelgan.forward(picture, mode),
        }
    }
}
