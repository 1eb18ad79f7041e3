//! What can be wrong with a weights file.

#[cfg(not(target_family = "wasm"))]
use std::io;

use thiserror::Error;

/// Why a weights file is refused.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// Not the bytes that the manifest announces.
    #[error("the weights have {found} bytes, the manifest says {expected}; download them again")]
    Length {
        /// From the manifest.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// Not the content that the manifest announces.
    #[error(
        "the weights' SHA-256 is {found}, the manifest says {expected}; the file was altered or \
         damaged, download it again"
    )]
    Checksum {
        /// From the manifest.
        expected: String,
        /// Of the bytes that came.
        found: String,
    },
    /// The file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    #[error("the weights cannot be read: {0}; check the file and its permissions")]
    Read(#[from] io::Error),
    /// Not a burnpack container, or one that contradicts itself.
    #[error("the weights cannot be read: {0}; export the model again")]
    Container(String),
    /// The container cannot be written.
    #[error("the weights cannot be written: {0}")]
    Write(String),
}
