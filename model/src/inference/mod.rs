//! Generators made ready to translate, and nothing else: on a CPU, or on a graphics device.

mod buffers;
mod convolution;
mod features;
mod generator;
#[cfg(feature = "gpu")]
mod gpu;
mod kernel;
mod layer;
mod network;
mod packing;
mod parallel;
mod schedule;
mod strips;
mod sums;
mod tensors;

pub use self::generator::CpuGenerator;
#[cfg(feature = "gpu")]
pub use self::gpu::{Gpu, GpuError, GpuGenerator};
pub use self::strips::{Exchange, Strips};
