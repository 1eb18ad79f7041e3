//! DiffAugment (arXiv 2006.10738): random changes to everything that a discriminator sees, real
//! and fake, through which gradients flow. Keeps it from learning a small data set by heart.

use burn::tensor::Tensor;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Largest shift, relative to the side.
const MAX_SHIFT: f64 = 0.125;
/// Side of the hole, relative to the side of the picture.
const HOLE: f64 = 0.5;

/// Which changes are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffAugment {
    /// Brightness, saturation, contrast.
    pub color: bool,
    /// A shift of up to an eighth of the side, filled with zero.
    pub translation: bool,
    /// A square hole of half the side, filled with zero.
    pub cutout: bool,
}

impl DiffAugment {
    /// Whether nothing is changed.
    pub fn is_off(self) -> bool {
        self == Self::default()
    }

    /// Changes each picture of a batch in its own way. `parts` are the channels of the pictures
    /// that lie behind one another, such as 3 and 3 for A with B: they are changed alike.
    ///
    /// # Shapes
    /// `[batch, channels, height, width]` in and out; the parts add up to the channels.
    pub fn apply(self, x: Tensor<4>, parts: &[usize], rng: &mut ChaCha8Rng) -> Tensor<4> {
        if self.is_off() {
            return x;
        }
        let changed = x.split(1, 0).into_iter().map(|picture| {
            let picture = if self.color {
                recolor(picture, parts, rng)
            } else {
                picture
            };
            let picture = if self.translation {
                shift(picture, rng)
            } else {
                picture
            };
            if self.cutout {
                cut(picture, rng)
            } else {
                picture
            }
        });
        Tensor::cat(changed.collect(), 0)
    }
}

fn recolor(picture: Tensor<4>, parts: &[usize], rng: &mut ChaCha8Rng) -> Tensor<4> {
    let brightness: f64 = rng.random_range(-0.5..0.5);
    let saturation: f64 = rng.random_range(0.0..2.0);
    let contrast: f64 = rng.random_range(0.5..1.5);
    let parts = picture.split_with_sizes(parts.to_vec(), 1);
    let recolored = parts.into_iter().map(|part| {
        let part = part + brightness;
        let grey = part.clone().mean_dim(1);
        let part = (part - grey.clone()) * saturation + grey;
        let mean = part.clone().mean().reshape([1, 1, 1, 1]);
        (part - mean.clone()) * contrast + mean
    });
    Tensor::cat(recolored.collect(), 1)
}

fn shift(picture: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let [_, channels, height, width] = picture.dims();
    let mut draw = |side: usize| {
        let reach = (side as f64 * MAX_SHIFT).round() as usize;
        (reach, rng.random_range(0..=2 * reach))
    };
    let ((reach_y, y), (reach_x, x)) = (draw(height), draw(width));
    let padded = picture.pad((reach_x, reach_x, reach_y, reach_y), 0.0);
    padded.slice([0..1, 0..channels, y..y + height, x..x + width])
}

fn cut(picture: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let [_, _, height, width] = picture.dims();
    let mut draw = |side: usize| {
        let hole = (side as f64 * HOLE).round() as usize;
        // Its middle lies anywhere, so part of it may lie outside.
        let middle = rng.random_range(0..=side);
        let start = middle.saturating_sub(hole / 2);
        start..(middle + hole - hole / 2).min(side).max(start)
    };
    let (rows, columns) = (draw(height), draw(width));
    let hole = Tensor::<4>::ones([1, 1, rows.len(), columns.len()], &picture.device());
    let mask = Tensor::ones([1, 1, height, width], &picture.device());
    let kept = mask.clone()
        - mask
            .zeros_like()
            .slice_assign([0..1, 0..1, rows, columns], hole);
    picture * kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use rand::SeedableRng;

    const ALL: DiffAugment = DiffAugment {
        color: true,
        translation: true,
        cutout: true,
    };

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn both_pictures_of_a_pair_are_changed_alike() {
        let device = Device::flex();
        let range = burn::tensor::Distribution::Uniform(-1.0, 1.0);
        let picture = Tensor::<4>::random([1, 3, 16, 16], range, &device);
        let pair = Tensor::cat(vec![picture.clone(), picture], 1);
        let changed = ALL.apply(pair, &[3, 3], &mut rng(4));
        let halves = changed.split(3, 1);
        let difference = (halves[0].clone() - halves[1].clone()).abs().max();
        assert_eq!(difference.into_scalar::<f32>(), 0.0);
    }

    #[test]
    fn gradients_reach_the_picture_except_where_it_was_cut_or_shifted_away() {
        let device = Device::flex().autodiff();
        let moves = DiffAugment {
            color: false,
            ..ALL
        };
        // Every pixel has a value of its own.
        let values: Vec<f32> = (1..=256u16).map(f32::from).collect();
        let data = TensorData::new(values.clone(), [1, 1, 16, 16]);
        let picture = Tensor::<4>::from_data(data, &device).require_grad();
        let changed = moves.apply(picture.clone(), &[1], &mut rng(2));
        let left: Vec<f32> = changed.clone().into_data().iter().collect();
        let gradients = changed.sum().backward();
        let gradient = picture.grad(&gradients).expect("a gradient").into_data();
        let reached = gradient.iter::<f32>().map(|value| value != 0.0);
        let kept = values.iter().map(|value| left.contains(value));
        let kept: Vec<bool> = kept.collect();
        assert_eq!(reached.collect::<Vec<_>>(), kept);
        assert!(kept.contains(&true) && kept.contains(&false));
    }

    #[test]
    fn a_hole_is_zero_and_the_rest_is_kept() {
        let picture = Tensor::<4>::ones([1, 1, 16, 16], &Device::flex());
        for seed in 0..20 {
            let sum = cut(picture.clone(), &mut rng(seed))
                .sum()
                .into_scalar::<f32>();
            assert!((192.0..=240.0).contains(&sum), "{sum} pixels are left");
        }
    }
}
