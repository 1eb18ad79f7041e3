//! Reading and writing picture files: the one place that decodes, with limits, with EXIF
//! orientation applied, and with errors that name the file and the remedy.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use image::codecs::gif::GifDecoder;
use image::codecs::png::{PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError,
    ImageFormat, ImageReader, Limits, RgbImage,
};
use tempfile::NamedTempFile;
use thiserror::Error;

use self::multiband::Multiband;

mod multiband;
mod output;

pub use output::{OUTPUT_EXTENSIONS, output_format, write_rgb};

/// File name endings that count as pictures when a folder is listed.
pub const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"];

const MAX_SIDE: u32 = 32_768;
const MAX_DECODED_BYTES: u64 = 1 << 30;
/// Longest JPEG; its decoder reads the file into memory whole.
const MAX_JPEG_BYTES: u64 = 1 << 28;

/// A picture file that cannot be used.
#[derive(Debug, Error)]
pub enum PictureError {
    #[error("{path}: cannot be opened ({source}); check the path and its permissions")]
    Open {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: the file is empty; delete it or copy it again")]
    Empty { path: PathBuf },
    #[error("{path}: not a picture in a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)")]
    Format { path: PathBuf },
    #[error(
        "{path}: too large to decode; scale it down to at most {MAX_SIDE} pixels a side and 1 GiB decoded"
    )]
    TooLarge { path: PathBuf },
    #[error(
        "{path}: the file has {bytes} bytes, no picture needs more than {limit}; scale it down"
    )]
    TooLong {
        path: PathBuf,
        bytes: u64,
        limit: u64,
    },
    #[error(
        "{path}: damaged or unsupported ({reason}); open and save it again with a picture program"
    )]
    Decode { path: PathBuf, reason: String },
    #[error("{path}: results are PNG, JPEG, WebP, TIFF or BMP; give the name one of their endings")]
    OutputFormat { path: PathBuf },
    #[error("{path}: cannot be written ({reason}); check free space and permissions")]
    Write { path: PathBuf, reason: String },
}

/// What the beginning of a file tells of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Width of the upright picture in pixels.
    pub width: u32,
    /// Height of the upright picture in pixels.
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

/// Decodes a picture and turns it upright.
pub fn read(path: &Path) -> Result<DynamicImage, PictureError> {
    let reader = open(path)?;
    if reader.format() == Some(ImageFormat::Jpeg) {
        refuse_cut_jpeg(path)?;
    }
    let (decoder, orientation) = decoder(path, reader)?;
    let mut picture =
        DynamicImage::from_decoder(decoder).map_err(|error| decode_error(path, error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Decodes a picture of up to four channels, or a TIFF file of several grey bands as one grey
/// picture for each.
pub fn read_bands(path: &Path) -> Result<Vec<DynamicImage>, PictureError> {
    let Some(multiband) = multiband(path)? else {
        return Ok(vec![read(path)?]);
    };
    check_layout(path, &multiband.layout)?;
    multiband.read().map_err(|reason| PictureError::Decode {
        path: path.to_path_buf(),
        reason,
    })
}

/// Reads only as much as tells size and kind.
pub fn header(path: &Path) -> Result<Header, PictureError> {
    if let Some(Multiband { layout, .. }) = multiband(path)? {
        check_layout(path, &layout)?;
        return Ok(Header {
            width: layout.width,
            height: layout.height,
            channels: usize::from(layout.bands),
            bits: u32::from(layout.bits),
        });
    }
    let (decoder, orientation) = decoder(path, open(path)?)?;
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

/// Samples of a picture, those of a pixel side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits each.
    Bytes(Vec<u8>),
    /// 16 bits each.
    Words(Vec<u16>),
}

/// Writes grey, RGB or RGBA samples to `path`, in the format that its ending says, or others as a
/// TIFF file of grey bands of 16 bit beside it, and gives the path of the file; as [`write_png`],
/// never half of one.
pub fn write_samples(
    path: &Path,
    (width, height): (u32, u32),
    samples: &Samples,
) -> Result<PathBuf, PictureError> {
    let (count, wide) = match samples {
        Samples::Bytes(bytes) => (bytes.len(), false),
        Samples::Words(words) => (words.len(), true),
    };
    let pixels = width as usize * height as usize;
    let color = match (count / pixels.max(1), wide) {
        (1, false) => ExtendedColorType::L8,
        (3, false) => ExtendedColorType::Rgb8,
        (4, false) => ExtendedColorType::Rgba8,
        (1, true) => ExtendedColorType::L16,
        (3, true) => ExtendedColorType::Rgb16,
        (4, true) => ExtendedColorType::Rgba16,
        _ => {
            let path = path.with_extension("tif");
            write_with(&path, |file| {
                multiband::write(file, (width, height), &samples.words())
            })?;
            return Ok(path);
        }
    };
    let format = output_format(path)?;
    if format != ImageFormat::Png {
        output::write_samples_as(path, format, (width, height), samples)?;
        return Ok(path.to_path_buf());
    }
    write_with(path, |file| {
        PngEncoder::new(BufWriter::new(file))
            .write_image(&samples.native_bytes(), width, height, color)
            .map_err(|error| error.to_string())
    })?;
    Ok(path.to_path_buf())
}

impl Samples {
    fn words(&self) -> Cow<'_, [u16]> {
        match self {
            Self::Bytes(bytes) => bytes.iter().map(|&byte| u16::from(byte) * 257).collect(),
            Self::Words(words) => Cow::Borrowed(words),
        }
    }

    fn native_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Words(words) => words.iter().flat_map(|word| word.to_ne_bytes()).collect(),
        }
    }
}

/// Writes a PNG beside its place and renames it, so that nobody sees half a file.
pub fn write_png(path: &Path, picture: &DynamicImage) -> Result<(), PictureError> {
    write_with(path, |file| {
        picture
            .write_to(file, ImageFormat::Png)
            .map_err(|error| error.to_string())
    })
}

fn write_with(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> Result<(), String>,
) -> Result<(), PictureError> {
    let failed = |reason: String| PictureError::Write {
        path: path.to_path_buf(),
        reason,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(|error| failed(error.to_string()))?;
    write(&mut file).map_err(failed)?;
    make_readable(file.as_file()).map_err(|error| failed(error.to_string()))?;
    file.persist(path)
        .map_err(|error| failed(error.error.to_string()))?;
    Ok(())
}

/// As [`write_png`], for RGB pixels.
pub fn write_rgb_png(path: &Path, picture: RgbImage) -> Result<(), PictureError> {
    write_png(path, &DynamicImage::ImageRgb8(picture))
}

/// Temporary files are private; results are ordinary files.
#[cfg(unix)]
pub(crate) fn make_readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub(crate) fn make_readable(_file: &File) -> std::io::Result<()> {
    Ok(())
}

/// A TIFF file of several grey bands, which the picture library refuses.
fn multiband(path: &Path) -> Result<Option<Multiband<BufReader<File>>>, PictureError> {
    if open(path)?.format() != Some(ImageFormat::Tiff) {
        return Ok(None);
    }
    let file = File::open(path).map_err(|source| PictureError::Open {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(Multiband::open(BufReader::new(file), MAX_DECODED_BYTES))
}

fn check_layout(path: &Path, layout: &multiband::Layout) -> Result<(), PictureError> {
    let pixels = u64::from(layout.width) * u64::from(layout.height);
    let bytes = pixels
        .saturating_mul(u64::from(layout.bands))
        .saturating_mul(u64::from(layout.bits / 8));
    let path = || path.to_path_buf();
    if layout.bits != 8 && layout.bits != 16 {
        let reason = format!(
            "bands of {} bit are not read, those of 8 and 16 are",
            layout.bits
        );
        return Err(PictureError::Decode {
            path: path(),
            reason,
        });
    }
    match layout.width.max(layout.height) <= MAX_SIDE && bytes <= MAX_DECODED_BYTES {
        true => Ok(()),
        false => Err(PictureError::TooLarge { path: path() }),
    }
}

/// Refuses sizes that would not be read either.
pub fn check_size(path: &Path, (width, height): (u32, u32)) -> Result<(), PictureError> {
    match width.max(height) <= MAX_SIDE {
        true => Ok(()),
        false => Err(PictureError::TooLarge {
            path: path.to_path_buf(),
        }),
    }
}

fn decoder(
    path: &Path,
    reader: ImageReader<BufReader<File>>,
) -> Result<(impl ImageDecoder, Orientation), PictureError> {
    let mut decoder = reader
        .into_decoder()
        .map_err(|error| decode_error(path, error))?;
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(PictureError::TooLarge {
            path: path.to_path_buf(),
        });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

fn open(path: &Path) -> Result<ImageReader<BufReader<File>>, PictureError> {
    let open_error = |source| PictureError::Open {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(open_error)?;
    let bytes = file.metadata().map_err(open_error)?.len();
    if bytes == 0 {
        return Err(PictureError::Empty {
            path: path.to_path_buf(),
        });
    }
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(open_error)?;
    if reader.format().is_none() {
        return Err(PictureError::Format {
            path: path.to_path_buf(),
        });
    }
    let limit = match reader.format() {
        Some(ImageFormat::Jpeg) => MAX_JPEG_BYTES,
        _ => 2 * MAX_DECODED_BYTES,
    };
    if bytes > limit {
        let path = path.to_path_buf();
        return Err(PictureError::TooLong { path, bytes, limit });
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
fn refuse_cut_jpeg(path: &Path) -> Result<(), PictureError> {
    const MARKER: u8 = 0xff;
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let unreadable = |source| PictureError::Open {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let (mut before, mut has_ended) = (0, false);
    for byte in BufReader::with_capacity(1 << 16, file).bytes() {
        let byte = byte.map_err(unreadable)?;
        has_ended = match (before, byte) {
            (MARKER, START_OF_SCAN) => false,
            (MARKER, END_OF_IMAGE) => true,
            _ => has_ended,
        };
        before = byte;
    }
    match has_ended {
        true => Ok(()),
        false => Err(PictureError::Decode {
            path: path.to_path_buf(),
            reason: "the file ends before the picture does".to_string(),
        }),
    }
}

fn decode_error(path: &Path, error: ImageError) -> PictureError {
    let path = path.to_path_buf();
    match error {
        ImageError::Limits(_) => PictureError::TooLarge { path },
        ImageError::Unsupported(_) if error.to_string().contains("format") => {
            PictureError::Format { path }
        }
        other => PictureError::Decode {
            path,
            reason: other.to_string(),
        },
    }
}
