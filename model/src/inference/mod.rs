//! Generators made ready to translate, and nothing else: on a CPU, or on a graphics device.

pub mod cpu;
mod dataflow;
#[cfg(feature = "gpu")]
pub mod gpu;
mod packing;
pub mod tensors;
