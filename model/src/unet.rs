//! The U-Net generator of pix2pix (arXiv 1611.07004, section 6.1.1).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Tensor};

use crate::blocks::{Mode, UpConv, UpKernel, conv, conv4x4, convolve, leaky_relu, relu};
use crate::dropout::dropout;
use crate::generator::{Decoder, GeneratorConfig};
use crate::norm::Norm;

/// The widest layers have `8 · base` feature maps.
const WIDEST_FACTOR: usize = 8;
/// Up blocks from this level inwards have dropout, the innermost excepted.
const FIRST_DROPOUT_LEVEL: usize = 4;
/// Innermost up blocks that have dropout where the paper's listing is taken at its word.
const LISTED_DROPOUTS: usize = 3;

/// Side of the kernel of the convolution that may follow the last up block.
pub(crate) const HEAD_KERNEL: usize = 3;

/// Channels of every layer, level 0 being the outermost, and what goes with them.
#[derive(Clone, Copy)]
pub(crate) struct UnetPlan<'a> {
    config: &'a GeneratorConfig,
    depth: usize,
}

impl<'a> UnetPlan<'a> {
    pub fn new(config: &'a GeneratorConfig, depth: usize) -> Self {
        Self { config, depth }
    }

    fn width(self, level: usize) -> usize {
        self.config.base * WIDEST_FACTOR.min(1 << level)
    }

    fn is_innermost(self, level: usize) -> bool {
        level + 1 == self.depth
    }

    fn is_listed(self) -> bool {
        self.config.decoder == Decoder::Listed
    }

    /// Input and output channels of a down block.
    pub fn down(self, level: usize) -> [usize; 2] {
        match level {
            0 => [self.config.in_channels, self.width(0)],
            _ => [self.width(level - 1), self.width(level)],
        }
    }

    pub fn is_down_normalised(self, level: usize) -> bool {
        level > 0 && (!self.is_innermost(level) || self.config.norm_bottleneck)
    }

    /// Input and output channels of an up block.
    pub fn up(self, level: usize) -> [usize; 2] {
        let output = match (level, self.is_listed()) {
            (0, false) => self.config.out_channels,
            (_, false) => self.width(level - 1),
            (_, true) if self.is_innermost(level) => self.width(level),
            (_, true) => 2 * self.width(level),
        };
        let input = match self.is_innermost(level) {
            true => self.width(level),
            false => self.width(level) + self.up(level + 1)[1],
        };
        [input, output]
    }

    /// Whether this up block gives the picture: it has a bias and no norm.
    pub fn ends_with(self, level: usize) -> bool {
        level == 0 && !self.is_listed()
    }

    fn has_dropout(self, level: usize) -> bool {
        match self.is_listed() {
            true => level + LISTED_DROPOUTS >= self.depth,
            false => level >= FIRST_DROPOUT_LEVEL && !self.is_innermost(level),
        }
    }

    /// Input and output channels of the convolution after the last up block, if there is one.
    pub fn head(self) -> Option<[usize; 2]> {
        let channels = [self.up(0)[1], self.config.out_channels];
        self.is_listed().then_some(channels)
    }
}

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
        let plan = UnetPlan::new(config, depth);
        let bias = config.norm.needs_conv_bias();
        let norm = |channels| Some(Norm::new(config.norm, channels, device));
        let down = |level: usize| {
            let channels = plan.down(level);
            Down {
                conv: conv4x4(channels, 2, bias, device),
                norm: plan
                    .is_down_normalised(level)
                    .then(|| norm(channels[1]))
                    .flatten(),
            }
        };
        let up = |level: usize| {
            let (channels, ends) = (plan.up(level), plan.ends_with(level));
            let bias = bias || ends;
            Up {
                conv: UpConv::new(config.upsample, UpKernel::Four, channels, bias, device),
                norm: (!ends).then(|| norm(channels[1])).flatten(),
                dropout: plan.has_dropout(level),
            }
        };
        Self {
            downs: (0..depth).map(down).collect(),
            ups: (0..depth).map(up).collect(),
            head: plan
                .head()
                .map(|channels| conv(channels, HEAD_KERNEL, 1, HEAD_KERNEL / 2, true, device)),
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
                true => dropout(x, mode, level),
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
