//! Generators made ready to translate, and nothing else: on a CPU, or on a graphics device.

pub mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
mod packing;
mod schedule;
mod tensors;
