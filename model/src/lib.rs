//! Networks of pix2pix and CycleGAN, the model folder's format, and the way from pixels to pixels.
//!
//! Compiles for every target and, but for the feature `training`, holds no backend: a
//! [`burn::tensor::Device`] picks one at run time. Nothing here reads files, decodes images or parses command lines.
//!
//! This is what it does, in your browser (`cargo xtask build-web && cargo doc --no-deps && cp -r www/dist target/doc/pix2pix`):
//!
//! <script type="module" src="../pix2pix/pix2pix-widget.js"></script>
//! <pix2pix-widget src="../pix2pix/models/daisies/manifest.json" mode="draw" loading="lazy"></pix2pix-widget>

// Nobody else builds on this library: a name that says it all needs no more words.
#![allow(missing_docs)]

mod image;
mod inference;
mod model_folder;
mod network;
#[cfg(feature = "training")]
pub mod training;
pub mod translator;
mod vector;

pub use image::{encoding, lab, pixels, raster, tiling};
pub use model_folder::{manifest, state, stored_weights, weights, weights_source};
pub use network::activation::LEAKY_SLOPE;
pub use network::{
    config, conv, discriminator, dropout, generator, geometry, init, mode, norm, patchgan,
    pixelgan, plan, precision, receptive_field, resnet, unet,
};

pub use config::{
    Decoder, DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, NormKind,
    NormStats, Patches, Upsample,
};
pub use discriminator::Discriminator;
pub use dropout::Dropout;
pub use encoding::Encoding;
pub use generator::Generator;
pub use inference::cpu::{CpuGenerator, Exchange, Strips};
#[cfg(feature = "gpu")]
pub use inference::gpu::{
    Gpu, GpuError, GpuGenerator, Kernel, Tuning, UnknownKernel, shader_sources,
};
pub use inference::tensors::{InferenceNorm, LayerTensors, Tensors};
pub use init::{InitType, init_weights};
pub use manifest::{Manifest, ManifestError, WeightsDtype};
pub use mode::Mode;
pub use model_folder::weights_error::WeightsError;
pub use pixels::SizeRule;
pub use plan::Plan;
pub use precision::Precision;
pub use raster::Raster;
pub use stored_weights::StoredWeights;
pub use tiling::{Mosaic, TilePlan, TilingError};
pub use translator::image_strips::ImageStrips;
pub use translator::{
    Engine, LoadError, LoadedGenerator, TileOptions, TranslateError, Translator, WHOLE_PIXELS,
};
pub use vector::Instructions;
pub use weights_source::WeightsSource;
