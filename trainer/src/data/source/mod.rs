//! Where pairs come from. A source makes one pair of a given size from an index; it knows
//! nothing of batches, tensors or order.

pub mod drawn;
pub mod files;
pub mod folders;
pub mod listing;
pub mod photos;
pub mod split;
pub mod unpaired;

use model::Encoding;

use crate::data::error::DataError;
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::PairFormat;
use drawn::DrawnPairs;
use files::FileGroup;
use folders::FolderPairs;
use photos::Photos;
use unpaired::UnpairedFolders;

/// A set of pairs.
#[derive(Clone, Debug)]
pub enum PairSource {
    /// Façades that the program draws.
    Demo(DrawnPairs),
    /// Images in folders, combined or side by side.
    Folders(FolderPairs),
    /// Photos whose input is computed.
    Photos(Photos),
    /// Two folders whose images have nothing to do with each other.
    Unpaired(UnpairedFolders),
}

impl PairSource {
    pub fn len(&self) -> usize {
        match self {
            Self::Demo(drawn) => drawn.count,
            Self::Folders(folders) => folders.len(),
            Self::Photos(photos) => photos.len(),
            Self::Unpaired(folders) => folders.len(),
        }
    }

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

    /// All images of a set, as one source. The drawn set has no end.
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

    /// Kinds of inputs that are judged on their own beside the set, by their names.
    pub fn parts(&self) -> Vec<(&'static str, Self)> {
        match self {
            Self::Photos(photos) => {
                let parts = photos.parts().into_iter();
                let parts = parts.map(|(name, photos)| (name, Self::Photos(photos)));
                parts.collect()
            }
            _ => Vec::new(),
        }
    }

    pub fn format(&self) -> PairFormat {
        match self {
            Self::Demo(drawn) => drawn.format,
            Self::Folders(folders) => folders.format(),
            Self::Photos(photos) => photos.format(),
            Self::Unpaired(folders) => folders.format(),
        }
    }

    /// What input and target mean.
    pub fn encodings(&self) -> (Encoding, Encoding) {
        let format = self.format();
        (format.input.encoding, format.target.encoding)
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

    /// A name for the target of pair `index`, where it is another image than the input.
    pub fn target_name(&self, index: usize) -> String {
        match self {
            Self::Unpaired(folders) => folders.target_name(index),
            _ => self.name(index),
        }
    }
}
