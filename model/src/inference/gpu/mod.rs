//! Forward passes on a graphics device.

mod buffer;
mod device;
mod generator;
mod kept;
mod kernel;
mod layer;
mod layer_work;
mod pass;
mod pixels;
mod planner;
mod program;
mod shaders;
mod tuning;

pub use self::device::{Gpu, GpuError};
pub use self::generator::GpuGenerator;
pub use self::kernel::{Kernel, UnknownKernel};
pub use self::shaders::shader_sources;
pub use self::tuning::Tuning;
