//! Scaling, cropping and mirroring: the same for both pictures of a pair.

use image::imageops::{self, FilterType};
use image::{RgbImage, SubImage};
use rand::Rng;

use crate::data::source::{Pair, Sampling};

/// Where a sample is cut out of a scaled picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Side of the square.
    pub size: u32,
    /// Mirror left and right.
    pub mirror: bool,
}

impl Crop {
    /// Chooses a crop in a picture of the given size, as `sampling` says.
    pub fn choose(width: u32, height: u32, sampling: Sampling<'_>) -> Self {
        match sampling {
            Sampling::Jitter {
                size, flip, rng, ..
            } => Self {
                x: rng.random_range(0..=width.saturating_sub(size)),
                y: rng.random_range(0..=height.saturating_sub(size)),
                size,
                mirror: flip && rng.random_bool(0.5),
            },
            Sampling::Fixed { size } => Self {
                x: width.saturating_sub(size) / 2,
                y: height.saturating_sub(size) / 2,
                size,
                mirror: false,
            },
        }
    }

    /// Cuts it out.
    pub fn cut(self, picture: &RgbImage) -> RgbImage {
        let view: SubImage<&RgbImage> =
            imageops::crop_imm(picture, self.x, self.y, self.size, self.size);
        let mut cut = view.to_image();
        if self.mirror {
            imageops::flip_horizontal_in_place(&mut cut);
        }
        cut
    }
}

impl Sampling<'_> {
    /// Side to which pictures are scaled before the crop.
    pub fn load_size(&self) -> u32 {
        match self {
            Self::Jitter { load_size, .. } => *load_size,
            Self::Fixed { size } => *size,
        }
    }
}

/// Scales both pictures to the square of the load size, then cuts the same crop out of both.
pub fn sample_pair(a: &RgbImage, b: &RgbImage, sampling: Sampling<'_>) -> Pair {
    let side = sampling.load_size();
    let (a, b) = (resized(a, side, side), resized(b, side, side));
    let crop = Crop::choose(side, side, sampling);
    Pair {
        real_a: crop.cut(&a),
        real_b: crop.cut(&b),
    }
}

/// Scales to exactly `width × height`; a picture of that size is left as it is.
pub fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    imageops::resize(picture, width, height, FilterType::CatmullRom)
}

/// Scales so that the shorter side is `side`, keeping the proportions.
pub fn scaled_to_short_side(picture: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let factor = f64::from(side) / f64::from(width.min(height).max(1));
    let scaled = |length: u32| ((f64::from(length) * factor).round() as u32).max(side);
    resized(picture, scaled(width), scaled(height))
}
