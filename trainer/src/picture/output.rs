//! Results as files: the ending of the name says the format.

use std::io::BufWriter;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageBuffer, ImageFormat, Rgb, RgbImage};
use tempfile::NamedTempFile;

use super::{PictureError, Samples, write_with};

/// Endings of files that are written.
pub const OUTPUT_EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp"];
/// What a JPEG loses must not show beside what a network changes.
const JPEG_QUALITY: u8 = 95;

/// The format that the ending of a name stands for.
pub fn output_format(path: &Path) -> Result<ImageFormat, PictureError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.unwrap_or_default().to_ascii_lowercase();
    OUTPUT_EXTENSIONS
        .contains(&extension.as_str())
        .then(|| ImageFormat::from_extension(&extension))
        .flatten()
        .ok_or_else(|| PictureError::OutputFormat {
            path: path.to_path_buf(),
        })
}

/// Writes RGB pixels beside their place and renames them, in the format of the ending.
pub fn write_rgb(path: &Path, picture: RgbImage) -> Result<(), PictureError> {
    write_as(
        path,
        output_format(path)?,
        &DynamicImage::ImageRgb8(picture),
    )
}

/// Writes samples that are no PNG, with as many bits and channels as the format has.
pub(super) fn write_samples_as(
    path: &Path,
    format: ImageFormat,
    (width, height): (u32, u32),
    samples: &Samples,
) -> Result<(), PictureError> {
    let picture = picture_of((width, height), samples);
    let picture = picture.ok_or_else(|| PictureError::Write {
        path: path.to_path_buf(),
        reason: "its samples are not those of grey, RGB or RGBA".to_string(),
    })?;
    write_as(path, format, &picture)
}

fn picture_of((width, height): (u32, u32), samples: &Samples) -> Option<DynamicImage> {
    let pixels = width as usize * height as usize;
    match samples {
        Samples::Bytes(bytes) => {
            let bytes = bytes.clone();
            match bytes.len() / pixels.max(1) {
                1 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
                3 => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
                _ => ImageBuffer::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
            }
        }
        Samples::Words(words) => {
            let words = words.clone();
            match words.len() / pixels.max(1) {
                1 => ImageBuffer::from_raw(width, height, words).map(DynamicImage::ImageLuma16),
                3 => ImageBuffer::from_raw(width, height, words).map(DynamicImage::ImageRgb16),
                _ => ImageBuffer::from_raw(width, height, words).map(DynamicImage::ImageRgba16),
            }
        }
    }
}

fn write_as(path: &Path, format: ImageFormat, picture: &DynamicImage) -> Result<(), PictureError> {
    write_with(path, |file: &mut NamedTempFile| {
        let encoded = match format {
            ImageFormat::Jpeg => {
                let encoder = JpegEncoder::new_with_quality(BufWriter::new(file), JPEG_QUALITY);
                on_white(picture).write_with_encoder(encoder)
            }
            ImageFormat::WebP | ImageFormat::Bmp if picture.color().has_alpha() => {
                DynamicImage::ImageRgba8(picture.to_rgba8()).write_to(file, format)
            }
            ImageFormat::WebP | ImageFormat::Bmp => {
                DynamicImage::ImageRgb8(picture.to_rgb8()).write_to(file, format)
            }
            _ => picture.write_to(file, format),
        };
        encoded.map_err(|error| error.to_string())
    })
}

/// A JPEG has no transparency, and 8 bits.
fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return match picture.color().has_color() {
            true => DynamicImage::ImageRgb8(picture.to_rgb8()),
            false => DynamicImage::ImageLuma8(picture.to_luma8()),
        };
    }
    let rgba = picture.to_rgba8();
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
