//! From a checkpoint of others to a model folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::{InputMode, WeightsFile};
use model::state::{StateError, load_state};
use model::{Encoding, GeneratorConfig, Manifest, NormStats, WeightsDtype};
use serde_json::json;
use thiserror::Error;

use crate::convert::export::{ExportError, Naming, TOOL, write_manifest, write_weights};
use crate::convert::pict::{PictError, is_pict, read_pict};
use crate::pytorch::{Given, NetworkError, ReadError, detect, fit, read_tensors};
use crate::system::files::{InFile, NamesFile, last_name};

/// A checkpoint that cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Pict(#[from] PictError),
    #[error(transparent)]
    Network(#[from] InFile<NetworkError>),
    #[error("{path}: {source}; is this a checkpoint of another network?")]
    State { path: PathBuf, source: StateError },
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// What a checkpoint does not say of itself.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What is known of the network.
    pub given: Given,
    /// Statistics of batch norms.
    pub norm_stats: NormStats,
    /// Storage of the weights.
    pub weights: WeightsDtype,
    /// How people make an input.
    pub mode: InputMode,
    pub naming: Naming,
}

/// Writes the generator of the checkpoint in `path` as a model folder to `output`. Nothing is
/// written before the whole checkpoint is known to fit.
pub fn import_checkpoint(
    path: &Path,
    options: &ImportOptions,
    output: &Path,
) -> Result<Manifest, ImportError> {
    let (config, state) = match is_pict(path) {
        true => read_pict(path)?,
        false => {
            let (config, tensors) = detect(read_tensors(path)?, &options.given).of_file(path)?;
            let state = fit(&config, tensors).of_file(path)?;
            (config, state)
        }
    };
    load_state(config.init(&Device::flex()), state.clone()).map_err(|source| {
        ImportError::State {
            path: path.to_path_buf(),
            source,
        }
    })?;
    let weights = write_weights(&state, options.weights, output)?;
    let manifest = manifest(path, config, weights, options, output);
    write_manifest(&manifest, output)?;
    Ok(manifest)
}

fn manifest(
    path: &Path,
    config: GeneratorConfig,
    weights: WeightsFile,
    options: &ImportOptions,
    output: &Path,
) -> Manifest {
    let name = options.naming.name.clone();
    let name = name.unwrap_or_else(|| last_name(output));
    let channels = (config.in_channels, config.out_channels);
    let mut manifest = Manifest::bare(&name, config, options.norm_stats);
    manifest.weights.push(weights);
    manifest.input.mode = options.mode;
    // Nothing but the reference's colorization has these channels.
    if channels == (1, 2) {
        manifest.input.encoding = Encoding::Lightness;
        manifest.output.encoding = Encoding::Chroma;
    }
    manifest.training = json!({"imported_from": last_name(path), "tool": TOOL});
    options.naming.describe(&mut manifest);
    manifest
}
