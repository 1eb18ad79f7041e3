//! Forward passes on a graphics device.

mod device;
mod generator;
mod layer;
mod program;

pub use self::device::{Gpu, GpuError};
pub use self::generator::GpuGenerator;
