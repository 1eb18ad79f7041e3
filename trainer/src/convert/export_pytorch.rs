//! From a run or a model folder to a `.pth` file that pytorch-CycleGAN-and-pix2pix loads.

use std::path::Path;

use thiserror::Error;

use crate::convert::trained::{TrainedError, trained_generator};
use crate::data::direction::Direction;
use crate::pytorch::{NetworkError, WriteError, reference_options, state_dict_bytes, unfit};
use crate::run_folder::{RunFolderError, write_whole};
use crate::system::files::{InFile, NamesFile};

/// A generator that cannot be written for PyTorch.
#[derive(Debug, Error)]
pub enum ExportPytorchError {
    #[error(transparent)]
    Trained(#[from] TrainedError),
    #[error(transparent)]
    Network(#[from] InFile<NetworkError>),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    File(#[from] RunFolderError),
}

/// Writes the generator of `source`, the folder of a run (its latest checkpoint, the generator of
/// `direction`) or of a model, to the file `output`, and gives the reference's options for it.
pub fn export_pytorch(
    source: &Path,
    direction: Option<Direction>,
    output: &Path,
) -> Result<String, ExportPytorchError> {
    let (manifest, state) = trained_generator(source, direction)?;
    let config = manifest.generator.config;
    let options = reference_options(&config);
    let entries = unfit(&config, state).of_file(source)?;
    write_whole(output, &state_dict_bytes(&entries)?)?;
    Ok(options)
}
