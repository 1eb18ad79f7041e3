//! From a run to a model folder: the manifest and the weights that translate natively and in
//! the browser.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::{
    FORMAT, InputMode, ManifestGenerator, ManifestInput, PaletteEntry, TestDropout, VERSION,
    WeightsFile,
};
use model::state::state_of;
use model::weights::{WeightsError, encode, sha256_hex};
use model::{Generator, Manifest, WeightsDtype};
use serde_json::json;
use thiserror::Error;

use crate::checkpoint::{RunFolder, RunFolderError, write_whole};
use crate::config::{DataArgs, TrainConfig, WeightsArg};
use crate::data::demo::PALETTE;
use crate::metrics::Evaluation;

/// Name of the manifest in a model folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// A model that cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The run folder.
    #[error(transparent)]
    Run(#[from] RunFolderError),
    /// The output folder.
    #[error("{path}: cannot be made ({source}); check free space and permissions")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The manifest.
    #[error("the manifest cannot be written: {0}")]
    Manifest(#[from] serde_json::Error),
}

/// Exports the latest checkpoint of the run in `root` to `output`.
///
/// # Errors
/// See [`ExportError`].
pub fn export_run(
    root: &Path,
    weights: Option<WeightsArg>,
    name: Option<&str>,
    output: &Path,
) -> Result<Manifest, ExportError> {
    let folder = RunFolder::open(root);
    let mut config = folder.config()?;
    if let Some(weights) = weights {
        config.weights = weights;
    }
    if let Some(name) = name {
        config.name = name.to_string();
    }
    let (generator, progress) = folder.latest_generator(&config, &Device::flex())?;
    let evaluation = folder.last_evaluation(progress.step)?;
    export_generator(&config, &generator, progress.step, &evaluation, output)
}

/// Writes the model folder of `generator`.
///
/// # Errors
/// See [`ExportError`].
pub fn export_generator(
    config: &TrainConfig,
    generator: &Generator,
    steps: u64,
    evaluation: &Evaluation,
    output: &Path,
) -> Result<Manifest, ExportError> {
    fs::create_dir_all(output).map_err(|source| ExportError::Folder {
        path: output.to_path_buf(),
        source,
    })?;
    let dtype = WeightsDtype::from(config.weights);
    let bytes = encode(&state_of(generator), dtype)?;
    let file = format!("generator.{}.bpk", dtype.name());
    write_whole(&output.join(&file), &bytes)?;
    let manifest = manifest(
        config,
        steps,
        evaluation,
        WeightsFile {
            path: file,
            dtype,
            bytes: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
        },
    );
    write_whole(&output.join(MANIFEST_FILE), manifest.to_json()?.as_bytes())?;
    Ok(manifest)
}

fn manifest(
    config: &TrainConfig,
    steps: u64,
    evaluation: &Evaluation,
    weights: WeightsFile,
) -> Manifest {
    let generator = config.generator();
    let draws = config.data.is_demo();
    let palette = PALETTE.iter().map(|class| PaletteEntry {
        name: class.name.to_string(),
        color: class.color,
    });
    Manifest {
        format: FORMAT.to_string(),
        version: VERSION,
        name: config.name.clone(),
        title: config.name.clone(),
        task: task(&config.data).to_string(),
        input: ManifestInput {
            multiple_of: generator.arch.size_rule().divisor(),
            mode: if draws {
                InputMode::Draw
            } else {
                InputMode::Photo
            },
            palette: if draws { palette.collect() } else { Vec::new() },
            range: [-1.0, 1.0],
        },
        generator: ManifestGenerator {
            config: generator,
            norm_stats: config.norm_stats.into(),
            dropout: TestDropout::Off,
        },
        weights: vec![weights],
        training: json!({
            "dataset": dataset(&config.data),
            "steps": steps,
            "batch": config.batch,
            "size": config.size,
            "lambda_l1": config.lambda_l1,
            "lambda_gan": config.lambda_gan,
            "lr": config.lr,
            "seed": config.seed,
            "metrics": evaluation,
            "tool": concat!("trainer ", env!("CARGO_PKG_VERSION")),
        }),
        license: String::new(),
        samples: Vec::new(),
    }
}

fn task(data: &DataArgs) -> &'static str {
    match data.task {
        Some(task) => task.name(),
        None if data.is_demo() => "facades",
        None => "translate",
    }
}

/// The folder's name alone: paths of the training machine are nobody's business.
fn dataset(data: &DataArgs) -> String {
    let folder = data
        .photos
        .as_ref()
        .or(data.data.as_ref())
        .or(data.b.as_ref());
    match folder {
        Some(path) => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let name = absolute.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
        None => "built-in facades".to_string(),
    }
}
