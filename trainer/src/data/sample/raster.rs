//! From the samples of a file to what a network sees: which channels and which meaning each side
//! of a pair has, and which pixels of a target count.

use std::path::Path;

use image::imageops::FilterType;
use model::{Encoding, Raster, encoding};
use thiserror::Error;

use crate::data::sample::bands::Bands;
use crate::image_file::Header;
use crate::system::files::{InFile, NamesFile};

/// A file whose samples do not fit the side of the pair that it is on.
pub type FitError = InFile<FitProblem>;

#[derive(Debug, Error)]
pub enum FitProblem {
    #[error(
        "{found} channels per pixel do not fit the {wanted} of this side; 1 and 3 are made of grey, \
         RGB and RGBA files, other numbers need files of as many: save the file again, or train with \
         other --channels-a and --channels-b"
    )]
    Channels { found: usize, wanted: usize },
    #[error(
        "{channels} channels of {bits} bit are no depth; depth is one channel of 16 bit, 0 where \
         nothing was measured: save it as a 16-bit grey PNG or TIFF"
    )]
    Depth { channels: usize, bits: u32 },
    #[error("samples of {0} bit are not read; save the file again with 8 or 16 bit")]
    Bits(u32),
}

/// What an image of a pair is to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleFormat {
    /// Channels that the network sees.
    pub channels: usize,
    /// What they mean.
    pub encoding: Encoding,
}

/// Both images of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairFormat {
    /// What the generator takes.
    pub input: SampleFormat,
    /// What it is to make.
    pub target: SampleFormat,
}

impl PairFormat {
    /// Lightness in, chroma out (arXiv 1611.07004, section 4; arXiv 1603.08511).
    pub const COLORIZE: Self = Self {
        input: SampleFormat {
            channels: 1,
            encoding: Encoding::Lightness,
        },
        target: SampleFormat {
            channels: 2,
            encoding: Encoding::Chroma,
        },
    };
}

/// Pixels that count, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    valid: Vec<bool>,
}

impl Mask {
    /// A mask of as many pixels as `valid` has.
    pub fn new(valid: Vec<bool>) -> Self {
        Self { valid }
    }

    /// For each pixel, whether it counts.
    pub fn valid(&self) -> &[bool] {
        &self.valid
    }

    pub fn count(&self) -> usize {
        self.valid.iter().filter(|valid| **valid).count()
    }
}

impl SampleFormat {
    /// 8-bit RGB, as most images are.
    pub const RGB: Self = Self {
        channels: 3,
        encoding: Encoding::Color,
    };

    /// Checks whether a file fits this side, by its header.
    pub fn accept(self, path: &Path, header: Header) -> Result<(), FitError> {
        let (channels, bits) = (header.channels, header.bits);
        let wanted = match self.encoding {
            Encoding::Color => self.channels,
            _ => 3,
        };
        let fits = match self.encoding {
            Encoding::Depth { .. } if (channels, bits) != (1, 16) => {
                Err(FitProblem::Depth { channels, bits })
            }
            _ if ![8, 16, 32].contains(&bits) => Err(FitProblem::Bits(bits)),
            Encoding::Depth { .. } => Ok(()),
            _ if channels <= 4 && [1, 3].contains(&wanted) => Ok(()),
            Encoding::Color if channels == wanted => Ok(()),
            _ => Err(FitProblem::Channels {
                found: channels,
                wanted,
            }),
        };
        fits.of_file(path)
    }

    /// Leaves of a file's samples what this side needs.
    pub fn fit(self, path: &Path, bands: Bands) -> Result<Bands, FitError> {
        self.accept(path, bands.header())?;
        Ok(bands.prepared(self.channels == 4 || self.channels == 2))
    }

    /// How images of this side are scaled: depths are never mixed, because that would spread
    /// the missing ones and invent distances between near and far.
    pub fn filter(self) -> FilterType {
        match self.encoding {
            Encoding::Depth { .. } => FilterType::Nearest,
            _ => FilterType::CatmullRom,
        }
    }

    /// What the network sees of samples that [`Self::fit`] gave.
    pub fn raster(self, bands: &Bands) -> Raster {
        let samples = bands.raster();
        match (self.encoding, self.channels) {
            (Encoding::Color, channels) if channels == samples.channels() => samples,
            (Encoding::Color, 1) => samples.to_grey(),
            (Encoding::Color, _) => samples.to_rgb(),
            (Encoding::Lightness, _) => encoding::lightness(&samples.to_rgb()),
            (Encoding::Chroma, _) => encoding::chroma(&samples.to_rgb()),
            (Encoding::Depth { max }, _) => {
                let depths = bands.depths().iter();
                let unit = |&depth: &u16| to_depth_unit(depth, max);
                Raster::from_planes(
                    samples.width(),
                    samples.height(),
                    depths.map(unit).collect(),
                )
            }
        }
    }

    /// Which pixels of a depth target were measured, and lie within the largest depth.
    pub fn mask(self, bands: &Bands) -> Option<Mask> {
        let Encoding::Depth { max } = self.encoding else {
            return None;
        };
        let valid = bands.depths().iter().map(|depth| (1..=max).contains(depth));
        Some(Mask::new(valid.collect()))
    }
}

/// A depth of `0..=max` in `-1..=1`; what lies beyond is at 1.
pub fn to_depth_unit(depth: u16, max: u16) -> f32 {
    f32::from(depth.min(max)) / f32::from(max) * 2.0 - 1.0
}

/// The way back, without rounding.
pub fn to_depth(unit: f32, max: u16) -> f32 {
    ((unit + 1.0) / 2.0).clamp(0.0, 1.0) * f32::from(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Pair;
    use crate::data::sample::batch::batch_of;
    use burn::tensor::Device;
    use image::{DynamicImage, ImageBuffer, Luma, Rgb, RgbImage};

    const DEPTH: SampleFormat = SampleFormat {
        channels: 1,
        encoding: Encoding::Depth { max: 1000 },
    };

    fn depths(values: &[u16]) -> Bands {
        let image = ImageBuffer::from_raw(2, 2, values.to_vec()).expect("2×2 samples");
        DynamicImage::ImageLuma16(image).into()
    }

    #[test]
    fn both_bytes_of_16_bit_arrive() {
        let grey = SampleFormat {
            channels: 1,
            encoding: Encoding::Color,
        };
        let raster = grey.raster(&depths(&[0, 1, 32_768, 65_535]));
        let words: Vec<u16> = raster
            .values()
            .iter()
            .map(|unit| ((unit + 1.0) * 32_767.5).round() as u16)
            .collect();
        assert_eq!(words, [0, 1, 32_768, 65_535]);
    }

    #[test]
    fn depth_is_relative_to_its_largest_and_what_was_not_measured_is_masked() {
        let bands = depths(&[0, 500, 1000, 1001]);
        assert_eq!(DEPTH.raster(&bands).values(), [-1.0, 0.0, 1.0, 1.0]);
        let mask = DEPTH.mask(&bands).expect("a mask");
        assert_eq!(mask.valid(), [false, true, true, false]);
        let format = PairFormat {
            input: DEPTH,
            target: DEPTH,
        };
        let pair = Pair::encode(&bands, &bands, format);
        let batch = batch_of(&[pair.clone(), pair], &Device::flex());
        let mask = batch.mask.expect("a mask");
        assert_eq!(mask.dims(), [2, 1, 2, 2]);
        let values: Vec<f32> = mask.into_data().iter::<f32>().collect();
        assert_eq!(values, [0.0, 1.0, 1.0, 0.0].repeat(2));
    }

    #[test]
    fn colour_has_no_mask() {
        let bands = Bands::from(RgbImage::new(2, 2));
        let format = PairFormat {
            input: SampleFormat::RGB,
            target: SampleFormat::RGB,
        };
        let batch = batch_of(&[Pair::encode(&bands, &bands, format)], &Device::flex());
        assert!(batch.mask.is_none());
    }

    #[test]
    fn scaling_depth_invents_no_depth() {
        let image =
            ImageBuffer::from_fn(30, 30, |x, y| Luma([[0, 200, 900][((x + y) % 3) as usize]]));
        let bands = Bands::from(DynamicImage::ImageLuma16(image));
        let scaled = bands.resized((47, 19), DEPTH.filter());
        assert!(
            scaled
                .depths()
                .iter()
                .all(|depth| [0, 200, 900].contains(depth))
        );
    }

    #[test]
    fn colour_is_reduced_to_grey_and_grey_expanded() {
        let side = |channels| SampleFormat {
            channels,
            encoding: Encoding::Color,
        };
        let red = Bands::from(RgbImage::from_pixel(2, 1, Rgb([255, 0, 0])));
        let grey = side(1).raster(&red);
        assert_eq!(grey.channels(), 1);
        assert!((grey.values()[0] - (2.0 * 0.299 - 1.0)).abs() < 1e-6);
        let expanded = side(3).raster(&depths(&[0, 0, 65_535, 0]));
        assert_eq!(expanded.channels(), 3);
        assert_eq!(expanded.plane(2), [-1.0, -1.0, 1.0, -1.0]);
    }

    #[test]
    fn every_side_takes_the_files_that_it_can_be_made_of() {
        let header = |channels, bits| Header {
            width: 4,
            height: 4,
            channels,
            bits,
        };
        let accepts = |side: SampleFormat, channels, bits| {
            side.accept(Path::new("file"), header(channels, bits))
                .is_ok()
        };
        for channels in 1..=8 {
            let colour = SampleFormat {
                channels,
                encoding: Encoding::Color,
            };
            for found in 1..=8 {
                let made = [1, 3].contains(&channels) && found <= 4;
                assert_eq!(accepts(colour, found, 8), found == channels || made);
            }
            assert_eq!(accepts(DEPTH, channels, 16), channels == 1);
            assert!(!accepts(DEPTH, channels, 8));
            assert!(!accepts(colour, channels, 12));
        }
    }
}
