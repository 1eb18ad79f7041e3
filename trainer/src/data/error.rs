//! What can be wrong with a data set, each with its remedy.

use std::path::PathBuf;

use model::pixels::MAX_PIXELS;
use thiserror::Error;

use crate::data::sample::raster::FitError;
use crate::image_file::ImageFileError;

/// Data that cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    #[error(transparent)]
    Image(#[from] ImageFileError),
    #[error(
        "{a} is {a_width}×{a_height}, its partner {b} is {b_width}×{b_height}; a pair needs equal \
         sizes: scale one of them, or remove both"
    )]
    PairSize {
        a: PathBuf,
        a_width: u32,
        a_height: u32,
        b: PathBuf,
        b_width: u32,
        b_height: u32,
    },
    #[error("{path}: {width} pixels wide; a combined A|B image needs an even width of at least 2")]
    NotCombined { path: PathBuf, width: u32 },
    #[error(
        "{path}: {width}×{height} is smaller than a crop of {size}; lower --size, or scale images \
         up with --preprocess resize_and_crop"
    )]
    TooSmall {
        path: PathBuf,
        width: u32,
        height: u32,
        size: u32,
    },
    #[error(
        "{path}: would become {width}×{height} pixels, more than {MAX_PIXELS}; scale it down, or \
         crop with another --preprocess"
    )]
    TooLarge {
        path: PathBuf,
        width: u32,
        height: u32,
    },
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error("{0}")]
    Flags(String),
    #[error(transparent)]
    Folder(#[from] FolderProblem),
}

impl DataError {
    /// Whether one file is damaged or of an unusual size and the others may do, rather than the
    /// set being put together wrongly.
    pub(crate) fn spares_the_others(&self) -> bool {
        match self {
            Self::Image(_)
            | Self::NotCombined { .. }
            | Self::TooSmall { .. }
            | Self::TooLarge { .. } => true,
            Self::PairSize { .. } | Self::Fit(_) | Self::Flags(_) | Self::Folder(_) => false,
        }
    }
}

/// A folder that cannot be used as it is.
#[derive(Debug, Error)]
pub enum FolderProblem {
    #[error("{flag} {path}: no such folder; check the path")]
    Missing { flag: String, path: PathBuf },
    #[error("{flag} {path}: no images (PNG, JPEG, WebP, BMP, GIF, TIFF) in this folder")]
    NoImages { flag: String, path: PathBuf },
    #[error("{flag} {path}: cannot be read ({reason}); check its permissions")]
    Unreadable {
        flag: String,
        path: PathBuf,
        reason: String,
    },
    #[error(
        "--data {path} is an unpaired set (trainA, trainB), which --model cyclegan takes; if the \
         images match by name, pass --a {path}/trainA --b {path}/trainB"
    )]
    Unpaired { path: PathBuf },
    #[error(
        "--data {path}: an unpaired set has folders trainA and trainB inside; name two folders \
         with --a and --b otherwise"
    )]
    NotUnpaired { path: PathBuf },
    #[error(
        "images of {a} and {b} without a partner of the same name: {count} ({names}); {remedy}"
    )]
    Unmatched {
        a: PathBuf,
        b: PathBuf,
        count: usize,
        names: String,
        remedy: &'static str,
    },
}
