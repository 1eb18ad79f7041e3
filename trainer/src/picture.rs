//! Reading and writing picture files: the one place that decodes, with limits, with EXIF
//! orientation applied, and with errors that name the file and the remedy.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};
use thiserror::Error;

/// File name endings that count as pictures when a folder is listed.
pub const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"];

const MAX_SIDE: u32 = 32_768;
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// A picture file that cannot be used.
#[derive(Debug, Error)]
pub enum PictureError {
    /// Missing or not readable.
    #[error("{path}: cannot be opened ({source}); check the path and its permissions")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No bytes at all.
    #[error("{path}: the file is empty; delete it or copy it again")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Not a picture in a known format.
    #[error("{path}: not a picture in a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)")]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// Too many pixels to decode safely.
    #[error(
        "{path}: too large to decode; scale it down to at most {MAX_SIDE} pixels a side and 1 GiB decoded"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Damaged or of a kind that the decoder does not know.
    #[error(
        "{path}: damaged or unsupported ({reason}); open and save it again with a picture program"
    )]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// The result cannot be written.
    #[error("{path}: cannot be written ({reason}); check free space and permissions")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system or the encoder says.
        reason: String,
    },
}

/// Decodes a picture and turns it upright.
///
/// # Errors
/// See [`PictureError`].
pub fn read(path: &Path) -> Result<DynamicImage, PictureError> {
    let reader = open(path)?;
    if reader.format() == Some(ImageFormat::Jpeg) {
        refuse_cut_jpeg(path)?;
    }
    let mut decoder = reader
        .into_decoder()
        .map_err(|error| decode_error(path, error))?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture =
        DynamicImage::from_decoder(decoder).map_err(|error| decode_error(path, error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Reads only as much as tells width and height.
///
/// # Errors
/// As [`read`], for what the header alone can show.
pub fn dimensions(path: &Path) -> Result<(u32, u32), PictureError> {
    open(path)?
        .into_dimensions()
        .map_err(|error| decode_error(path, error))
}

/// Writes a PNG beside its place and renames it, so that nobody sees half a file.
///
/// # Errors
/// [`PictureError::Write`].
pub fn write_png(path: &Path, picture: &DynamicImage) -> Result<(), PictureError> {
    let failed = |reason: String| PictureError::Write {
        path: path.to_path_buf(),
        reason,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(error.to_string()))?;
    picture
        .write_to(&mut file, ImageFormat::Png)
        .map_err(|error| failed(error.to_string()))?;
    make_readable(file.as_file()).map_err(|error| failed(error.to_string()))?;
    file.persist(path)
        .map_err(|error| failed(error.error.to_string()))?;
    Ok(())
}

/// As [`write_png`], for RGB pixels.
///
/// # Errors
/// [`PictureError::Write`].
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

fn open(path: &Path) -> Result<ImageReader<BufReader<File>>, PictureError> {
    let open_error = |source| PictureError::Open {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(open_error)?;
    if file.metadata().map_err(open_error)?.len() == 0 {
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
    const START_OF_SCAN: [u8; 2] = [0xff, 0xda];
    const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
    let bytes = std::fs::read(path).map_err(|source| PictureError::Open {
        path: path.to_path_buf(),
        source,
    })?;
    let last = |marker| bytes.windows(2).rposition(|window| window == marker);
    match last(START_OF_SCAN) < last(END_OF_IMAGE) {
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
