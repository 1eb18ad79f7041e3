//! Pixels: their way into what networks see and back, and tiles of large images.

pub mod encoding;
pub mod lab;
pub mod pixels;
pub mod raster;
pub mod tiling;
