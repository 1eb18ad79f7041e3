//! Pairs of pictures to train on: where they come from and how they become a batch.

pub mod demo;
mod digest;
pub mod fetch;
pub mod inspect;
pub mod loader;
pub mod sample;
pub mod source;

pub use crate::data::sample::augment::Frame;
pub use crate::data::sample::batch::batch_of;
pub use crate::data::sample::raster::{Mask, Side, Sides};
pub use source::{DataError, Pair, PairSource, Sampling};
