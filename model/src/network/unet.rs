//! The U-Net generator of pix2pix (arXiv 1611.07004, section 6.1.1).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};

use crate::network::activation::{leaky_relu, relu, tanh};
use crate::network::config::{Decoder, GeneratorConfig};
use crate::network::conv::{UpConv, UpKernel, conv, conv4x4, convolve};
use crate::network::mode::Mode;
use crate::network::norm::Norm;

/// The widest layers have `8 · base` feature maps.
const WIDEST_FACTOR: usize = 8;
/// Up blocks from this level inwards have dropout, the innermost excepted.
const FIRST_DROPOUT_LEVEL: usize = 4;
/// Innermost up blocks that have dropout where the paper's listing is taken at its word.
const LISTED_DROPOUTS: usize = 3;

/// One step down: halves height and width.
#[derive(Module, Debug)]
pub struct Down {
    /// 4×4 convolution, stride 2.
    pub conv: Conv2d,
    /// Absent on the outermost and, unless configured otherwise, the innermost block.
    pub norm: Option<Norm>,
}

/// One step up: doubles height and width.
#[derive(Module, Debug)]
pub struct Up {
    /// Of stride 2.
    pub conv: UpConv,
    /// Absent on the outermost block, unless a head follows it.
    pub norm: Option<Norm>,
    /// Whether dropout follows in training.
    pub dropout: bool,
}

/// Encoder and decoder with a skip connection at each resolution.
#[derive(Module, Debug)]
pub struct Unet {
    /// From the outermost to the innermost.
    pub downs: Vec<Down>,
    /// From the outermost to the innermost: `ups[i]` undoes `downs[i]`.
    pub ups: Vec<Up>,
    /// 3×3 convolution after the last up block; see [`Decoder::Listed`].
    pub head: Option<Conv2d>,
}

impl Unet {
    /// A U-Net of `depth` steps down (8 for `unet_256`), all weights zero.
    pub fn new(config: &GeneratorConfig, depth: usize, device: &Device) -> Self {
        let width = |level: usize| config.base * WIDEST_FACTOR.min(1 << level);
        let (bias, is_listed) = (
            config.norm.needs_conv_bias(),
            config.decoder == Decoder::Listed,
        );
        let is_innermost = |level: usize| level + 1 == depth;
        let norm = |channels| Norm::new(config.norm, channels, device);
        let down = |level: usize| {
            let (input, is_normalised) = match level {
                0 => (config.in_channels, false),
                _ => (
                    width(level - 1),
                    !is_innermost(level) || config.norm_bottleneck,
                ),
            };
            Down {
                conv: conv4x4(
                    [input, width(level)],
                    2,
                    bias || level == 0 && config.input_bias,
                    device,
                ),
                norm: is_normalised.then(|| norm(width(level))),
            }
        };
        let up_width = |level: usize| match (level, is_listed) {
            (0, false) => config.out_channels,
            (_, false) => width(level - 1),
            (_, true) if is_innermost(level) => width(level),
            (_, true) => 2 * width(level),
        };
        let up = |level: usize| {
            let input = match is_innermost(level) {
                true => width(level),
                false => width(level) + up_width(level + 1),
            };
            let (channels, ends) = ([input, up_width(level)], level == 0 && !is_listed);
            let bias = bias || ends;
            Up {
                conv: UpConv::new(config.upsample, UpKernel::Four, channels, bias, device),
                norm: (!ends).then(|| norm(channels[1])),
                dropout: match is_listed {
                    true => level + LISTED_DROPOUTS >= depth,
                    false => level >= FIRST_DROPOUT_LEVEL && !is_innermost(level),
                },
            }
        };
        let head = || conv([up_width(0), config.out_channels], 3, 1, 1, true, device);
        Self {
            downs: (0..depth).map(down).collect(),
            ups: (0..depth).map(up).collect(),
            head: is_listed.then(head),
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` in `[-1, 1]` to `[batch, out_channels, height,
    /// width]` in `[-1, 1]`; height and width are multiples of two to the power of the depth.
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.downs.len());
        for down in &self.downs {
            let x = match skips.last() {
                None => convolve(&down.conv, real_a.clone(), mode),
                Some(outer) => convolve(&down.conv, leaky_relu(outer.clone()), mode),
            };
            skips.push(match &down.norm {
                Some(norm) => norm.forward(x, mode),
                None => x,
            });
        }
        let mut inner: Option<Tensor<4>> = None;
        for (level, (up, skip)) in self.ups.iter().zip(skips).enumerate().rev() {
            let joined = match inner {
                None => skip,
                Some(inner) => Tensor::cat(vec![skip, inner], 1),
            };
            let x = up.conv.forward(relu(joined), mode);
            let x = match &up.norm {
                Some(norm) => norm.forward(x, mode),
                None => x,
            };
            inner = Some(match up.dropout {
                true => mode.dropout(x, level),
                false => x,
            });
        }
        let x = inner.unwrap_or(real_a);
        tanh(match &self.head {
            Some(head) => convolve(head, relu(x), mode),
            None => x,
        })
    }
}
