//! Networks of pix2pix, the model folder's format, and the way from pixels to pixels.
//!
//! Compiles for every target and holds no backend: a [`burn::tensor::Device`] picks one at run
//! time. Nothing here reads files, decodes pictures or parses command lines.

pub mod blocks;
pub mod discriminator;
pub mod encoding;
pub mod generator;
pub mod init;
pub mod lab;
pub mod manifest;
pub mod patchgan;
pub mod pixels;
pub mod raster;
pub mod state;
pub mod translator;
pub mod unet;
pub mod weights;

pub use blocks::{Mode, NormKind, NormStats};
pub use discriminator::{Discriminator, DiscriminatorConfig};
pub use encoding::Encoding;
pub use generator::{Generator, GeneratorArch, GeneratorConfig};
pub use init::init_normal;
pub use manifest::{Manifest, ManifestError};
pub use pixels::SizeRule;
pub use raster::Raster;
pub use translator::{LoadError, TranslateError, Translator};
pub use weights::{WeightsDtype, WeightsError};
