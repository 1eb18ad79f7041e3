//! A pool of past fakes as a safetensors file.

use burn::tensor::{Bytes, Device, Tensor, TensorData};
use model::training::ImagePool;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

/// The file of a pool.
///
/// # Errors
/// It would be too large.
pub(super) fn pool_bytes(pool: &ImagePool) -> Result<Bytes, SafeTensorError> {
    let images: Vec<(Vec<usize>, Vec<u8>)> = pool.images().iter().map(packed).collect();
    let views = images
        .iter()
        .map(|(shape, bytes)| TensorView::new(Dtype::F32, shape.clone(), bytes))
        .enumerate()
        .map(|(index, view)| Ok((image_name(index), view?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()?;
    safetensors::serialize(views, None).map(Bytes::from_bytes_vec)
}

/// Takes the images that [`pool_bytes`] packed, onto `device`.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn restore_pool(
    pool: &mut ImagePool,
    bytes: &[u8],
    device: &Device,
) -> Result<(), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    if file.len() > pool.capacity() {
        let (found, capacity) = (file.len(), pool.capacity());
        return Err(format!("{found} images, the pool holds {capacity}"));
    }
    let image = |index| {
        let name = image_name(index);
        let view = file.tensor(&name).map_err(|error| error.to_string())?;
        let is_image = matches!(view.shape(), [1, sides @ ..] if sides.len() == 3);
        if view.dtype() != Dtype::F32 || !is_image || view.data().is_empty() {
            return Err(format!("{name}: not an image"));
        }
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values
            .iter()
            .map(|&four| f32::from_le_bytes(four))
            .collect();
        let data = TensorData::new(values, view.shape().to_vec());
        Ok(Tensor::from_data(data, device))
    };
    pool.set((0..file.len()).map(image).collect::<Result<_, String>>()?);
    Ok(())
}

fn image_name(index: usize) -> String {
    format!("{index:05}")
}

fn packed(image: &Tensor<4>) -> (Vec<usize>, Vec<u8>) {
    let values = image.to_data();
    let bytes = values.iter::<f32>().flat_map(f32::to_le_bytes).collect();
    (image.dims().to_vec(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn image(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 1, 1], value, &Device::flex())
    }

    fn value(image: Tensor<4>) -> f32 {
        image.into_scalar()
    }

    #[test]
    fn a_pool_comes_back_from_its_file_as_it_was() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pool = ImagePool::new(20);
        for index in 0..13 {
            pool.exchange(image(index as f32 / 7.0), &mut rng);
        }
        let bytes = pool_bytes(&pool).expect("a file");
        let values = |pool: &ImagePool| pool.images().iter().cloned().map(value).collect();
        let mut restored = ImagePool::new(20);
        restore_pool(&mut restored, &bytes, &Device::flex()).expect("a pool");
        let (expected, found): (Vec<f32>, Vec<f32>) = (values(&pool), values(&restored));
        assert_eq!(found, expected);
        let mut small = ImagePool::new(12);
        assert!(restore_pool(&mut small, &bytes, &Device::flex()).is_err());
        let empty = pool_bytes(&ImagePool::new(5)).expect("a file");
        restore_pool(&mut restored, &empty, &Device::flex()).expect("a pool");
        assert!(restored.images().is_empty());
    }
}
