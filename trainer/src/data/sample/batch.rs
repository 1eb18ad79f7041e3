//! Pairs of images as tensors.

use burn::tensor::{Device, Tensor, TensorData};
use model::Raster;
use model::training::Batch;

use crate::data::pair::Pair;
use crate::data::sample::raster::Mask;

/// Puts pairs of equal size onto `device`.
pub fn batch_of(pairs: &[Pair], device: &Device) -> Batch {
    let masks: Option<Vec<&Mask>> = pairs.iter().map(|pair| pair.mask.as_ref()).collect();
    Batch {
        real_a: stacked(pairs.iter().map(|pair| &pair.real_a), device),
        real_b: stacked(pairs.iter().map(|pair| &pair.real_b), device),
        mask: masks
            .zip(pairs.first())
            .map(|(masks, first)| stacked_masks(&masks, &first.real_b, device)),
    }
}

/// Rasters of equal size and channels as `[count, channels, height, width]`.
pub fn stacked<'a>(rasters: impl Iterator<Item = &'a Raster>, device: &Device) -> Tensor<4> {
    let mut values = Vec::new();
    let mut shape = [0; 4];
    for raster in rasters {
        let count = shape[0] + 1;
        shape = [count, raster.channels(), raster.height(), raster.width()];
        values.extend_from_slice(raster.values());
    }
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn stacked_masks(masks: &[&Mask], like: &Raster, device: &Device) -> Tensor<4> {
    let valid = masks.iter().flat_map(|mask| mask.valid());
    let values: Vec<f32> = valid.map(|&valid| f32::from(u8::from(valid))).collect();
    let shape = [masks.len(), 1, like.height(), like.width()];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Rasters out of `[count, channels, height, width]`.
pub fn rasters(tensor: Tensor<4>) -> Vec<Raster> {
    let [_, channels, height, width] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    values
        .chunks_exact((channels * height * width).max(1))
        .map(|values| Raster::from_planes(width, height, values.to_vec()))
        .collect()
}
