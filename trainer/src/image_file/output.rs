//! Results as files: the ending of the name says the format.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageBuffer, ImageFormat, Rgb, RgbImage};
use tempfile::NamedTempFile;

use super::{ImageFileError, ImageFileProblem, multiband};
use crate::system::files::{NamesFile, replace};

/// Endings of files that are written.
pub const OUTPUT_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp"];
/// What a JPEG loses must not show beside what a network changes.
const JPEG_QUALITY: u8 = 95;

/// Samples of an image, those of a pixel side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits each.
    Bytes(Vec<u8>),
    /// 16 bits each.
    Words(Vec<u16>),
}

impl Samples {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Words(words) => words.len(),
        }
    }

    fn into_words(self) -> Vec<u16> {
        match self {
            Self::Bytes(bytes) => bytes.iter().map(|&byte| u16::from(byte) * 257).collect(),
            Self::Words(words) => words,
        }
    }

    fn into_image(self, (width, height): (u32, u32), channels: usize) -> Option<DynamicImage> {
        fn buffer<P: image::Pixel>(
            (width, height): (u32, u32),
            samples: Vec<P::Subpixel>,
        ) -> Option<ImageBuffer<P, Vec<P::Subpixel>>> {
            ImageBuffer::from_raw(width, height, samples)
        }
        let size = (width, height);
        match (self, channels) {
            (Self::Bytes(bytes), 1) => buffer(size, bytes).map(DynamicImage::ImageLuma8),
            (Self::Bytes(bytes), 3) => buffer(size, bytes).map(DynamicImage::ImageRgb8),
            (Self::Bytes(bytes), _) => buffer(size, bytes).map(DynamicImage::ImageRgba8),
            (Self::Words(words), 1) => buffer(size, words).map(DynamicImage::ImageLuma16),
            (Self::Words(words), 3) => buffer(size, words).map(DynamicImage::ImageRgb16),
            (Self::Words(words), _) => buffer(size, words).map(DynamicImage::ImageRgba16),
        }
    }
}

/// The format that the ending of a name stands for.
pub fn output_format(path: &Path) -> Result<ImageFormat, ImageFileError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    OUTPUT_EXTENSIONS
        .contains(&extension.as_str())
        .then(|| ImageFormat::from_extension(&extension))
        .flatten()
        .ok_or(ImageFileProblem::OutputFormat)
        .of_file(path)
}

/// Writes grey, RGB or RGBA samples to `path`, in the format that its ending says and with as many
/// bits and channels as that has, or others as a TIFF file of grey bands of 16 bit beside it, and
/// gives the path of the file; never half of one.
pub fn write_samples(
    path: &Path,
    size: (u32, u32),
    samples: Samples,
) -> Result<PathBuf, ImageFileError> {
    let channels = samples.len() / (size.0 as usize * size.1 as usize).max(1);
    if ![1, 3, 4].contains(&channels) {
        let path = path.with_extension("tif");
        write(&path, |file| {
            multiband::write(file, size, &samples.into_words()).map_err(io::Error::other)
        })?;
        return Ok(path);
    }
    let format = output_format(path)?;
    let image = samples
        .into_image(size, channels)
        .ok_or_else(|| io::Error::other("its samples do not fill it"))
        .map_err(ImageFileProblem::Write)
        .of_file(path)?;
    write_as(path, format, &image)?;
    Ok(path.to_path_buf())
}

/// Writes RGB pixels beside their place and renames them, in the format of the ending.
pub fn write_rgb(path: &Path, image: RgbImage) -> Result<(), ImageFileError> {
    write_as(path, output_format(path)?, &DynamicImage::ImageRgb8(image))
}

/// Writes a PNG beside its place and renames it, so that nobody sees half a file.
pub fn write_png(path: &Path, image: &DynamicImage) -> Result<(), ImageFileError> {
    write_as(path, ImageFormat::Png, image)
}

/// As [`write_png`], for RGB pixels.
pub fn write_rgb_png(path: &Path, image: RgbImage) -> Result<(), ImageFileError> {
    write_png(path, &DynamicImage::ImageRgb8(image))
}

fn write(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> Result<(), ImageFileError> {
    let written = replace(path, write);
    written.map_err(ImageFileProblem::Write).of_file(path)
}

fn write_as(path: &Path, format: ImageFormat, image: &DynamicImage) -> Result<(), ImageFileError> {
    write(path, |file| {
        let encoded = match format {
            ImageFormat::Jpeg => {
                let encoder = JpegEncoder::new_with_quality(BufWriter::new(file), JPEG_QUALITY);
                on_white(image).write_with_encoder(encoder)
            }
            ImageFormat::WebP | ImageFormat::Bmp if image.color().has_alpha() => {
                DynamicImage::ImageRgba8(image.to_rgba8()).write_to(file, format)
            }
            ImageFormat::WebP | ImageFormat::Bmp => {
                DynamicImage::ImageRgb8(image.to_rgb8()).write_to(file, format)
            }
            _ => image.write_to(file, format),
        };
        encoded.map_err(io::Error::other)
    })
}

/// A JPEG has no transparency, and 8 bits.
fn on_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return match image.color().has_color() {
            true => DynamicImage::ImageRgb8(image.to_rgb8()),
            false => DynamicImage::ImageLuma8(image.to_luma8()),
        };
    }
    let rgba = image.to_rgba8();
    let blended = RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let over = |sample: u8| {
            let alpha = u32::from(alpha);
            ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        Rgb([red, green, blue].map(over))
    });
    DynamicImage::ImageRgb8(blended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_format_and_others_are_refused() {
        assert_eq!(
            output_format(Path::new("x.JPG")).expect("a format"),
            ImageFormat::Jpeg
        );
        for name in ["x.gif", "x.txt", "x"] {
            let message = output_format(Path::new(name)).expect_err(name).to_string();
            assert!(message.contains("PNG, JPEG, WebP"), "{message}");
        }
    }

    #[test]
    fn half_transparent_black_is_grey_in_a_jpeg() {
        let glass = image::RgbaImage::from_pixel(1, 1, image::Rgba([0, 0, 0, 128]));
        let shown = on_white(&DynamicImage::ImageRgba8(glass)).to_rgb8();
        assert_eq!(shown.get_pixel(0, 0).0, [127; 3]);
    }
}
