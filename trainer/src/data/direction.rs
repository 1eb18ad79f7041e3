//! Which image of a pair is the input.

use std::fmt;

use clap::ValueEnum;
use model::training::{A_TO_B, B_TO_A};
use serde::{Deserialize, Serialize};

/// Which image of a pair is the input.
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
    /// Where the networks of this direction lie in those of a model in training.
    pub fn index(self) -> usize {
        match self {
            Self::AtoB => A_TO_B,
            Self::BtoA => B_TO_A,
        }
    }

    /// The way back.
    pub fn reversed(self) -> Self {
        match self {
            Self::AtoB => Self::BtoA,
            Self::BtoA => Self::AtoB,
        }
    }

    /// Swaps the halves of a pair if B is the input; twice gives what it was.
    pub fn orient<T>(self, (a, b): (T, T)) -> (T, T) {
        match self {
            Self::AtoB => (a, b),
            Self::BtoA => (b, a),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtoB => "AtoB",
            Self::BtoA => "BtoA",
        })
    }
}
