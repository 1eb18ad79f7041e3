//! Pairs of pictures as tensors.

use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;
use model::pixels::to_unit;

use crate::data::source::Pair;

/// What one training step sees.
#[derive(Clone, Debug)]
pub struct PairedBatch {
    /// Inputs, `[batch, channels, height, width]` in `[-1, 1]`.
    pub real_a: Tensor<4>,
    /// Targets, likewise.
    pub real_b: Tensor<4>,
}

impl PairedBatch {
    /// Puts pairs of equal size onto `device`.
    pub fn new(pairs: &[Pair], device: &Device) -> Self {
        Self {
            real_a: stacked(pairs.iter().map(|pair| &pair.real_a), device),
            real_b: stacked(pairs.iter().map(|pair| &pair.real_b), device),
        }
    }
}

/// RGB pictures of equal size as `[count, 3, height, width]` in `[-1, 1]`.
fn stacked<'a>(pictures: impl Iterator<Item = &'a RgbImage>, device: &Device) -> Tensor<4> {
    let mut values = Vec::new();
    let (mut count, mut size) = (0, (0, 0));
    for picture in pictures {
        count += 1;
        size = picture.dimensions();
        for channel in 0..3 {
            let plane = picture.as_raw().iter().skip(channel).step_by(3);
            values.extend(plane.map(|&byte| to_unit(f32::from(byte))));
        }
    }
    let shape = [count, 3, size.1 as usize, size.0 as usize];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Pictures out of `[count, channels, height, width]` in `[-1, 1]`; one channel becomes grey.
pub fn pictures(tensor: Tensor<4>) -> Vec<RgbImage> {
    let [_, channels, height, width] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    let plane = height * width;
    values
        .chunks_exact(channels * plane)
        .map(|picture| {
            RgbImage::from_fn(width as u32, height as u32, |x, y| {
                let at = y as usize * width + x as usize;
                let channel = |index: usize| {
                    let index = if channels < 3 { 0 } else { index };
                    model::pixels::to_byte(picture[index * plane + at])
                };
                image::Rgb([channel(0), channel(1), channel(2)])
            })
        })
        .collect()
}
