//! From a checkpoint of others to a model folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::{InputMode, WeightsFile};
use model::state::{StateDict, StateError, load_state};
use model::{Encoding, GeneratorConfig, Manifest, NormStats, WeightsDtype};
use serde_json::json;
use thiserror::Error;

use crate::convert::export::{ExportError, Naming, TOOL, write_manifest, write_weights};
use crate::convert::onnx::read::{OnnxReadError, is_onnx, read_onnx};
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
    Onnx(#[from] OnnxReadError),
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
    let imported = read(path, options)?;
    let network = imported.config.init(&Device::flex());
    load_state(network, imported.state.clone()).map_err(|source| ImportError::State {
        path: path.to_path_buf(),
        source,
    })?;
    let weights = write_weights(&imported.state, options.weights, output)?;
    let manifest = manifest(path, imported, weights, options, output);
    write_manifest(&manifest, output)?;
    Ok(manifest)
}

/// A generator of others.
struct Imported {
    config: GeneratorConfig,
    stats: NormStats,
    state: StateDict,
    /// What the file says of itself, under the manifest's names.
    properties: BTreeMap<String, String>,
}

fn read(path: &Path, options: &ImportOptions) -> Result<Imported, ImportError> {
    let given = &options.given;
    if is_onnx(path) {
        let onnx = read_onnx(path, given.arch, given.norm)?;
        return Ok(Imported {
            config: onnx.config,
            stats: onnx.stats,
            state: onnx.state,
            properties: onnx.properties,
        });
    }
    let (config, state) = match is_pict(path) {
        true => read_pict(path)?,
        false => {
            let (config, tensors) = detect(read_tensors(path)?, given).of_file(path)?;
            let state = fit(&config, tensors).of_file(path)?;
            (config, state)
        }
    };
    Ok(Imported {
        config,
        stats: options.norm_stats,
        state,
        properties: BTreeMap::new(),
    })
}

fn manifest(
    path: &Path,
    imported: Imported,
    weights: WeightsFile,
    options: &ImportOptions,
    output: &Path,
) -> Manifest {
    let name = options.naming.name.clone();
    let name = name.unwrap_or_else(|| last_name(output));
    let channels = (imported.config.in_channels, imported.config.out_channels);
    let mut manifest = Manifest::bare(&name, imported.config, imported.stats);
    manifest.weights.push(weights);
    manifest.input.mode = options.mode;
    // Nothing but the reference's colorization has these channels.
    if channels == (1, 2) {
        manifest.input.encoding = Encoding::Lightness;
        manifest.output.encoding = Encoding::Chroma;
    }
    tell(&mut manifest, &imported.properties);
    manifest.training = json!({"imported_from": last_name(path), "tool": TOOL});
    options.naming.describe(&mut manifest);
    manifest
}

/// What `export --to onnx` wrote into the file.
fn tell(manifest: &mut Manifest, properties: &BTreeMap<String, String>) {
    for (field, name) in [
        (&mut manifest.title, "title"),
        (&mut manifest.task, "task"),
        (&mut manifest.license, "license"),
    ] {
        if let Some(value) = properties.get(name) {
            field.clone_from(value);
        }
    }
    for (field, name) in [
        (&mut manifest.input.encoding, "input_encoding"),
        (&mut manifest.output.encoding, "output_encoding"),
    ] {
        let value = properties.get(name);
        if let Some(encoding) = value.and_then(|value| serde_json::from_str(value).ok()) {
            *field = encoding;
        }
    }
}
