//! Weights files of pytorch-CycleGAN-and-pix2pix, and safetensors: reading and writing them, and
//! the names that its networks give their tensors. Nothing in a file is ever executed. Model
//! folders and command lines are elsewhere.

mod archive;
mod detect;
mod fit;
mod names;
mod read;
mod vet;
mod write;

pub use detect::{Given, detect};
pub use fit::{NetworkError, fit, pick, unfit};
pub use names::{reference_discriminator_name, reference_generator_name, reference_options};
pub use read::{ReadError, ReadProblem, Tensors, read_tensors};
pub use vet::VetError;
pub use write::{Entry, WriteError, state_dict_bytes};
