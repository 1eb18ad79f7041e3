//! Trains pix2pix and CycleGAN models and translates pictures with them. The binary `trainer` is a thin
//! shell around [`cli`].

// Printing ends a program whose reader has gone; `console` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod bench;
pub mod bounded;
pub mod checkpoint;
pub mod cli;
pub mod config;
mod console;
pub mod cyclegan;
pub mod data;
pub mod device;
pub mod diff_augment;
pub mod ema;
pub mod evaluation;
pub mod event;
pub mod exact;
pub mod export;
pub mod export_pytorch;
pub mod finite;
pub mod import;
pub mod loss;
pub mod memory;
pub mod metrics;
pub mod networks;
pub mod optimizer;
pub mod pace;
pub mod peers;
pub mod picture;
pub mod pix2pix;
pub mod pool;
pub mod printable;
pub mod pytorch;
pub mod randomness;
pub mod recipes;
pub mod replicas;
pub mod report;
pub mod roofline;
pub mod run;
pub mod schedule;
pub mod snapshot;
pub mod training_model;
pub mod translate;
pub mod validate;
pub mod watch;
