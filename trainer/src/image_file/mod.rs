//! Image files: the one place that decodes, with limits, with EXIF
//! orientation applied, and with errors that name the file and the remedy.

pub mod grid;
mod multiband;
mod output;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
};
use thiserror::Error;

use self::multiband::{Layout, Multiband};
use crate::system::files::{InFile, NamesFile};

pub use output::{
    OUTPUT_EXTENSIONS, Samples, output_format, write_png, write_rgb, write_rgb_png, write_samples,
};

/// File name endings that count as images when a folder is listed.
pub const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"];

const MAX_SIDE: u32 = 32_768;
const MAX_DECODED_BYTES: u64 = 1 << 30;
/// Longest JPEG; its decoder reads the file into memory whole.
const MAX_JPEG_BYTES: u64 = 1 << 28;

/// An image file that cannot be used.
pub type ImageFileError = InFile<ImageFileProblem>;

#[derive(Debug, Error)]
pub enum ImageFileProblem {
    #[error("cannot be opened ({0}); check the path and its permissions")]
    Open(#[from] io::Error),
    #[error("the file is empty; delete it or copy it again")]
    Empty,
    #[error("not an image in a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)")]
    Format,
    #[error(
        "too large to decode; scale it down to at most {MAX_SIDE} pixels a side and 1 GiB decoded"
    )]
    TooLarge,
    #[error("the file has {bytes} bytes, no image needs more than {limit}; scale it down")]
    TooLong { bytes: u64, limit: u64 },
    #[error("damaged or unsupported ({0}); open and save it again with an image program")]
    Decode(String),
    #[error("results are PNG, JPEG, WebP, TIFF or BMP; give the name one of their endings")]
    OutputFormat,
    #[error("cannot be written ({0}); check free space and permissions")]
    Write(io::Error),
}

impl From<ImageError> for ImageFileProblem {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            ImageError::Unsupported(_) if error.to_string().contains("format") => Self::Format,
            other => Self::Decode(other.to_string()),
        }
    }
}

/// What the beginning of a file tells of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width of the upright image in pixels.
    pub width: u32,
    /// Height of the upright image in pixels.
    pub height: u32,
    /// Samples per pixel.
    pub channels: usize,
    /// Bits per sample.
    pub bits: u32,
}

impl Header {
    /// What the samples take when they are decoded.
    pub fn bytes(self) -> u64 {
        let samples = u64::from(self.width) * u64::from(self.height) * self.channels as u64;
        samples * u64::from(self.bits) / 8
    }
}

/// Decodes an image and turns it upright.
pub fn read(path: &Path) -> Result<DynamicImage, ImageFileError> {
    let read = || {
        let reader = open(path)?;
        if reader.format() == Some(ImageFormat::Jpeg) {
            refuse_cut_jpeg(path)?;
        }
        let (decoder, orientation) = decoder(reader)?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    read().of_file(path)
}

/// Decodes an image of up to four channels, or a TIFF file of several grey bands as one grey
/// image for each.
pub fn read_bands(path: &Path) -> Result<Vec<DynamicImage>, ImageFileError> {
    match multiband(path).of_file(path)? {
        None => Ok(vec![read(path)?]),
        Some(bands) => bands.read().map_err(ImageFileProblem::Decode).of_file(path),
    }
}

/// Reads only as much as tells size and kind.
pub fn header(path: &Path) -> Result<Header, ImageFileError> {
    if let Some(Multiband { layout, .. }) = multiband(path).of_file(path)? {
        return Ok(Header {
            width: layout.width,
            height: layout.height,
            channels: usize::from(layout.bands),
            bits: u32::from(layout.bits),
        });
    }
    let (decoder, orientation) = open(path).and_then(decoder).of_file(path)?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (width, height) = if turned {
        (height, width)
    } else {
        (width, height)
    };
    let color = decoder.color_type();
    let channels = usize::from(color.channel_count());
    Ok(Header {
        width,
        height,
        channels,
        bits: u32::from(color.bits_per_pixel()) / channels.max(1) as u32,
    })
}

/// Whether the file says that its colours are others than sRGB, by an ICC profile. Samples are
/// read as they are, whatever it says.
pub fn has_other_colors(path: &Path) -> bool {
    let profile = open(path).ok().and_then(|reader| {
        let mut decoder = reader.into_decoder().ok()?;
        decoder.icc_profile().ok().flatten()
    });
    // Profiles name themselves in ASCII (version 2) or UTF-16 (version 4).
    let names = [b"sRGB".to_vec(), b"\0s\0R\0G\0B".to_vec()];
    profile.is_some_and(|profile| {
        let named = |name: &Vec<u8>| profile.windows(name.len()).any(|window| window == name);
        !names.iter().any(named)
    })
}

/// Whether the file holds more frames than the first, which alone is read.
pub fn is_animated(path: &Path) -> bool {
    let Ok(reader) = open(path) else {
        return false;
    };
    let format = reader.format();
    let file = reader.into_inner();
    match format {
        Some(ImageFormat::Gif) => GifDecoder::new(file)
            .is_ok_and(|decoder| decoder.into_frames().take(2).filter_map(Result::ok).count() > 1),
        Some(ImageFormat::WebP) => {
            WebPDecoder::new(file).is_ok_and(|decoder| decoder.has_animation())
        }
        Some(ImageFormat::Png) => {
            PngDecoder::new(file).is_ok_and(|decoder| decoder.is_apng().unwrap_or(false))
        }
        _ => false,
    }
}

/// A TIFF file of several grey bands, which the image library refuses.
fn multiband(path: &Path) -> Result<Option<Multiband<BufReader<File>>>, ImageFileProblem> {
    if open(path)?.format() != Some(ImageFormat::Tiff) {
        return Ok(None);
    }
    let file = BufReader::new(File::open(path)?);
    let Some(bands) = Multiband::open(file, MAX_DECODED_BYTES) else {
        return Ok(None);
    };
    check_layout(&bands.layout)?;
    Ok(Some(bands))
}

fn check_layout(layout: &Layout) -> Result<(), ImageFileProblem> {
    let pixels = u64::from(layout.width) * u64::from(layout.height);
    let bytes = pixels
        .saturating_mul(u64::from(layout.bands))
        .saturating_mul(u64::from(layout.bits / 8));
    if layout.bits != 8 && layout.bits != 16 {
        return Err(ImageFileProblem::Decode(format!(
            "bands of {} bit are not read, those of 8 and 16 are",
            layout.bits
        )));
    }
    match layout.width.max(layout.height) <= MAX_SIDE && bytes <= MAX_DECODED_BYTES {
        true => Ok(()),
        false => Err(ImageFileProblem::TooLarge),
    }
}

/// Refuses sizes that would not be read either.
pub fn check_size(path: &Path, (width, height): (u32, u32)) -> Result<(), ImageFileError> {
    let fits = width.max(height) <= MAX_SIDE;
    fits.then_some(())
        .ok_or(ImageFileProblem::TooLarge)
        .of_file(path)
}

type Reader = ImageReader<BufReader<File>>;

fn decoder(reader: Reader) -> Result<(impl ImageDecoder, Orientation), ImageFileProblem> {
    let mut decoder = reader.into_decoder()?;
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(ImageFileProblem::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

fn open(path: &Path) -> Result<Reader, ImageFileProblem> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes == 0 {
        return Err(ImageFileProblem::Empty);
    }
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format()?;
    let limit = match reader.format() {
        None => return Err(ImageFileProblem::Format),
        Some(ImageFormat::Jpeg) => MAX_JPEG_BYTES,
        Some(_) => 2 * MAX_DECODED_BYTES,
    };
    if bytes > limit {
        return Err(ImageFileProblem::TooLong { bytes, limit });
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    Ok(reader)
}

/// The decoder fills what is missing of a JPEG with grey. In compressed data no marker can occur
/// by chance, so a whole file has an end-of-image marker behind its last start-of-scan marker.
fn refuse_cut_jpeg(path: &Path) -> Result<(), ImageFileProblem> {
    const MARKER: u8 = 0xff;
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let (mut before, mut has_ended) = (0, false);
    for byte in BufReader::with_capacity(1 << 16, File::open(path)?).bytes() {
        let byte = byte?;
        has_ended = match (before, byte) {
            (MARKER, START_OF_SCAN) => false,
            (MARKER, END_OF_IMAGE) => true,
            _ => has_ended,
        };
        before = byte;
    }
    match has_ended {
        true => Ok(()),
        false => Err(ImageFileProblem::Decode(
            "the file ends before the image does".to_string(),
        )),
    }
}
