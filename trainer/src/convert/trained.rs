//! The generator of a run or of a model folder, for files that have no place for a model folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::state::{StateDict, StateError, load_state, state_of};
use model::{Manifest, ManifestError, WeightsError, weights};
use thiserror::Error;

use crate::convert::export::{ExportError, Latest, manifest};
use crate::convert::model_folder::{MANIFEST_FILE, ModelFolderError, read_manifest};
use crate::data::direction::Direction;
use crate::system::files::{InFile, NamesFile};

/// A generator that cannot be read.
#[derive(Debug, Error)]
pub enum TrainedError {
    #[error(transparent)]
    Run(#[from] ExportError),
    #[error(transparent)]
    Model(#[from] ModelFolderError),
    #[error(transparent)]
    Manifest(#[from] InFile<ManifestError>),
    #[error(transparent)]
    Weights(#[from] InFile<WeightsError>),
    #[error("{path}: the weights do not fit the manifest's generator: {source}; export it again")]
    State { path: PathBuf, source: StateError },
}

/// What describes the generator of `source`, the folder of a run (its latest checkpoint, the
/// generator of `direction`) or of a model, and its numbers.
pub(super) fn trained_generator(
    source: &Path,
    direction: Option<Direction>,
) -> Result<(Manifest, StateDict), TrainedError> {
    match source.join(MANIFEST_FILE).exists() {
        true => from_model(source),
        false => {
            let latest = Latest::of(source, direction)?;
            Ok((manifest(&latest.trained()), state_of(&latest.generator)))
        }
    }
}

fn from_model(folder: &Path) -> Result<(Manifest, StateDict), TrainedError> {
    let (manifest, weights) = read_manifest(folder)?;
    let file = manifest.weights_file().of_file(folder)?;
    let weights = weights::open_file(&weights, file).of_file(folder)?;
    let config = &manifest.generator.config;
    let generator = load_state(config.init(&Device::flex()), weights);
    let generator = generator.map_err(|source| TrainedError::State {
        path: folder.to_path_buf(),
        source,
    })?;
    Ok((manifest, state_of(&generator)))
}
