//! Numbers by name, as plain arrays: what weights files and imports are made of.

use std::collections::BTreeMap;

use thiserror::Error;

/// A tensor's shape and values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// As many as the product of the shape.
    pub values: Vec<f32>,
}

/// Every parameter and running statistic of a network by its path, such as
/// `unet.downs.0.conv.weight`.
pub type StateDict = BTreeMap<String, Array>;

/// Numbers that do not fit a network.
#[derive(Debug, Error, PartialEq)]
pub enum StateError {
    /// The network has a tensor that the numbers lack.
    #[error("tensor \"{0}\" is missing")]
    Missing(String),
    /// The numbers have a tensor that the network lacks.
    #[error("tensor \"{0}\" belongs to another network")]
    Unknown(String),
    /// Same name, other shape.
    #[error("tensor \"{name}\" has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// What the network needs.
        expected: Vec<usize>,
        /// What the numbers have.
        found: Vec<usize>,
    },
    /// A weights file that contradicts itself or has gone.
    #[error("{0}")]
    Unreadable(String),
    /// NaN or infinity.
    #[error("tensor \"{0}\" holds NaN or infinite values")]
    NotFinite(String),
}
