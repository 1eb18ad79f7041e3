//! The 1×1 "PixelGAN" discriminator (arXiv 1611.07004, section 6.1.2): judges each pixel alone.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};

use crate::network::config::DiscriminatorConfig;
use crate::network::conv::{conv, convolve};
use crate::network::mode::Mode;
use crate::network::norm::Norm;
use crate::network::patchgan::PatchLayer;

/// Three 1×1 convolutions.
#[derive(Module, Debug)]
pub struct PixelGan {
    /// Without a norm.
    pub first: PatchLayer,
    /// Twice as wide.
    pub second: PatchLayer,
    /// The convolution to one logit.
    pub head: Conv2d,
}

impl PixelGan {
    /// All weights zero.
    pub fn new(config: &DiscriminatorConfig, device: &Device) -> Self {
        let (base, bias) = (config.base, config.norm.needs_conv_bias());
        Self {
            first: PatchLayer {
                conv: conv([config.in_channels, base], 1, 1, 0, true, device),
                norm: None,
            },
            second: PatchLayer {
                conv: conv([base, 2 * base], 1, 1, 0, bias, device),
                norm: Some(Norm::new(config.norm, 2 * base, device)),
            },
            head: conv([2 * base, 1], 1, 1, 0, bias, device),
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` to logits `[batch, 1, height, width]`.
    pub fn forward(&self, image: Tensor<4>, mode: Mode) -> Tensor<4> {
        let features = self.first.forward(image, mode);
        let features = self.second.forward(features, mode);
        convolve(&self.head, features, mode)
    }
}
