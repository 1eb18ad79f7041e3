//! Trains pix2pix and CycleGAN models and translates pictures with them. The binary `trainer` is a thin
//! shell around [`cli`].

// Printing ends a program whose reader has gone; `console` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]
// Nobody else builds on this library: a name that says it all needs no more words.
#![allow(missing_docs)]

pub mod bench;
pub mod bounded;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod console;
pub mod data;
pub mod device;
pub mod evaluation;
pub mod event;
pub mod export;
pub mod export_pytorch;
pub mod files;
pub mod import;
pub mod memory;
pub mod metrics;
pub mod pace;
pub mod picture;
pub mod printable;
pub mod pytorch;
pub mod recipes;
pub mod replicas;
pub mod report;
pub mod roofline;
pub mod run;
pub mod snapshot;
pub mod translate;
pub mod validate;
pub mod watch;
