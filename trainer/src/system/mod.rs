//! What every room needs of the machine: files, memory, devices, the terminal.

pub mod bounded;
pub mod built_page;
pub mod console;
pub mod device;
pub mod files;
pub mod memory;
pub mod pace;
pub mod printable;
pub mod protobuf;
