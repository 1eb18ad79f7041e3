//! The pool of past fake images that CycleGAN's discriminators learn from (arXiv 1703.10593,
//! section 4, after arXiv 1612.07828).

use burn::tensor::Tensor;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Keeps up to `capacity` images.
#[derive(Clone, Debug)]
pub struct ImagePool {
    capacity: usize,
    images: Vec<Tensor<4>>,
}

impl ImagePool {
    /// An empty pool; one of capacity 0 gives back what it gets.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            images: Vec::new(),
        }
    }

    /// Takes new images, `[batch, channels, height, width]`, and gives as many: while the pool
    /// fills up, the same ones; after that each is, with probability one half, exchanged for a
    /// image of the pool.
    pub fn exchange(&mut self, fakes: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
        if self.capacity == 0 {
            return fakes;
        }
        let given = fakes.split(1, 0).into_iter().map(|fake| {
            if self.images.len() < self.capacity {
                self.images.push(fake.clone());
                return fake;
            }
            match rng.random_bool(0.5) {
                true => {
                    let index = rng.random_range(0..self.images.len());
                    std::mem::replace(&mut self.images[index], fake)
                }
                false => fake,
            }
        });
        Tensor::cat(given.collect(), 0)
    }

    /// Pictures of the pool, each `[1, channels, height, width]`.
    pub fn images(&self) -> &[Tensor<4>] {
        &self.images
    }

    /// Replaces the images, as when a run goes on; more than fit are not taken.
    pub fn set(&mut self, mut images: Vec<Tensor<4>>) {
        images.truncate(self.capacity);
        self.images = images;
    }

    /// How many images it keeps.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use rand::SeedableRng;

    fn image(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 1, 1], value, &Device::flex())
    }

    fn value(image: Tensor<4>) -> f32 {
        image.into_scalar()
    }

    #[test]
    fn a_pool_without_room_gives_back_what_it_gets() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let given = ImagePool::new(0).exchange(image(3.0), &mut rng);
        assert_eq!(value(given), 3.0);
    }

    #[test]
    fn a_full_pool_gives_old_images_about_half_the_time() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut pool = ImagePool::new(50);
        for index in 0..50 {
            assert_eq!(
                value(pool.exchange(image(index as f32), &mut rng)),
                index as f32
            );
        }
        let fresh = (50..450).filter(|&index| {
            let given = value(pool.exchange(image(index as f32), &mut rng));
            assert!(given <= index as f32);
            given == index as f32
        });
        let fresh = fresh.count();
        assert!((150..250).contains(&fresh), "{fresh} of 400 were new");
        assert_eq!(pool.images().len(), 50);
    }
}
