//! What is said of a data set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::data::error::DataError;
use crate::system::console::counted;

/// A data set, described.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspection {
    /// What trains, then what validates.
    pub parts: Vec<Part>,
    /// Files that have no partner of the same name.
    pub unmatched: Vec<PathBuf>,
    /// Files of the same bytes; empty where only headers were read.
    pub duplicates: Vec<Duplicate>,
    /// Files that a training would leave out, and why.
    pub left_out: Vec<String>,
    /// Training pairs that one thread makes in a second; absent where only headers were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs_per_second: Option<f64>,
    /// Why a training would refuse the set.
    pub refused: Vec<String>,
    /// What is unusual, and what could be done.
    pub remarks: Vec<String>,
}

/// What trains, or what validates.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// `train` or `validation`.
    pub name: &'static str,
    /// Pairs that can be made.
    pub pairs: usize,
    /// Its files.
    pub groups: Vec<Group>,
}

/// Files of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// `input`, `target`, `combined` or `photos`; without pairs `A` or `B`.
    pub name: &'static str,
    pub files: usize,
    pub bytes: u64,
    /// How many files have a size, the commonest first.
    pub sizes: Vec<SizeCount>,
    /// How many files have such samples: `3 × 8 bit`.
    pub samples: BTreeMap<String, usize>,
    /// Mean and deviation of what the network sees of the files, before scaling.
    pub statistics: Vec<SideStatistics>,
}

/// How many files have a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    pub width: u32,
    pub height: u32,
    pub files: usize,
}

/// Channels of one side of the pairs.
#[derive(Clone, Debug, Serialize)]
pub struct SideStatistics {
    /// `input` or `target`; without pairs `A` or `B`.
    pub side: &'static str,
    /// 1, or the largest depth in the files' unit.
    pub white: f64,
    /// Share of the pixels that were measured, of depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// In the order of the file.
    pub channels: Vec<ChannelStatistics>,
}

/// One channel over all pixels of all files, 0 to [`SideStatistics::white`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ChannelStatistics {
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
}

/// Files of the same bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Duplicate {
    /// SHA-256 of the bytes.
    pub sha256: String,
    pub files: Vec<PathBuf>,
    /// Whether some train and some validate, so that validation flatters.
    pub across: bool,
}

impl Inspection {
    pub(super) fn add_left_out(&mut self, problems: &[DataError]) {
        for problem in problems.iter().map(ToString::to_string) {
            if !self.left_out.contains(&problem) {
                self.left_out.push(problem);
            }
        }
    }

    pub(super) fn remark_on_duplicates(&mut self) {
        let across = self.duplicates.iter().filter(|duplicate| duplicate.across);
        let across = across.count();
        if across > 0 {
            self.remarks.push(format!(
                "training and validation share {}, so that validation flatters; remove what they \
                 share from one part",
                counted(across, "image")
            ));
        }
    }
}
