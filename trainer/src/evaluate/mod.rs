//! How good a model is: metrics, the pairs that they are taken on, and what the networks do with
//! them.

pub mod judge;
pub mod metrics;
pub mod snapshot;
