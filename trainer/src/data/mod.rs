//! Pairs of images to train on: where they come from and how they become a batch.

pub mod demo;
mod digest;
pub mod direction;
pub mod error;
pub mod fetch;
pub mod inspect;
pub mod loader;
pub mod pair;
pub mod sample;
pub mod source;

pub use direction::Direction;
pub use error::DataError;
pub use pair::{Pair, Sampling};
pub use sample::batch::batch_of;
pub use sample::frame::Frame;
pub use sample::raster::{Mask, PairFormat, SampleFormat};
pub use source::PairSource;
