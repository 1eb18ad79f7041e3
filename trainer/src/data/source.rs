//! Where pairs come from. A source makes one pair of a given size from an index; it knows
//! nothing of batches, tensors or order.

use std::path::PathBuf;

use image::RgbImage;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::config::Direction;
use crate::data::augment::sample_pair;
use crate::data::demo::{self, DemoSplit};
use crate::data::folders::{FolderPairs, FolderProblem};
use crate::data::photos::Photos;
use crate::picture::PictureError;

/// An input and what it should become, both of the same size.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Input of the generator.
    pub real_a: RgbImage,
    /// Target.
    pub real_b: RgbImage,
}

/// How a pair is cut out of its pictures.
pub enum Sampling<'a> {
    /// Random jitter (arXiv 1611.07004, section 6.2): scale to `load_size`, crop `size` at a
    /// random place, mirror with probability one half if `flip`.
    Jitter {
        /// Side before cropping.
        load_size: u32,
        /// Side after cropping.
        size: u32,
        /// Whether to mirror at all.
        flip: bool,
        /// Randomness of this sample.
        rng: &'a mut ChaCha8Rng,
    },
    /// The same picture every time: scale to `size`, crop the middle.
    Fixed {
        /// Side of the result.
        size: u32,
    },
}

/// Data that cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// One picture is at fault; others may do.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A pair's halves differ in size.
    #[error(
        "{a} is {a_width}×{a_height}, its partner {b} is {b_width}×{b_height}; a pair needs equal \
         sizes"
    )]
    PairSize {
        /// First file.
        a: PathBuf,
        /// Its width.
        a_width: u32,
        /// Its height.
        a_height: u32,
        /// Second file.
        b: PathBuf,
        /// Its width.
        b_width: u32,
        /// Its height.
        b_height: u32,
    },
    /// A combined picture is too narrow to hold two.
    #[error(
        "{path}: {width} pixels wide; a combined A|B picture needs an even width of at least 2"
    )]
    NotCombined {
        /// The file.
        path: PathBuf,
        /// Its width.
        width: u32,
    },
    /// The folder as a whole is at fault.
    #[error(transparent)]
    Folder(#[from] FolderProblem),
}

/// A set of pairs.
#[derive(Clone, Debug)]
pub enum PairSource {
    /// Façades that the program draws.
    Demo {
        /// Seed of the whole set.
        seed: u64,
        /// Which part.
        split: DemoSplit,
        /// How many pairs.
        count: usize,
        /// Which picture is the input.
        direction: Direction,
    },
    /// Pictures in folders, combined or side by side.
    Folders(FolderPairs),
    /// Photos whose input is computed.
    Photos(Photos),
}

impl PairSource {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        match self {
            Self::Demo { count, .. } => *count,
            Self::Folders(folders) => folders.len(),
            Self::Photos(photos) => photos.len(),
        }
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the header of every file and leaves out the pairs whose files cannot be used, so
    /// that they are known in the first seconds.
    pub fn drop_unreadable(&mut self) -> Vec<DataError> {
        match self {
            Self::Demo { .. } => Vec::new(),
            Self::Folders(folders) => folders.drop_unreadable(),
            Self::Photos(photos) => photos.drop_unreadable(),
        }
    }

    /// Makes pair number `index`.
    ///
    /// # Errors
    /// [`DataError`] of the picture files behind it.
    pub fn pair(&self, index: usize, sampling: Sampling<'_>) -> Result<Pair, DataError> {
        match self {
            Self::Demo {
                seed,
                split,
                direction,
                ..
            } => {
                let side = sampling.load_size();
                let facade = demo::facade(*seed, *split, index as u64, side);
                Ok(direction.orient(sample_pair(&facade.label, &facade.photo, sampling)))
            }
            Self::Folders(folders) => folders.pair(index, sampling),
            Self::Photos(photos) => photos.pair(index, sampling),
        }
    }

    /// A name for pair `index` that people recognise.
    pub fn name(&self, index: usize) -> String {
        match self {
            Self::Demo { .. } => format!("facade-{index:04}"),
            Self::Folders(folders) => folders.name(index),
            Self::Photos(photos) => photos.name(index),
        }
    }
}
