//! What the networks that judge are made of, and images as they take them.

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

/// A convolution and a ReLU.
#[derive(Debug)]
pub(super) struct ConvRelu {
    pub weight: Tensor<4>,
    pub bias: Tensor<1>,
    pub stride: usize,
    pub padding: [usize; 2],
}

impl ConvRelu {
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let stride = [self.stride; 2];
        let options = ConvOptions::new(stride, self.padding, [1, 1], 1);
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        relu(conv2d(x, weight, Some(bias), options))
    }
}

/// The largest of each 3 × 3, every second of them.
pub(super) fn halving_max_pool(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]))
}

/// Images of equal size as `[count, 3, height, width]` in `[-1, 1]`.
pub(super) fn stacked(images: &[&RgbImage], device: &Device) -> Tensor<4> {
    let (width, height) = images.first().map_or((0, 0), |first| first.dimensions());
    let shape = [images.len(), 3, height as usize, width as usize];
    let mut values = Vec::with_capacity(shape.iter().product());
    for image in images {
        for channel in 0..3 {
            let bytes = image.pixels().map(|pixel| pixel[channel]);
            values.extend(bytes.map(|byte| 2.0 * (f32::from(byte) / 255.0) - 1.0));
        }
    }
    Tensor::from_data(TensorData::new(values, shape), device)
}
