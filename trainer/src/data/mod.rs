//! Pairs of pictures to train on: where they come from and how they become a batch.

pub mod augment;
pub mod bands;
pub mod batch;
pub mod blur;
pub mod degrade;
pub mod demo;
pub mod depths;
mod digest;
pub mod drawn;
pub mod fetch;
pub mod folders;
pub mod inspect;
pub mod loader;
pub mod photos;
pub mod raster;
pub mod source;
pub mod speed;
pub mod split;
pub mod unpaired;

pub use augment::Frame;
pub use batch::batch_of;
pub use raster::{Mask, Side, Sides};
pub use source::{DataError, Pair, PairSource, Sampling};
