//! The U-Net generator of pix2pix (arXiv 1611.07004, section 6.1.1).

use burn::module::Module;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::activation::{leaky_relu, relu, tanh};
use burn::tensor::{Device, Tensor};

use crate::blocks::{Mode, Norm, conv4x4, dropout, up_conv4x4};
use crate::generator::GeneratorConfig;

/// Slope of the leaky ReLU in encoders and discriminators.
pub(crate) const LEAKY_SLOPE: f64 = 0.2;
/// The widest layers have `8 · base` feature maps.
const WIDEST_FACTOR: usize = 8;
/// Up blocks from this level inwards have dropout, the innermost excepted.
const FIRST_DROPOUT_LEVEL: usize = 4;

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
    /// 4×4 transposed convolution, stride 2.
    pub conv: ConvTranspose2d,
    /// Absent on the outermost block.
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
        let up = |level: usize| {
            let skip = if level == innermost { 1 } else { 2 };
            let input = width(level) * skip;
            if level == 0 {
                return Up {
                    conv: up_conv4x4([input, config.out_channels], true, device),
                    norm: None,
                    dropout: false,
                };
            }
            let output = width(level - 1);
            Up {
                conv: up_conv4x4([input, output], bias, device),
                norm: norm(output),
                dropout: (FIRST_DROPOUT_LEVEL..innermost).contains(&level),
            }
        };
        Self {
            downs: (0..depth).map(down).collect(),
            ups: (0..depth).map(up).collect(),
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` in `[-1, 1]` to `[batch, out_channels, height,
    /// width]` in `[-1, 1]`; height and width are multiples of two to the power of the depth.
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        let mut skips: Vec<Tensor<4>> = Vec::with_capacity(self.downs.len());
        for down in &self.downs {
            let x = match skips.last() {
                None => down.conv.forward(real_a.clone()),
                Some(outer) => down.conv.forward(leaky_relu(outer.clone(), LEAKY_SLOPE)),
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
        tanh(inner.unwrap_or(real_a))
    }
}
