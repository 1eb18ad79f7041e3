//! Forward passes on a CPU.

mod accumulators;
mod buffers;
mod convolution;
mod features;
mod generator;
mod kernel;
mod layer;
mod network;
mod normalisation;
mod strips;

pub use self::generator::CpuGenerator;
pub use self::strips::{Exchange, Strips};
