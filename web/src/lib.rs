//! The browser's door to the model: bytes in, bytes out.
//!
//! No DOM and no network here: the page fetches, decodes and draws; this
//! module parses a manifest, holds one model on one device and translates.

mod error;

pub use error::{ErrorCode, WebError};

#[cfg(target_arch = "wasm32")]
mod backend;
#[cfg(all(target_arch = "wasm32", feature = "webgpu"))]
mod gpu;
#[cfg(target_arch = "wasm32")]
mod session;
#[cfg(target_arch = "wasm32")]
mod startup;
#[cfg(all(target_arch = "wasm32", any(feature = "cpu", feature = "webgpu")))]
mod strips;
#[cfg(target_arch = "wasm32")]
mod tiles;
#[cfg(all(target_arch = "wasm32", feature = "training"))]
mod training;
#[cfg(target_arch = "wasm32")]
mod weights;

#[cfg(target_arch = "wasm32")]
pub use session::{Session, parse_manifest};
#[cfg(all(target_arch = "wasm32", feature = "training"))]
pub use training::TrainingSession;
