//! Scaling, cropping and mirroring: the same for both images of a pair.

use model::training::Jitter;

use crate::data::pair::{Pair, Sampling};
use crate::data::sample::bands::Bands;
use crate::data::sample::raster::{PairFormat, SampleFormat};

/// Where a sample is cut out of a scaled image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    pub mirror: bool,
}

impl Crop {
    /// Chooses a crop in an image of the given size, as `sampling` says.
    pub fn choose((width, height): (u32, u32), sampling: &mut Sampling<'_>) -> Self {
        let frame = sampling.frame();
        let (crop_width, crop_height) = match frame.preprocess.crops() {
            true => (frame.size.min(width), frame.size.min(height)),
            false => (width, height),
        };
        let (free_x, free_y) = (width - crop_width, height - crop_height);
        let Jitter { x, y, mirror } = match sampling {
            Sampling::Jitter { flip, rng, .. } => Jitter::draw((free_x, free_y), *flip, rng),
            Sampling::Fixed { .. } => Jitter {
                x: free_x / 2,
                y: free_y / 2,
                mirror: false,
            },
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

/// Scales both images, which are of one size, and cuts the same crop out of both.
pub fn sample_pair(
    (input, target): (Bands, Bands),
    format: PairFormat,
    mut sampling: Sampling<'_>,
) -> Pair {
    let size = sampling.frame().scaled(input.dimensions());
    let input = input.resized(size, format.input.filter());
    let target = target.resized(size, format.target.filter());
    let crop = Crop::choose(size, &mut sampling);
    Pair::encode(&crop.cut(&input), &crop.cut(&target), format)
}

/// Scales one image and cuts a crop out of it.
pub fn sample_one(image: Bands, side: SampleFormat, sampling: &mut Sampling<'_>) -> Bands {
    let size = sampling.frame().scaled(image.dimensions());
    let image = image.resized(size, side.filter());
    Crop::choose(size, sampling).cut(&image)
}
