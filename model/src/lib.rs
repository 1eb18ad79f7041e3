//! Networks of pix2pix and CycleGAN, the model folder's format, and the way from pixels to pixels.
//!
//! Compiles for every target and, but for the feature `training`, holds no backend: a
//! [`burn::tensor::Device`] picks one at run time. Nothing here reads files, decodes pictures or parses command lines.

mod activation;
pub mod arrays;
pub mod config;
pub mod conv;
pub mod discriminator;
pub mod dropout;
pub mod encoding;
pub mod generator;
pub mod geometry;
pub mod inference;
pub mod init;
pub mod lab;
pub mod manifest;
pub mod mode;
mod multiply_adds;
pub mod norm;
pub mod patchgan;
mod picture_strips;
pub mod pixelgan;
pub mod pixels;
pub mod plan;
pub mod precision;
pub mod raster;
pub mod receptive_field;
pub mod resnet;
mod running_statistic;
pub mod state;
pub mod stored_weights;
pub mod tiling;
#[cfg(feature = "training")]
pub mod training;
pub mod translator;
pub mod unet;
pub mod weights;
pub mod weights_error;
pub mod weights_source;

pub use config::{
    Decoder, DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, NormKind,
    NormStats, Patches, Upsample,
};
pub use discriminator::Discriminator;
pub use dropout::Dropout;
pub use encoding::Encoding;
pub use generator::Generator;
pub use inference::{CpuGenerator, Exchange, Strips};
#[cfg(feature = "gpu")]
pub use inference::{Gpu, GpuError, GpuGenerator};
pub use init::{InitType, init_weights};
pub use manifest::{Manifest, ManifestError, WeightsDtype};
pub use mode::Mode;
pub use picture_strips::PictureStrips;
pub use pixels::SizeRule;
pub use plan::Plan;
pub use precision::Precision;
pub use raster::Raster;
pub use stored_weights::StoredWeights;
pub use tiling::{Mosaic, TilePlan, TilingError};
pub use translator::{Engine, LoadError, TileOptions, TranslateError, Translator, WHOLE_PIXELS};
pub use weights_error::WeightsError;
pub use weights_source::WeightsSource;
