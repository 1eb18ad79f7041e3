//! The ResNet generator of CycleGAN (arXiv 1703.10593, section 7.2, after arXiv 1603.08155).

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};

use crate::network::activation::{relu, tanh};
use crate::network::config::GeneratorConfig;
use crate::network::conv::{UpConv, UpKernel, conv, convolve, reflection_pad};
use crate::network::mode::Mode;
use crate::network::norm::Norm;

/// Steps down, and as many up again.
const SCALES: usize = 2;
/// Side of the first and the last convolution.
const WIDE_KERNEL: usize = 7;

/// A convolution and its norm.
#[derive(Module, Debug)]
pub struct ConvNorm {
    /// The convolution.
    pub conv: Conv2d,
    /// Follows it.
    pub norm: Norm,
}

/// A transposed or resizing convolution and its norm.
#[derive(Module, Debug)]
pub struct UpNorm {
    /// Doubles height and width.
    pub conv: UpConv,
    /// Follows it.
    pub norm: Norm,
}

/// Two 3×3 convolutions whose result is added to their input.
#[derive(Module, Debug)]
pub struct ResidualBlock {
    /// With a ReLU, and dropout if configured.
    pub first: ConvNorm,
    /// Linear.
    pub second: ConvNorm,
    /// Whether dropout follows the first in training.
    pub dropout: bool,
}

/// Two steps down, residual blocks, two steps up.
#[derive(Module, Debug)]
pub struct Resnet {
    /// 7×7 convolution.
    pub stem: ConvNorm,
    /// 3×3 convolutions of stride 2.
    pub downs: Vec<ConvNorm>,
    /// At a quarter of height and width.
    pub blocks: Vec<ResidualBlock>,
    /// From the innermost to the outermost.
    pub ups: Vec<UpNorm>,
    /// 7×7 convolution.
    pub head: Conv2d,
}

impl Resnet {
    /// A ResNet of `blocks` residual blocks, all weights zero.
    pub fn new(config: &GeneratorConfig, blocks: usize, device: &Device) -> Self {
        let bias = config.norm.needs_conv_bias();
        let width = |scale: usize| config.base << scale;
        let conv_norm = |channels: [usize; 2], kernel, stride, padding| ConvNorm {
            conv: conv(channels, kernel, stride, padding, bias, device),
            norm: Norm::new(config.norm, channels[1], device),
        };
        let inner = width(SCALES);
        let up = |scale: usize| {
            let channels = [width(scale + 1), width(scale)];
            UpNorm {
                conv: UpConv::new(config.upsample, UpKernel::Three, channels, bias, device),
                norm: Norm::new(config.norm, channels[1], device),
            }
        };
        Self {
            stem: conv_norm([config.in_channels, width(0)], WIDE_KERNEL, 1, 0),
            downs: (0..SCALES)
                .map(|scale| conv_norm([width(scale), width(scale + 1)], 3, 2, 1))
                .collect(),
            blocks: (0..blocks)
                .map(|_| ResidualBlock {
                    first: conv_norm([inner, inner], 3, 1, 0),
                    second: conv_norm([inner, inner], 3, 1, 0),
                    dropout: config.resnet_dropout,
                })
                .collect(),
            ups: (0..SCALES).rev().map(up).collect(),
            head: conv(
                [width(0), config.out_channels],
                WIDE_KERNEL,
                1,
                0,
                true,
                device,
            ),
        }
    }

    /// # Shapes
    /// `[batch, in_channels, height, width]` to `[batch, out_channels, height, width]`, both in
    /// `[-1, 1]`; height and width are multiples of 8.
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        let x = self
            .stem
            .forward(reflection_pad(real_a, WIDE_KERNEL / 2), mode);
        let x = self
            .downs
            .iter()
            .fold(relu(x), |x, down| relu(down.forward(x, mode)));
        let blocks = self.blocks.iter().enumerate();
        let x = blocks.fold(x, |x, (index, block)| block.forward(x, mode, index));
        let x = self.ups.iter().fold(x, |x, up| {
            relu(up.norm.forward(up.conv.forward(x, mode), mode))
        });
        tanh(convolve(
            &self.head,
            reflection_pad(x, WIDE_KERNEL / 2),
            mode,
        ))
    }
}

impl ConvNorm {
    fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        self.norm.forward(convolve(&self.conv, x, mode), mode)
    }
}

impl ResidualBlock {
    /// `index` is the block's in its network.
    fn forward(&self, input: Tensor<4>, mode: Mode, index: usize) -> Tensor<4> {
        let x = relu(self.first.forward(reflection_pad(input.clone(), 1), mode));
        let x = match self.dropout {
            true => mode.dropout(x, index),
            false => x,
        };
        input + self.second.forward(reflection_pad(x, 1), mode)
    }
}
