//! Forward passes on a CPU.

mod buffers;
mod convolution;
mod features;
mod generator;
mod kernel;
mod layer;
mod network;
mod parallel;
mod strips;
mod sums;

pub use self::generator::CpuGenerator;
pub use self::strips::{Exchange, Strips};
