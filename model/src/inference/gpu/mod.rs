//! Forward passes on a graphics device.

mod buffer;
mod device;
mod generator;
mod kept;
mod layer;
mod layer_work;
mod pass;
mod pixels;
mod program;

pub use self::device::{Gpu, GpuError};
pub use self::generator::GpuGenerator;
