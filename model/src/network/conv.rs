//! Convolutions that the networks are made of.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, PadMode};
use burn::tensor::{Device, Tensor};

use crate::network::config::Upsample;
#[cfg(feature = "training")]
use crate::network::cpu;
use crate::network::geometry::StridePadding;
use crate::network::mode::Mode;
use crate::network::parameter::constant;
use crate::network::precision::Precision;
#[cfg(feature = "training")]
use crate::network::subpixel;

/// A square convolution, all weights zero.
pub(crate) fn conv(
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    bias: bool,
    device: &Device,
) -> Conv2d {
    let [input, output] = channels;
    Conv2d {
        weight: constant(0.0, [output, input, kernel, kernel], device),
        bias: bias.then(|| constant(0.0, [output], device)),
        stride: [stride; 2],
        kernel_size: [kernel; 2],
        dilation: [1; 2],
        groups: 1,
        padding: PaddingConfig2d::Explicit(padding, padding, padding, padding),
    }
}

/// The 4×4 convolution that U-Nets and PatchGANs are made of.
pub(crate) fn conv4x4(channels: [usize; 2], stride: usize, bias: bool, device: &Device) -> Conv2d {
    conv(channels, 4, stride, 1, bias, device)
}

/// Passes `x` through a convolution; every convolution of every network goes through here or
/// [`UpConv`].
pub(crate) fn convolve(layer: &Conv2d, x: Tensor<4>, mode: Mode) -> Tensor<4> {
    let padding = match layer.padding {
        PaddingConfig2d::Explicit(padding, ..) => padding,
        PaddingConfig2d::Same | PaddingConfig2d::Valid => 0,
    };
    let geometry = StridePadding {
        stride: layer.stride[0],
        padding,
    };
    let bias = layer.bias.as_ref().map(Param::val);
    convolve_with(x, layer.weight.val(), bias, geometry, mode.precision())
}

fn convolve_with(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    geometry: StridePadding,
    precision: Precision,
) -> Tensor<4> {
    #[cfg(feature = "training")]
    {
        if precision == Precision::F32
            && let Some(output) = cpu::convolution(&x, &weight, geometry)
        {
            return with_bias(output, bias);
        }
        if cpu::ALONE {
            let [x, weight] = [x, weight].map(Tensor::from_inner);
            let bias = bias.map(Tensor::from_inner);
            return convolve_with(x, weight, bias, geometry, Precision::F32).inner();
        }
    }
    let StridePadding { stride, padding } = geometry;
    let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
    let [x, weight] = [with_plain_strides(x), weight].map(|tensor| precision.lower(tensor));
    let output = conv2d(x, weight, bias.map(|bias| precision.lower(bias)), options);
    precision.raise(with_plain_strides(output))
}

#[cfg(feature = "training")]
fn with_bias(x: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    match bias {
        Some(bias) => {
            let channels = bias.dims()[0];
            x + bias.reshape([1, channels, 1, 1])
        }
        None => x,
    }
}

/// The same tensor, but a single channel has the strides of a fresh tensor.
///
/// On GPUs, convolutions and their gradients leave a channel of one with the stride of the pixels
/// beside each other. Burn's fused kernels take such a tensor for one of another order and mix up
/// its elements as soon as they write two results. Taking the axis out and in again sets it right.
fn with_plain_strides(x: Tensor<4>) -> Tensor<4> {
    match x.dims() {
        [_, 1, _, _] => x.squeeze_dim::<3>(1).unsqueeze_dim(1),
        _ => x,
    }
}

/// Mirrors `width` pixels at each edge; height and width must be larger than that.
pub(crate) fn reflection_pad(x: Tensor<4>, width: usize) -> Tensor<4> {
    x.pad((width, width, width, width), PadMode::Reflect)
}

/// Side of the kernel of a transposed convolution of stride 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpKernel {
    /// 3×3, of the ResNets.
    Three,
    /// 4×4, of the U-Nets.
    Four,
}

/// Doubles height and width.
#[derive(Module, Debug)]
pub struct UpConv {
    /// `[in, out, kernel, kernel]` if transposed, otherwise `[out, in, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    upsample: Upsample,
    #[module(skip)]
    kernel: UpKernel,
}

impl UpConv {
    /// From `channels[0]` to `channels[1]` feature maps, all weights zero.
    pub fn new(
        upsample: Upsample,
        kernel: UpKernel,
        channels: [usize; 2],
        bias: bool,
        device: &Device,
    ) -> Self {
        let [input, output] = channels;
        let shape = match (upsample, kernel) {
            (Upsample::Resize | Upsample::Bilinear, _) => [output, input, 3, 3],
            (Upsample::Transposed, UpKernel::Three) => [input, output, 3, 3],
            (Upsample::Transposed, UpKernel::Four) => [input, output, 4, 4],
        };
        Self {
            weight: constant(0.0, shape, device),
            bias: bias.then(|| constant(0.0, [output], device)),
            upsample,
            kernel,
        }
    }

    /// # Shapes
    /// `[batch, in, height, width]` to `[batch, out, 2 · height, 2 · width]`.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<4> {
        let precision = mode.precision();
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        let (x, padding) = match self.upsample {
            Upsample::Transposed => return transposed(x, weight, bias, self.kernel, precision),
            Upsample::Resize => (doubled(x), 1),
            Upsample::Bilinear => (interpolated(x), 0),
        };
        let geometry = StridePadding { stride: 1, padding };
        convolve_with(x, weight, bias, geometry, precision)
    }
}

fn transposed(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    kernel: UpKernel,
    precision: Precision,
) -> Tensor<4> {
    #[cfg(feature = "training")]
    {
        let [_, _, height, width] = x.dims();
        let geometry = StridePadding {
            stride: 2,
            padding: 1,
        };
        let big = [2 * height, 2 * width];
        if precision == Precision::F32
            && let Some(output) = cpu::transposed(&x, &weight, geometry, big)
        {
            return with_bias(output, bias);
        }
        if cpu::ALONE {
            let [x, weight] = [x, weight].map(Tensor::from_inner);
            let bias = bias.map(Tensor::from_inner);
            return transposed(x, weight, bias, kernel, Precision::F32).inner();
        }
        if !cpu::is_cpu(&x.device()) {
            let [x, weight] = [x, weight].map(|tensor| precision.lower(tensor));
            let output = subpixel::transposed(with_plain_strides(x), weight);
            return with_bias(precision.raise(output), bias);
        }
    }
    let padding_out = match kernel {
        UpKernel::Three => [1, 1],
        UpKernel::Four => [0, 0],
    };
    let options = ConvTransposeOptions::new([2, 2], [1, 1], padding_out, [1, 1], 1);
    let [x, weight] = [x, weight].map(|tensor| precision.lower(tensor));
    let bias = bias.map(|bias| precision.lower(bias));
    let output = conv_transpose2d(x, weight, bias, options);
    precision.raise(with_plain_strides(output))
}

/// Each pixel becomes four of its kind.
fn doubled(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height, 1, width, 1])
        .expand([batch, channels, height, 2, width, 2])
        .reshape([batch, channels, 2 * height, 2 * width])
}

/// Twice the height and width by bilinear interpolation, and one pixel more at each edge; zeros lie
/// beyond the edges.
fn interpolated(x: Tensor<4>) -> Tensor<4> {
    let x = x.pad((1, 1, 1, 1), PadMode::Constant(0.0));
    interpolated_along(interpolated_along(x, 2), 3)
}

/// Two pixels between each two neighbours along a dimension, a quarter of the way from either.
fn interpolated_along(x: Tensor<4>, dim: usize) -> Tensor<4> {
    let mut dims = x.dims();
    let gaps = dims[dim] - 1;
    dims[dim] = 2 * gaps;
    let [first, second] = [x.clone().narrow(dim, 0, gaps), x.narrow(dim, 1, gaps)];
    let near_first = first.clone() * 0.75 + second.clone() * 0.25;
    let near_second = first * 0.25 + second * 0.75;
    Tensor::stack::<5>(vec![near_first, near_second], dim + 1).reshape(dims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolated_pixels_lie_a_quarter_from_the_nearest_and_fall_off_to_zero_at_the_edges() {
        let x = Tensor::<4>::from_data([[[[4.0, 8.0]]]], &Device::flex());
        let rows = [
            [0.25, 0.75, 1.25, 1.75, 1.5, 0.5],
            [0.75, 2.25, 3.75, 5.25, 4.5, 1.5],
            [0.75, 2.25, 3.75, 5.25, 4.5, 1.5],
            [0.25, 0.75, 1.25, 1.75, 1.5, 0.5],
        ];
        let expected = Tensor::<4>::from_data([[rows]], &Device::flex());
        interpolated(x)
            .into_data()
            .assert_eq(&expected.into_data(), true);
    }
}
