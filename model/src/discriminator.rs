//! The discriminator `netD`: its configuration, and the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::blocks::{Mode, NormKind};
use crate::patchgan::PatchGan;

/// Stride-2 layers of the 70×70 PatchGAN.
const BASIC_LAYERS: usize = 3;

/// Everything that decides the shapes of a discriminator's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscriminatorConfig {
    /// Channels of the judged picture; for pix2pix those of `real_A` and `real_B` together.
    pub in_channels: usize,
    /// Feature maps of the first layer (`ndf`).
    pub base: usize,
    /// Normalisation.
    pub norm: NormKind,
}

impl DiscriminatorConfig {
    /// The `basic` network, a 70×70 PatchGAN, on `device`, all weights zero.
    pub fn init(&self, device: &Device) -> Discriminator {
        Discriminator {
            patchgan: PatchGan::new(self, BASIC_LAYERS, device),
        }
    }
}

/// `netD`: judges each patch of a picture.
#[derive(Module, Debug)]
pub struct Discriminator {
    /// The only family so far.
    pub patchgan: PatchGan,
}

impl Discriminator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to logits `[batch, 1, h, w]`; 256×256 gives 30×30.
    /// A positive logit means real.
    pub fn forward(&self, picture: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.patchgan.forward(picture, mode)
    }
}
