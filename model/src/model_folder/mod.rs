//! The model folder: its manifest, and its weights.

pub mod arrays;
pub mod manifest;
pub mod state;
pub mod stored_weights;
pub mod weights;
pub mod weights_error;
pub mod weights_source;
