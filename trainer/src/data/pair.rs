//! A pair, and how it is cut out of its images.

use model::Raster;
use rand_chacha::ChaCha8Rng;

use crate::data::sample::bands::Bands;
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::{Mask, PairFormat};

/// An input and what it should become, both of the same size; of unpaired sets, two images
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
    /// What networks see of two images.
    pub fn encode(input: &Bands, target: &Bands, format: PairFormat) -> Self {
        Self {
            real_a: format.input.raster(input),
            real_b: format.target.raster(target),
            mask: format.target.mask(target),
        }
    }
}

/// How a pair is cut out of its images.
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
    /// The same image every time: scale, crop the middle.
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
