//! Pairs of pictures to train on: where they come from and how they become a batch.

pub mod augment;
pub mod batch;
pub mod blur;
pub mod demo;
pub mod fetch;
pub mod folders;
pub mod loader;
pub mod photos;
pub mod source;
pub mod split;

pub use batch::PairedBatch;
pub use source::{DataError, Pair, PairSource, Sampling};
