//! The discriminator `netD`: the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::network::config::{BASIC_LAYERS, DiscriminatorArch, DiscriminatorConfig};
use crate::network::mode::Mode;
use crate::network::patchgan::PatchGan;
use crate::network::pixelgan::PixelGan;

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

/// `netD`: judges each patch of an image.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// The layers.
    pub network: DiscriminatorNetwork,
}

impl Discriminator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to logits `[batch, 1, h, w]`; 256×256 gives 30×30
    /// with the basic network. A positive logit means real.
    pub fn forward(&self, image: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.network {
            DiscriminatorNetwork::Patchgan(patchgan) => patchgan.forward(image, mode),
            DiscriminatorNetwork::Pixelgan(pixelgan) => pixelgan.forward(image, mode),
        }
    }
}
