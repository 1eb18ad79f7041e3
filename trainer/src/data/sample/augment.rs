//! Scaling, cropping and mirroring: the same for both pictures of a pair.

use rand::RngExt;

use crate::config::Preprocess;
use crate::data::sample::bands::Bands;
use crate::data::sample::raster::{Side, Sides};
use crate::data::source::{Pair, Sampling};

/// Which part of a picture a sample is, and at which scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How pictures become samples.
    pub preprocess: Preprocess,
    /// Side, or width, before cropping.
    pub load_size: u32,
    /// Side after cropping.
    pub size: u32,
    /// What sides that no crop decides are rounded to, for the network.
    pub multiple_of: u32,
}

impl Frame {
    /// Squares of `size`, scaled to that.
    pub fn square(size: u32) -> Self {
        Self {
            preprocess: Preprocess::ResizeAndCrop,
            load_size: size,
            size,
            multiple_of: 1,
        }
    }

    /// Size to which a picture is scaled before the crop, as the field's `get_transform`
    /// defines it, then rounded where no crop follows.
    pub fn scaled(self, (width, height): (u32, u32)) -> (u32, u32) {
        let rounded = |side: f64| {
            let multiple = f64::from(self.multiple_of.max(1));
            ((side / multiple).round().max(1.0) * multiple) as u32
        };
        let fitted_height = || {
            let scaled = u64::from(self.load_size) * u64::from(height) / u64::from(width.max(1));
            scaled.clamp(u64::from(self.size), u64::from(u32::MAX)) as u32
        };
        match self.preprocess {
            Preprocess::ResizeAndCrop => (self.load_size, self.load_size),
            Preprocess::Crop => (width, height),
            Preprocess::ScaleWidth => (
                rounded(f64::from(self.load_size)),
                rounded(f64::from(fitted_height())),
            ),
            Preprocess::ScaleWidthAndCrop => (self.load_size, fitted_height()),
            Preprocess::None => (rounded(f64::from(width)), rounded(f64::from(height))),
        }
    }

    /// As [`Self::scaled`], for single photos: instead of being squeezed into a square, the
    /// shorter side is scaled to the load size.
    pub fn scaled_in_proportion(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.preprocess != Preprocess::ResizeAndCrop {
            return self.scaled((width, height));
        }
        let factor = f64::from(self.load_size) / f64::from(width.min(height).max(1));
        let scaled = |side: u32| ((f64::from(side) * factor).round() as u32).max(self.load_size);
        (scaled(width), scaled(height))
    }
}

/// Where a sample is cut out of a scaled picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Mirror left and right.
    pub mirror: bool,
}

impl Crop {
    /// Chooses a crop in a picture of the given size, as `sampling` says.
    pub fn choose((width, height): (u32, u32), sampling: &mut Sampling<'_>) -> Self {
        let frame = sampling.frame();
        let (crop_width, crop_height) = match frame.preprocess.crops() {
            true => (frame.size.min(width), frame.size.min(height)),
            false => (width, height),
        };
        let (free_x, free_y) = (width - crop_width, height - crop_height);
        let (x, y, mirror) = match sampling {
            Sampling::Jitter { flip, rng, .. } => (
                rng.random_range(0..=free_x),
                rng.random_range(0..=free_y),
                *flip && rng.random_bool(0.5),
            ),
            Sampling::Fixed { .. } => (free_x / 2, free_y / 2, false),
        };
        Self {
            x,
            y,
            width: crop_width,
            height: crop_height,
            mirror,
        }
    }

    /// Cuts it out.
    pub fn cut(self, bands: &Bands) -> Bands {
        let cut = bands.cropped((self.x, self.y), (self.width, self.height));
        match self.mirror {
            true => cut.mirrored(),
            false => cut,
        }
    }
}

/// Scales both pictures, which are of one size, and cuts the same crop out of both.
pub fn sample_pair(
    (input, target): (Bands, Bands),
    sides: Sides,
    mut sampling: Sampling<'_>,
) -> Pair {
    let size = sampling.frame().scaled(input.dimensions());
    let input = input.resized(size, sides.input.filter());
    let target = target.resized(size, sides.target.filter());
    let crop = Crop::choose(size, &mut sampling);
    Pair::encode(&crop.cut(&input), &crop.cut(&target), sides)
}

/// Scales one picture and cuts a crop out of it.
pub fn sample_one(picture: Bands, side: Side, sampling: &mut Sampling<'_>) -> Bands {
    let size = sampling.frame().scaled(picture.dimensions());
    let picture = picture.resized(size, side.filter());
    Crop::choose(size, sampling).cut(&picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(preprocess: Preprocess, size: (u32, u32)) -> (u32, u32) {
        let frame = Frame {
            preprocess,
            load_size: 286,
            size: 256,
            multiple_of: 128,
        };
        frame.scaled(size)
    }

    #[test]
    fn each_mode_scales_as_the_field_defines_it() {
        for (preprocess, size, expected) in [
            (Preprocess::ResizeAndCrop, (600, 400), (286, 286)),
            (Preprocess::Crop, (600, 400), (600, 400)),
            (Preprocess::ScaleWidthAndCrop, (572, 800), (286, 400)),
            (Preprocess::ScaleWidthAndCrop, (600, 400), (286, 256)),
            (Preprocess::ScaleWidth, (572, 800), (256, 384)),
            (Preprocess::None, (600, 400), (640, 384)),
            (Preprocess::None, (20, 4000), (128, 3968)),
        ] {
            assert_eq!(
                scaled(preprocess, size),
                expected,
                "{preprocess:?} {size:?}"
            );
        }
    }

    #[test]
    fn a_photo_keeps_its_proportions() {
        let frame = Frame {
            load_size: 100,
            ..Frame::square(90)
        };
        assert_eq!(frame.scaled_in_proportion((300, 200)), (150, 100));
        assert_eq!(frame.scaled_in_proportion((10, 1000)), (100, 10_000));
    }
}
