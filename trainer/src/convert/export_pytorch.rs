//! From a run or a model folder to a `.pth` file that pytorch-CycleGAN-and-pix2pix loads.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::state::{StateDict, StateError, load_state, state_of};
use model::{GeneratorConfig, ManifestError};
use model::{WeightsError, weights};
use thiserror::Error;

use crate::convert::export::{OneWay, generator_for};
use crate::convert::model_folder::{MANIFEST_FILE, ModelFolderError, read_manifest};
use crate::data::direction::Direction;
use crate::pytorch::{NetworkError, WriteError, reference_options, state_dict_bytes, unfit};
use crate::run_folder::{RunFolder, RunFolderError, write_whole};
use crate::system::files::{InFile, NamesFile};

/// A generator that cannot be written for PyTorch.
#[derive(Debug, Error)]
pub enum ExportPytorchError {
    #[error(transparent)]
    Run(#[from] RunFolderError),
    #[error(transparent)]
    OneWay(#[from] OneWay),
    #[error(transparent)]
    Model(#[from] ModelFolderError),
    #[error(transparent)]
    Manifest(#[from] InFile<ManifestError>),
    #[error(transparent)]
    Weights(#[from] InFile<WeightsError>),
    #[error("{path}: the weights do not fit the manifest's generator: {source}; export it again")]
    State { path: PathBuf, source: StateError },
    #[error(transparent)]
    Network(#[from] InFile<NetworkError>),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the generator of `source`, the folder of a run (its latest checkpoint, the generator of
/// `direction`) or of a model, to the file `output`, and gives the reference's options for it.
pub fn export_pytorch(
    source: &Path,
    direction: Option<Direction>,
    output: &Path,
) -> Result<String, ExportPytorchError> {
    let (config, state) = match source.join(MANIFEST_FILE).exists() {
        true => from_model(source)?,
        false => from_run(source, direction)?,
    };
    let options = reference_options(&config);
    let entries = unfit(&config, state).of_file(source)?;
    write_whole(output, &state_dict_bytes(&entries)?)?;
    Ok(options)
}

fn from_run(
    root: &Path,
    direction: Option<Direction>,
) -> Result<(GeneratorConfig, StateDict), ExportPytorchError> {
    let folder = RunFolder::open(root);
    let config = folder.config()?;
    let direction = generator_for(&config, direction)?;
    let (generator, _) = folder.latest_generator(&config, direction, &Device::flex())?;
    let network = match direction {
        Direction::AtoB => config.generator(),
        Direction::BtoA => config.generator_back(),
    };
    Ok((network, state_of(&generator)))
}

fn from_model(folder: &Path) -> Result<(GeneratorConfig, StateDict), ExportPytorchError> {
    let (manifest, weights) = read_manifest(folder)?;
    let file = manifest.weights_file().of_file(folder)?;
    let weights = weights::open_file(&weights, file).of_file(folder)?;
    let config = manifest.generator.config;
    let generator = load_state(config.init(&Device::flex()), weights).map_err(|source| {
        ExportPytorchError::State {
            path: folder.to_path_buf(),
            source,
        }
    })?;
    Ok((config, state_of(&generator)))
}
