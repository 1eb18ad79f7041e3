//! The pool of past fake pictures that CycleGAN's discriminators learn from (arXiv 1703.10593,
//! section 4, after arXiv 1612.07828).

use burn::tensor::{Bytes, Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

/// Keeps up to `capacity` pictures.
#[derive(Clone, Debug)]
pub struct ImagePool {
    capacity: usize,
    pictures: Vec<Tensor<4>>,
}

impl ImagePool {
    /// An empty pool; one of capacity 0 gives back what it gets.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            pictures: Vec::new(),
        }
    }

    /// Takes new pictures, `[batch, channels, height, width]`, and gives as many: while the pool
    /// fills up, the same ones; after that each is, with probability one half, exchanged for a
    /// picture of the pool.
    pub fn exchange(&mut self, fakes: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
        if self.capacity == 0 {
            return fakes;
        }
        let given = fakes.split(1, 0).into_iter().map(|fake| {
            if self.pictures.len() < self.capacity {
                self.pictures.push(fake.clone());
                return fake;
            }
            match rng.random_bool(0.5) {
                true => {
                    let index = rng.random_range(0..self.pictures.len());
                    std::mem::replace(&mut self.pictures[index], fake)
                }
                false => fake,
            }
        });
        Tensor::cat(given.collect(), 0)
    }

    /// Pictures of the pool, each `[1, channels, height, width]`.
    pub fn pictures(&self) -> &[Tensor<4>] {
        &self.pictures
    }

    /// The pictures as a safetensors file, for a checkpoint.
    ///
    /// # Errors
    /// The file would be too large.
    pub fn to_bytes(&self) -> Result<Bytes, SafeTensorError> {
        let pictures: Vec<(Vec<usize>, Vec<u8>)> = self.pictures.iter().map(packed).collect();
        let views = pictures
            .iter()
            .map(|(shape, bytes)| TensorView::new(Dtype::F32, shape.clone(), bytes))
            .enumerate()
            .map(|(index, view)| Ok((picture_name(index), view?)))
            .collect::<Result<Vec<_>, SafeTensorError>>()?;
        safetensors::serialize(views, None).map(Bytes::from_bytes_vec)
    }

    /// Takes the pictures that [`ImagePool::to_bytes`] packed, onto `device`.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn restore(&mut self, bytes: &[u8], device: &Device) -> Result<(), String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        if file.len() > self.capacity {
            let (found, capacity) = (file.len(), self.capacity);
            return Err(format!("{found} pictures, the pool holds {capacity}"));
        }
        let picture = |index| {
            let name = picture_name(index);
            let view = file.tensor(&name).map_err(|error| error.to_string())?;
            let is_picture = matches!(view.shape(), [1, sides @ ..] if sides.len() == 3);
            if view.dtype() != Dtype::F32 || !is_picture || view.data().is_empty() {
                return Err(format!("{name}: not a picture"));
            }
            let (values, _) = view.data().as_chunks::<4>();
            let values: Vec<f32> = values
                .iter()
                .map(|&four| f32::from_le_bytes(four))
                .collect();
            let data = TensorData::new(values, view.shape().to_vec());
            Ok(Tensor::from_data(data, device))
        };
        self.pictures = (0..file.len()).map(picture).collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn picture_name(index: usize) -> String {
    format!("{index:05}")
}

fn packed(picture: &Tensor<4>) -> (Vec<usize>, Vec<u8>) {
    let values = picture.to_data();
    let bytes = values.iter::<f32>().flat_map(f32::to_le_bytes).collect();
    (picture.dims().to_vec(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use rand::SeedableRng;

    fn picture(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 1, 1], value, &Device::flex())
    }

    fn value(picture: Tensor<4>) -> f32 {
        picture.into_scalar()
    }

    #[test]
    fn a_pool_without_room_gives_back_what_it_gets() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let given = ImagePool::new(0).exchange(picture(3.0), &mut rng);
        assert_eq!(value(given), 3.0);
    }

    #[test]
    fn a_pool_comes_back_from_its_file_as_it_was() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pool = ImagePool::new(20);
        for index in 0..13 {
            pool.exchange(picture(index as f32 / 7.0), &mut rng);
        }
        let bytes = pool.to_bytes().expect("a file");
        let values = |pool: &ImagePool| pool.pictures.iter().cloned().map(value).collect();
        let mut restored = ImagePool::new(20);
        restored.restore(&bytes, &Device::flex()).expect("a pool");
        let (expected, found): (Vec<f32>, Vec<f32>) = (values(&pool), values(&restored));
        assert_eq!(found, expected);
        let mut small = ImagePool::new(12);
        assert!(small.restore(&bytes, &Device::flex()).is_err());
        let empty = ImagePool::new(5).to_bytes().expect("a file");
        restored.restore(&empty, &Device::flex()).expect("a pool");
        assert!(restored.pictures().is_empty());
    }

    #[test]
    fn a_full_pool_gives_old_pictures_about_half_the_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pool = ImagePool::new(50);
        for index in 0..50 {
            assert_eq!(
                value(pool.exchange(picture(index as f32), &mut rng)),
                index as f32
            );
        }
        let fresh = (50..450).filter(|&index| {
            let given = value(pool.exchange(picture(index as f32), &mut rng));
            assert!(given <= index as f32);
            given == index as f32
        });
        let fresh = fresh.count();
        assert!((150..250).contains(&fresh), "{fresh} of 400 were new");
        assert_eq!(pool.pictures().len(), 50);
    }
}
