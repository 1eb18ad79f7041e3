//! The networks: what they are configured with, their layers as a plan, and burn's modules.

pub(crate) mod activation;
pub mod config;
pub mod conv;
#[cfg(feature = "training")]
pub(crate) mod cpu;
pub mod discriminator;
pub mod dropout;
pub mod generator;
pub mod geometry;
pub mod init;
mod macs;
pub mod mode;
pub mod norm;
pub(crate) mod parameter;
pub mod patchgan;
pub mod pixelgan;
pub mod plan;
pub mod precision;
pub mod receptive_field;
pub mod resnet;
mod running_statistic;
#[cfg(feature = "training")]
mod subpixel;
pub mod unet;
