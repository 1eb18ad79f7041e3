//! The PatchGAN discriminator (arXiv 1611.07004, section 6.1.2).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};

use crate::network::activation::leaky_relu;
use crate::network::config::{DiscriminatorConfig, Patches};
use crate::network::conv::{conv, conv4x4, convolve};
use crate::network::mode::Mode;
use crate::network::norm::Norm;

const WIDEST_FACTOR: usize = 8;

/// A convolution, perhaps a norm, and a leaky ReLU.
#[derive(Module, Debug)]
pub struct PatchLayer {
    pub conv: Conv2d,
    /// Absent on the first layer.
    pub norm: Option<Norm>,
}

impl PatchLayer {
    pub(crate) fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = convolve(&self.conv, x, mode);
        let x = match &self.norm {
            Some(norm) => norm.forward(x, mode),
            None => x,
        };
        leaky_relu(x)
    }
}

/// Convolutions that end in one logit per patch.
#[derive(Module, Debug)]
pub struct PatchGan {
    /// All layers but the last.
    pub layers: Vec<PatchLayer>,
    /// The convolution to one logit.
    pub head: Conv2d,
}

impl PatchGan {
    /// A PatchGAN of `n_layers` layers of stride 2 and one more (3 see patches of 70×70), all
    /// weights zero.
    pub fn new(config: &DiscriminatorConfig, n_layers: usize, device: &Device) -> Self {
        let width = |layer: usize| config.base * WIDEST_FACTOR.min(1 << layer);
        let bias = config.norm.needs_conv_bias();
        let layer = |index: usize| {
            let stride = match config.patches {
                Patches::Overlapping if index == n_layers => 1,
                _ => 2,
            };
            match index {
                0 => PatchLayer {
                    conv: conv4x4([config.in_channels, width(0)], stride, true, device),
                    norm: None,
                },
                _ => PatchLayer {
                    conv: conv4x4([width(index - 1), width(index)], stride, bias, device),
                    norm: Some(Norm::new(config.norm, width(index), device)),
                },
            }
        };
        Self {
            layers: (0..=n_layers).map(layer).collect(),
            head: match config.patches {
                Patches::Overlapping => conv4x4([width(n_layers), 1], 1, true, device),
                Patches::Listed => conv([width(n_layers), 1], 3, 1, 1, true, device),
            },
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` to logits `[batch, 1, h, w]`.
    pub fn forward(&self, image: Tensor<4>, mode: Mode) -> Tensor<4> {
        let features = self
            .layers
            .iter()
            .fold(image, |x, layer| layer.forward(x, mode));
        convolve(&self.head, features, mode)
    }
}
