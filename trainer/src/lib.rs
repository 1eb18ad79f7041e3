//! Trains pix2pix and CycleGAN models and translates images with them. The binary `trainer` is a thin
//! shell around [`cli`].

// Printing ends a program whose reader has gone; `console` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]
// Nobody else builds on this library: a name that says it all needs no more words.
#![allow(missing_docs)]

pub mod bench;
pub mod cli;
pub mod config;
pub mod convert;
pub mod data;
pub mod evaluate;
pub mod image_file;
pub mod pytorch;
pub mod recipes;
pub mod report;
pub mod run;
pub mod run_folder;
pub mod system;
pub mod translate;
