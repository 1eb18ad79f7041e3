//! From decoded images to what a network sees.

pub mod augment;
pub mod bands;
pub mod batch;
pub mod blur;
pub mod degrade;
pub mod frame;
pub mod raster;
pub mod restore;
