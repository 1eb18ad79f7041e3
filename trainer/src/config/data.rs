//! Which data a run trains on, as words of the command line and fields of `config.json`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::data::Pair;

/// Which picture of a pair is the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Direction {
    /// A becomes B.
    #[default]
    #[value(name = "AtoB")]
    AtoB,
    /// B becomes A.
    #[value(name = "BtoA")]
    BtoA,
}

impl Direction {
    /// Swaps the halves of a pair if B is the input.
    pub fn orient(self, pair: Pair) -> Pair {
        match self {
            Self::AtoB => pair,
            Self::BtoA => Pair {
                real_a: pair.real_b,
                real_b: pair.real_a,
            },
        }
    }
}

/// What is undone to single photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoTask {
    /// Out of focus to sharp.
    Deblur,
    /// Grey to colour.
    Colorize,
    /// Lines to photo.
    Edges,
}

impl PhotoTask {
    /// The name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deblur => "deblur",
            Self::Colorize => "colorize",
            Self::Edges => "edges",
        }
    }
}

/// Where pairs come from. Without any of these: façades that the program draws.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct DataArgs {
    /// Folder of combined pictures, A on the left, B on the right
    #[arg(long, value_name = "DIR", conflicts_with_all = ["a", "b", "photos"])]
    pub data: Option<PathBuf>,
    /// Folder of pictures A; their partners in --b have the same names
    #[arg(long, value_name = "DIR", requires = "b", conflicts_with = "photos")]
    pub a: Option<PathBuf>,
    /// Folder of pictures B
    #[arg(long, value_name = "DIR", requires = "a")]
    pub b: Option<PathBuf>,
    /// Folder of photos; --task says what is computed from them
    #[arg(long, value_name = "DIR", requires = "task")]
    pub photos: Option<PathBuf>,
    /// What to learn to undo to the photos
    #[arg(long, requires = "photos")]
    pub task: Option<PhotoTask>,
    /// Leave out pictures of --a and --b that have no partner
    #[arg(long, requires = "a")]
    pub skip_unmatched: bool,
    /// Which picture of a pair is the input
    #[arg(long, default_value = "AtoB")]
    pub direction: Direction,
}

impl DataArgs {
    /// Whether no folder is named, so that façades are drawn.
    pub fn is_demo(&self) -> bool {
        self.data.is_none() && self.a.is_none() && self.photos.is_none()
    }

    /// Channels of `real_A`.
    pub fn in_channels(&self) -> usize {
        3
    }

    /// Channels of `real_B`.
    pub fn out_channels(&self) -> usize {
        3
    }
}
