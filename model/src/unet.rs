//! The U-Net generator of pix2pix (arXiv 1611.07004, section 6.1.1).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::{leaky_relu, relu, tanh};
use burn::tensor::{Device, Tensor};

use crate::blocks::{LEAKY_SLOPE, Mode, Norm, UpConv, UpKernel, conv, conv4x4, convolve, dropout};
use crate::generator::{Decoder, GeneratorConfig};

/// The widest layers have `8 · base` feature maps.
pub(crate) const WIDEST_FACTOR: usize = 8;
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
        let bias = config.norm.needs_conv_bias();
        let norm = |channels| Some(Norm::new(config.norm, channels, device));
        let innermost = depth - 1;
        let down = |level: usize| {
            let (input, outermost) = match level {
                0 => (config.in_channels, true),
                _ => (width(level - 1), false),
            };
            let normalised = level != innermost || config.norm_bottleneck;
            Down {
                conv: conv4x4([input, width(level)], 2, bias, device),
                norm: (!outermost && normalised)
                    .then(|| norm(width(level)))
                    .flatten(),
            }
        };
        let listed = config.decoder == Decoder::Listed;
        let up_width = |level: usize| match config.decoder {
            Decoder::Listed if level == innermost => width(level),
            Decoder::Listed => 2 * width(level),
            Decoder::Mirrored => width(level.saturating_sub(1)),
        };
        let up = |level: usize| {
            let input = match level == innermost {
                true => width(level),
                false => width(level) + up_width(level + 1),
            };
            let kernel = UpKernel::Four;
            if level == 0 && !listed {
                let channels = [input, config.out_channels];
                return Up {
                    conv: UpConv::new(config.upsample, kernel, channels, true, device),
                    norm: None,
                    dropout: false,
                };
            }
            let channels = [input, up_width(level)];
            Up {
                conv: UpConv::new(config.upsample, kernel, channels, bias, device),
                norm: norm(up_width(level)),
                dropout: match listed {
                    true => level + LISTED_DROPOUTS >= depth,
                    false => (FIRST_DROPOUT_LEVEL..innermost).contains(&level),
                },
            }
        };
        Self {
            downs: (0..depth).map(down).collect(),
            ups: (0..depth).map(up).collect(),
            head: listed.then(|| conv([up_width(0), config.out_channels], 3, 1, 1, true, device)),
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` in `[-1, 1]` to `[batch, out_channels, height,
    /// width]` in `[-1, 1]`; height and width are multiples of two to the power of the depth.
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.downs.len());
        for down in &self.downs {
            let x = match skips.last() {
                None => convolve(&down.conv, real_a.clone()),
                Some(outer) => convolve(&down.conv, leaky_relu(outer.clone(), LEAKY_SLOPE)),
            };
            skips.push(match &down.norm {
                Some(norm) => norm.forward(x, mode),
                None => x,
            });
        }
        let mut inner: Option<Tensor<4>> = None;
        for (up, skip) in self.ups.iter().zip(skips).rev() {
            let joined = match inner {
                None => skip,
                Some(inner) => Tensor::cat(vec![skip, inner], 1),
            };
            let x = up.conv.forward(relu(joined));
            let x = match &up.norm {
                Some(norm) => norm.forward(x, mode),
                None => x,
            };
            inner = Some(if up.dropout { dropout(x, mode) } else { x });
        }
        let x = inner.unwrap_or(real_a);
        tanh(match &self.head {
            Some(head) => convolve(head, relu(x)),
            None => x,
        })
    }
}
