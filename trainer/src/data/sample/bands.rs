//! Samples of an image file, as precise as the file has them: scaled, cropped and mirrored
//! before anybody asks what they mean.

use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use model::Raster;
use model::pixels::to_unit;

use crate::image_file::{self, Header, ImageFileError};

/// Samples as a file has them: an image of up to four channels, or a grey image per band.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands(Vec<DynamicImage>);

impl From<RgbImage> for Bands {
    fn from(image: RgbImage) -> Self {
        Self(vec![DynamicImage::ImageRgb8(image)])
    }
}

impl From<DynamicImage> for Bands {
    fn from(image: DynamicImage) -> Self {
        Self(vec![image])
    }
}

impl Bands {
    pub fn read(path: &Path) -> Result<Self, ImageFileError> {
        image_file::read_bands(path).map(Self)
    }

    /// Width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        let first = self.0.first();
        first.map_or((0, 0), |band| (band.width(), band.height()))
    }

    /// Size and kind of the samples.
    pub fn header(&self) -> Header {
        let (width, height) = self.dimensions();
        let color = self.0.first().map(DynamicImage::color);
        let per_band = color.map_or(1, |color| usize::from(color.channel_count()));
        let bits = color.map_or(8, |color| u32::from(color.bits_per_pixel()));
        Header {
            width,
            height,
            channels: per_band * self.0.len(),
            bits: bits / per_band.max(1) as u32,
        }
    }

    /// Alpha of each pixel in `0..=1`, where there is one and not every pixel is opaque.
    pub fn alpha(&self) -> Option<Vec<f32>> {
        let [image] = self.0.as_slice() else {
            return None;
        };
        if !image.color().has_alpha() {
            return None;
        }
        let alpha: Vec<f32> = match image {
            DynamicImage::ImageRgba8(_) | DynamicImage::ImageLumaA8(_) => {
                let rgba = image.to_rgba8();
                rgba.pixels()
                    .map(|pixel| f32::from(pixel[3]) / 255.0)
                    .collect()
            }
            _ => {
                let rgba = image.to_rgba16();
                rgba.pixels()
                    .map(|pixel| f32::from(pixel[3]) / 65_535.0)
                    .collect()
            }
        };
        alpha.iter().any(|&alpha| alpha < 1.0).then_some(alpha)
    }

    /// With or without alpha; floats become 16 bit.
    pub(crate) fn prepared(self, with_alpha: bool) -> Self {
        let prepared = |image: DynamicImage| match (image, with_alpha) {
            (image @ (DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)), true) => {
                DynamicImage::ImageRgba16(image.into_rgba16())
            }
            (image @ (DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_)), false) => {
                DynamicImage::ImageRgb16(image.into_rgb16())
            }
            (image @ DynamicImage::ImageLumaA8(_), false) => {
                DynamicImage::ImageLuma8(image.into_luma8())
            }
            (image @ DynamicImage::ImageLumaA16(_), false) => {
                DynamicImage::ImageLuma16(image.into_luma16())
            }
            (image @ DynamicImage::ImageRgba8(_), false) => {
                DynamicImage::ImageRgb8(image.into_rgb8())
            }
            (image @ DynamicImage::ImageRgba16(_), false) => {
                DynamicImage::ImageRgb16(image.into_rgb16())
            }
            (image, _) => image,
        };
        Self(self.0.into_iter().map(prepared).collect())
    }

    /// Scaled to exactly `width × height`; an image of that size is left as it is.
    pub fn resized(self, (width, height): (u32, u32), filter: FilterType) -> Self {
        if self.dimensions() == (width, height) {
            return self;
        }
        let resized = |band: DynamicImage| band.resize_exact(width, height, filter);
        Self(self.0.into_iter().map(resized).collect())
    }

    /// The rectangle whose upper left corner is `x`, `y`.
    pub fn cropped(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Self {
        let cropped = |band: &DynamicImage| band.crop_imm(x, y, width, height);
        Self(self.0.iter().map(cropped).collect())
    }

    /// Left and right exchanged.
    pub fn mirrored(self) -> Self {
        Self(self.0.into_iter().map(|band| band.fliph()).collect())
    }

    /// Every sample in `[-1, 1]`, by its number of bits.
    pub(crate) fn raster(&self) -> Raster {
        let (width, height) = self.dimensions();
        let mut values = Vec::new();
        for band in &self.0 {
            let channels = usize::from(band.color().channel_count());
            match band.as_bytes().len() == channels * width as usize * height as usize {
                true => append_planes(&mut values, band.as_bytes(), channels, |byte| {
                    to_unit(f32::from(byte))
                }),
                false => append_planes(&mut values, words(band), channels, |word| {
                    f32::from(word) / 32_767.5 - 1.0
                }),
            }
        }
        Raster::from_planes(width as usize, height as usize, values)
    }

    /// Samples of a single band of 16 bit.
    pub(crate) fn depths(&self) -> &[u16] {
        self.0.first().map_or(&[], words)
    }
}

fn words(image: &DynamicImage) -> &[u16] {
    match image {
        DynamicImage::ImageLuma16(image) => image.as_raw(),
        DynamicImage::ImageLumaA16(image) => image.as_raw(),
        DynamicImage::ImageRgb16(image) => image.as_raw(),
        DynamicImage::ImageRgba16(image) => image.as_raw(),
        _ => &[],
    }
}

fn append_planes<S: Copy>(
    values: &mut Vec<f32>,
    samples: &[S],
    channels: usize,
    unit: impl Fn(S) -> f32,
) {
    values.reserve(samples.len());
    for channel in 0..channels {
        let plane = samples.iter().skip(channel).step_by(channels);
        values.extend(plane.map(|&sample| unit(sample)));
    }
}
