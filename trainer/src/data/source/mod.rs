//! Where pairs come from. A source makes one pair of a given size from an index; it knows
//! nothing of batches, tensors or order.

pub mod drawn;
pub mod folders;
pub mod photos;
pub mod split;
pub mod unpaired;

use std::path::{Path, PathBuf};

use model::pixels::MAX_PIXELS;
use model::{Encoding, Raster};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::data::inspect::FileGroup;
use crate::data::inspect::depths::DepthError;
use crate::data::sample::augment::Frame;
use crate::data::sample::bands::Bands;
use crate::data::sample::raster::{FitError, Mask, Side, Sides};
use crate::data::source::drawn::DrawnPairs;
use crate::data::source::folders::{FolderPairs, FolderProblem};
use crate::data::source::photos::Photos;
use crate::data::source::unpaired::UnpairedFolders;
use crate::image_file::{Header, PictureError};

/// An input and what it should become, both of the same size; of unpaired sets, two pictures
/// that have nothing to do with each other, and may differ in size.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Input of the generator.
    pub real_a: Raster,
    /// Target.
    pub real_b: Raster,
    /// Which pixels of the target count; `None` when all do.
    pub mask: Option<Mask>,
}

impl Pair {
    /// What networks see of two pictures.
    pub fn encode(input: &Bands, target: &Bands, sides: Sides) -> Self {
        Self {
            real_a: sides.input.raster(input),
            real_b: sides.target.raster(target),
            mask: sides.target.mask(target),
        }
    }
}

/// How a pair is cut out of its pictures.
pub enum Sampling<'a> {
    /// Random jitter (arXiv 1611.07004, section 6.2): scale, crop at a random place, mirror with
    /// probability one half if `flip`.
    Jitter {
        /// Scale and crop.
        frame: Frame,
        /// Whether to mirror at all.
        flip: bool,
        /// Randomness of this sample.
        rng: &'a mut ChaCha8Rng,
    },
    /// The same picture every time: scale, crop the middle.
    Fixed {
        /// Scale and crop.
        frame: Frame,
    },
}

impl Sampling<'_> {
    /// Scale and crop.
    pub fn frame(&self) -> Frame {
        match self {
            Self::Jitter { frame, .. } | Self::Fixed { frame } => *frame,
        }
    }
}

/// Data that cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    #[error(transparent)]
    Picture(#[from] PictureError),
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
    #[error(
        "{path}: {width} pixels wide; a combined A|B picture needs an even width of at least 2"
    )]
    NotCombined { path: PathBuf, width: u32 },
    #[error(
        "{path}: {width}×{height} is smaller than a crop of {size}; lower --size, or scale pictures \
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
    #[error(transparent)]
    Depth(#[from] DepthError),
    #[error("{0}")]
    Flags(String),
    #[error(transparent)]
    Folder(#[from] FolderProblem),
}

impl DataError {
    /// Whether one file is damaged or of an unusual size and the others may do, rather than the
    /// set being put together wrongly.
    fn spares_the_others(&self) -> bool {
        match self {
            Self::Picture(_)
            | Self::NotCombined { .. }
            | Self::TooSmall { .. }
            | Self::TooLarge { .. } => true,
            Self::PairSize { .. }
            | Self::Fit(_)
            | Self::Depth(_)
            | Self::Flags(_)
            | Self::Folder(_) => false,
        }
    }
}

/// Removes the items that `check` finds unusable and gives the reasons.
pub(crate) fn keep_usable<T>(
    items: &mut Vec<T>,
    check: impl Fn(&T) -> Result<(), DataError>,
) -> Result<Vec<DataError>, DataError> {
    let (mut problems, mut mistake) = (Vec::new(), None);
    items.retain(|item| match check(item) {
        Ok(()) => true,
        Err(error) if error.spares_the_others() => {
            problems.push(error);
            false
        }
        Err(error) => {
            mistake.get_or_insert(error);
            false
        }
    });
    mistake.map_or(Ok(problems), Err)
}

/// Refuses pictures that are smaller than the crop, or would become too large a sample.
pub(crate) fn check_frame(
    path: &Path,
    (width, height): (u32, u32),
    frame: Frame,
    scaled: (u32, u32),
) -> Result<(), DataError> {
    let path = || path.to_path_buf();
    if frame.preprocess.crops() && scaled.0.min(scaled.1) < frame.size {
        return Err(DataError::TooSmall {
            path: path(),
            width,
            height,
            size: frame.size,
        });
    }
    let (width, height) = scaled;
    match u64::from(width) * u64::from(height) <= MAX_PIXELS as u64 {
        true => Ok(()),
        false => Err(DataError::TooLarge {
            path: path(),
            width,
            height,
        }),
    }
}

/// Checks a file against the side that it is on and the frame, by its header.
pub(crate) fn check_file(
    path: &Path,
    header: Header,
    side: Side,
    frame: Frame,
) -> Result<(), DataError> {
    side.accept(path, header)?;
    let size = (header.width, header.height);
    check_frame(path, size, frame, frame.scaled(size))
}

/// A set of pairs.
#[derive(Clone, Debug)]
pub enum PairSource {
    /// Façades that the program draws.
    Demo(DrawnPairs),
    /// Pictures in folders, combined or side by side.
    Folders(FolderPairs),
    /// Photos whose input is computed.
    Photos(Photos),
    /// Two folders whose pictures have nothing to do with each other.
    Unpaired(UnpairedFolders),
}

impl PairSource {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        match self {
            Self::Demo(drawn) => drawn.count,
            Self::Folders(folders) => folders.len(),
            Self::Photos(photos) => photos.len(),
            Self::Unpaired(folders) => folders.len(),
        }
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many different inputs and targets there are.
    pub fn side_counts(&self) -> (usize, usize) {
        match self {
            Self::Unpaired(folders) => folders.side_counts(),
            _ => (self.len(), self.len()),
        }
    }

    /// All pictures of a set, as one source. The drawn set has no end.
    pub fn joined(train: Self, validation: Self) -> Option<Self> {
        match (train, validation) {
            (Self::Folders(mut all), Self::Folders(more)) => {
                all.extend(more);
                Some(Self::Folders(all))
            }
            (Self::Photos(mut all), Self::Photos(more)) => {
                all.extend(more);
                Some(Self::Photos(all))
            }
            (Self::Unpaired(mut all), Self::Unpaired(more)) => {
                all.extend(more);
                Some(Self::Unpaired(all))
            }
            _ => None,
        }
    }

    /// What input and target are made of.
    pub fn sides(&self) -> Sides {
        match self {
            Self::Demo(drawn) => drawn.sides,
            Self::Folders(folders) => folders.sides(),
            Self::Photos(photos) => photos.sides(),
            Self::Unpaired(folders) => folders.sides(),
        }
    }

    /// What input and target mean.
    pub fn encodings(&self) -> (Encoding, Encoding) {
        let sides = self.sides();
        (sides.input.encoding, sides.target.encoding)
    }

    /// Reads the header of every file and leaves out the pairs whose files cannot be used, so
    /// that they are known in the first seconds.
    pub fn drop_unusable(&mut self, frame: Frame) -> Result<Vec<DataError>, DataError> {
        match self {
            Self::Demo(_) => Ok(Vec::new()),
            Self::Folders(folders) => folders.drop_unusable(frame),
            Self::Photos(photos) => photos.drop_unusable(frame),
            Self::Unpaired(folders) => folders.drop_unusable(frame),
        }
    }

    /// Makes pair number `index`.
    pub fn pair(&self, index: usize, sampling: Sampling<'_>) -> Result<Pair, DataError> {
        match self {
            Self::Demo(drawn) => Ok(drawn.pair(index, sampling)),
            Self::Folders(folders) => folders.pair(index, sampling),
            Self::Photos(photos) => photos.pair(index, sampling),
            Self::Unpaired(folders) => folders.pair(index, sampling),
        }
    }

    /// The files behind the pairs.
    pub(crate) fn file_groups(&self) -> Vec<FileGroup<'_>> {
        match self {
            Self::Demo(_) => Vec::new(),
            Self::Folders(folders) => folders.file_groups(),
            Self::Photos(photos) => vec![photos.file_group()],
            Self::Unpaired(folders) => folders.file_groups(),
        }
    }

    /// A name for pair `index` that people recognise.
    pub fn name(&self, index: usize) -> String {
        match self {
            Self::Demo(drawn) => drawn.name(index),
            Self::Folders(folders) => folders.name(index),
            Self::Photos(photos) => photos.name(index),
            Self::Unpaired(folders) => folders.name(index),
        }
    }

    /// A name for the target of pair `index`, where it is another picture than the input.
    pub fn target_name(&self, index: usize) -> String {
        match self {
            Self::Unpaired(folders) => folders.target_name(index),
            _ => self.name(index),
        }
    }
}
