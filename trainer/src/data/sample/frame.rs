//! Which part of an image a sample is, and at which scale.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How images become samples, under the names of the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Preprocess {
    /// Scale to a square of --load-size (single photos: their shorter side), crop --size
    #[default]
    ResizeAndCrop,
    /// Crop --size
    Crop,
    /// Scale the width to --load-size
    ScaleWidth,
    /// Scale the width to --load-size, crop --size
    ScaleWidthAndCrop,
    /// Leave sizes as they are, rounded to what the network takes
    None,
}

impl Preprocess {
    /// Whether a square is cut out, so that every sample has the same size.
    pub fn crops(self) -> bool {
        matches!(
            self,
            Self::ResizeAndCrop | Self::Crop | Self::ScaleWidthAndCrop
        )
    }
}

/// Which part of an image a sample is, and at which scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How images become samples.
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

    /// Size to which an image is scaled before the crop, as the field's `get_transform`
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
