//! From a checkpoint of others to a model folder.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::{
    FORMAT, InputMode, ManifestGenerator, ManifestInput, ManifestOutput, TestDropout, VERSION,
    WeightsFile,
};
use model::state::{StateDict, StateError, load_state};
use model::{Encoding, GeneratorConfig, Manifest, NormStats, WeightsDtype};
use serde_json::json;
use thiserror::Error;

use crate::export::{ExportError, write_manifest, write_weights};
use crate::files::{InFile, NamesFile, last_name};
use crate::pytorch::{Given, NetworkError, ReadError, detect, fit, read_tensors};

/// A checkpoint that cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Read(#[from] ReadError),
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
    /// Short name [default: that of the output folder].
    pub name: Option<String>,
    /// Name for people [default: the name].
    pub title: Option<String>,
    /// Licence of the weights.
    pub license: Option<String>,
}

/// Writes the generator of the checkpoint in `path` as a model folder to `output`. Nothing is
/// written before the whole checkpoint is known to fit.
pub fn import_checkpoint(
    path: &Path,
    options: &ImportOptions,
    output: &Path,
) -> Result<Manifest, ImportError> {
    let tensors = read_tensors(path)?;
    let (config, tensors) = detect(tensors, &options.given).of_file(path)?;
    let state = fit(&config, tensors).of_file(path)?;
    load_state(config.init(&Device::flex()), state.clone()).map_err(|source| {
        ImportError::State {
            path: path.to_path_buf(),
            source,
        }
    })?;
    Ok(write_folder(path, config, &state, options, output)?)
}

fn write_folder(
    path: &Path,
    config: GeneratorConfig,
    state: &StateDict,
    options: &ImportOptions,
    output: &Path,
) -> Result<Manifest, ExportError> {
    let weights = write_weights(state, options.weights, output)?;
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
    let name = options.name.clone().unwrap_or_else(|| last_name(output));
    // Nothing but the reference's colorization has these channels.
    let (input, made) = match (config.in_channels, config.out_channels) {
        (1, 2) => (Encoding::Lightness, Encoding::Chroma),
        _ => (Encoding::Color, Encoding::Color),
    };
    Manifest {
        format: FORMAT.to_string(),
        version: VERSION,
        title: options.title.clone().unwrap_or_else(|| name.clone()),
        name,
        task: "translate".to_string(),
        input: ManifestInput {
            multiple_of: config.arch.size_rule().divisor(),
            mode: InputMode::Photo,
            palette: Vec::new(),
            range: [-1.0, 1.0],
            encoding: input,
        },
        output: ManifestOutput { encoding: made },
        generator: ManifestGenerator {
            config,
            norm_stats: options.norm_stats,
            dropout: TestDropout::Off,
        },
        weights: vec![weights],
        training: json!({
            "imported_from": last_name(path),
            "tool": concat!("trainer ", env!("CARGO_PKG_VERSION")),
        }),
        license: options.license.clone().unwrap_or_default(),
        samples: Vec::new(),
    }
}
