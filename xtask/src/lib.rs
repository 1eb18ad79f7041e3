//! The parts of `cargo xtask`; the tests borrow the search for a browser from here.

pub mod join;
pub mod links;
pub mod process;
pub mod source_link;
pub mod tools;
pub mod workspace;

#[cfg(feature = "command")]
pub mod bench;
#[cfg(feature = "command")]
mod book;
#[cfg(feature = "command")]
pub mod engines;
#[cfg(feature = "command")]
pub mod fuzz;
#[cfg(feature = "command")]
pub mod gpu_kit;
#[cfg(feature = "command")]
pub mod licences;
#[cfg(feature = "command")]
pub mod page;
#[cfg(feature = "command")]
pub mod peers;
#[cfg(feature = "command")]
pub mod programs;
#[cfg(feature = "command")]
pub mod quality;
#[cfg(feature = "command")]
pub mod release_archive;
#[cfg(feature = "command")]
pub mod samples;
#[cfg(feature = "command")]
pub mod serve;
#[cfg(feature = "command")]
pub mod suite;
#[cfg(feature = "command")]
pub mod wasm;
