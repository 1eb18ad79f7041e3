//! Trains pix2pix models and translates pictures with them. The binary `trainer` is a thin
//! shell around [`cli`].

pub mod bench;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod event;
pub mod export;
pub mod import;
pub mod loss;
pub mod metrics;
pub mod picture;
pub mod pix2pix;
pub mod recipes;
pub mod report;
pub mod run;
pub mod schedule;
pub mod translate;
pub mod validate;
