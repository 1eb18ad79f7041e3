//! From a run to a model folder: the manifest and the weights that translate natively and in
//! the browser.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;
use model::manifest::{InputMode, PaletteEntry, WeightsFile};
use model::state::{StateDict, state_of};
use model::training::ModelKind;
use model::weights::packed;
use model::{Generator, Manifest, ManifestError, WeightsDtype, WeightsError};
use serde_json::json;
use thiserror::Error;

use crate::config::{DataArgs, TrainConfig};
use crate::convert::model_folder::{DRAWN_SET, MANIFEST_FILE};
use crate::data::demo::{self, DemoSplit, PALETTE};
use crate::data::direction::Direction;
use crate::data::sample::restore::MIX;
use crate::data::source::photos::PhotoTask;
use crate::evaluate::metrics::Evaluation;
use crate::image_file::{ImageFileError, write_rgb_png};
use crate::run_folder::{RunFolder, RunFolderError, write_whole};
use crate::system::files::last_name;

/// What a manifest says was at work.
pub(crate) const TOOL: &str = concat!("trainer ", env!("CARGO_PKG_VERSION"));
const SAMPLES_FOLDER: &str = "samples";
const DRAWN_SAMPLES: u64 = 4;

/// A model that cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Run(#[from] RunFolderError),
    #[error("{path}: cannot be made or copied ({source}); check path, space and permissions")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Image(#[from] ImageFileError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    OneWay(#[from] OneWay),
    #[error("the manifest cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the model cannot be described: {0}; give --name or --sample another name")]
    Manifest(#[from] ManifestError),
}

#[derive(Debug, Error)]
#[error("--direction {asked}: this pix2pix run learned {learned} alone; leave the flag out")]
pub struct OneWay {
    asked: Direction,
    learned: Direction,
}

/// Which generator of a run turns the images of its data set as `asked`: the first one, which is
/// also the answer where nothing is asked, or CycleGAN's second.
pub(crate) fn generator_for(
    config: &TrainConfig,
    asked: Option<Direction>,
) -> Result<Direction, OneWay> {
    let learned = config.data.direction;
    let asked = asked.unwrap_or(learned);
    match (asked == learned, config.model) {
        (true, _) => Ok(Direction::AtoB),
        (false, ModelKind::CycleGan) => Ok(Direction::BtoA),
        (false, ModelKind::Pix2Pix) => Err(OneWay { asked, learned }),
    }
}

/// The generator of a run's latest checkpoint, and what it comes from.
pub(super) struct Latest {
    config: TrainConfig,
    direction: Direction,
    steps: u64,
    evaluation: Evaluation,
    pub generator: Generator,
}

impl Latest {
    /// Of the run in `root`, what [`generator_for`] chooses.
    pub fn of(root: &Path, direction: Option<Direction>) -> Result<Self, ExportError> {
        let folder = RunFolder::open(root);
        let config = folder.config()?;
        let direction = generator_for(&config, direction)?;
        let (generator, progress) = folder.latest_generator(&config, direction, &Device::flex())?;
        Ok(Self {
            direction,
            steps: progress.step,
            evaluation: folder.last_evaluation(progress.step)?,
            config,
            generator,
        })
    }

    pub fn trained(&self) -> Trained<'_> {
        Trained {
            config: &self.config,
            direction: self.direction,
            steps: self.steps,
            evaluation: &self.evaluation,
        }
    }
}

/// What a model folder is called.
#[derive(Clone, Debug, Default, Args)]
pub struct Naming {
    /// Name of the model [default: that of the run, or of the folder to write]
    #[arg(long)]
    pub name: Option<String>,
    /// Name for people [default: the name]
    #[arg(long)]
    pub title: Option<String>,
    /// Licence of the weights
    #[arg(long)]
    pub license: Option<String>,
}

impl Naming {
    pub(crate) fn describe(&self, manifest: &mut Manifest) {
        if let Some(title) = &self.title {
            manifest.title.clone_from(title);
        }
        if let Some(license) = &self.license {
            manifest.license.clone_from(license);
        }
    }
}

/// What an exported model says of itself, where it differs from its run.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// Which generator; that of the run's direction where nothing is said.
    pub direction: Option<Direction>,
    /// Storage of the weights.
    pub weights: Option<WeightsDtype>,
    pub naming: Naming,
    /// Whether people draw its inputs.
    pub draw: bool,
    /// Images that are copied into the folder as example inputs.
    pub samples: Vec<PathBuf>,
}

/// Exports the latest checkpoint of the run in `root` to `output`.
pub fn export_run(
    root: &Path,
    options: &ExportOptions,
    output: &Path,
) -> Result<Manifest, ExportError> {
    let mut latest = Latest::of(root, options.direction)?;
    if let Some(weights) = options.weights {
        latest.config.weights = weights;
    }
    if let Some(name) = &options.naming.name {
        latest.config.name.clone_from(name);
    }
    let mut manifest = export_generator(&latest.trained(), &latest.generator, output)?;
    options.naming.describe(&mut manifest);
    if options.draw {
        manifest.input.mode = InputMode::Draw;
    }
    if !options.samples.is_empty() {
        manifest.samples = copy_samples(&options.samples, output)?;
    }
    write_manifest(&manifest, output)?;
    Ok(manifest)
}

fn copy_samples(samples: &[PathBuf], output: &Path) -> Result<Vec<String>, ExportError> {
    let folder = output.join(SAMPLES_FOLDER);
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ExportError::Folder { path, source }
    };
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let copy = |sample: &PathBuf| {
        let name = sample.file_name().unwrap_or_default().to_string_lossy();
        let target = folder.join(name.as_ref());
        // Copying a file onto itself would empty it.
        let in_place = fs::canonicalize(sample).ok() == fs::canonicalize(&target).ok();
        if !in_place || !target.exists() {
            fs::copy(sample, &target).map_err(failed(sample))?;
        }
        Ok(format!("{SAMPLES_FOLDER}/{name}"))
    };
    samples.iter().map(copy).collect()
}

/// Label maps of the drawn set, so that a page has something to translate at once.
fn draw_samples(config: &TrainConfig, output: &Path) -> Result<Vec<String>, ExportError> {
    let folder = output.join(SAMPLES_FOLDER);
    let failed = |source| ExportError::Folder {
        path: folder.clone(),
        source,
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    (0..DRAWN_SAMPLES)
        .map(|index| {
            let facade = demo::facade(config.seed, DemoSplit::Val, index, config.size);
            let name = format!("labels-{index}.png");
            write_rgb_png(&folder.join(&name), facade.label)?;
            Ok(format!("{SAMPLES_FOLDER}/{name}"))
        })
        .collect()
}

/// A manifest that could not be read again is not written.
pub(crate) fn write_manifest(manifest: &Manifest, output: &Path) -> Result<(), ExportError> {
    let json = manifest.to_json()?;
    Manifest::parse(&json)?;
    write_whole(&output.join(MANIFEST_FILE), json.as_bytes())?;
    remove_other_weights(manifest, output)
}

/// Weights that an earlier export stored with other numbers, which nothing names any more.
fn remove_other_weights(manifest: &Manifest, output: &Path) -> Result<(), ExportError> {
    for dtype in [WeightsDtype::F32, WeightsDtype::F16, WeightsDtype::Q8] {
        let name = dtype.file_name();
        let path = output.join(&name);
        let is_named = manifest.weights.iter().any(|file| file.path == name);
        if !is_named && path.is_file() {
            fs::remove_file(&path).map_err(|source| ExportError::Folder { path, source })?;
        }
    }
    Ok(())
}

/// What an exported generator comes from.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    /// Settings of the run.
    pub config: &'a TrainConfig,
    /// Which way the generator translates.
    pub direction: Direction,
    /// Steps made.
    pub steps: u64,
    /// Last validation.
    pub evaluation: &'a Evaluation,
}

impl Trained<'_> {
    /// Which way the generator translates the images of the data set: the networks of a run with
    /// `--direction BtoA` call B their A.
    fn learned_direction(&self) -> Direction {
        match self.config.data.direction {
            Direction::AtoB => self.direction,
            Direction::BtoA => self.direction.reversed(),
        }
    }
}

/// Writes the model folder of `generator`.
pub fn export_generator(
    trained: &Trained<'_>,
    generator: &Generator,
    output: &Path,
) -> Result<Manifest, ExportError> {
    let weights = write_weights(&state_of(generator), trained.config.weights, output)?;
    let mut manifest = manifest(trained);
    manifest.weights.push(weights);
    if !manifest.input.palette.is_empty() {
        manifest.samples = draw_samples(trained.config, output)?;
    }
    write_manifest(&manifest, output)?;
    Ok(manifest)
}

/// Makes the model folder `output` and writes the weights into it.
pub(crate) fn write_weights(
    state: &StateDict,
    dtype: WeightsDtype,
    output: &Path,
) -> Result<WeightsFile, ExportError> {
    fs::create_dir_all(output).map_err(|source| ExportError::Folder {
        path: output.to_path_buf(),
        source,
    })?;
    let (file, bytes) = packed(state, dtype)?;
    write_whole(&output.join(&file.path), &bytes)?;
    Ok(file)
}

/// Without weights.
pub(crate) fn manifest(trained: &Trained<'_>) -> Manifest {
    let config = trained.config;
    let (input, output) = config.data.encodings();
    let (generator, input, output) = match trained.direction {
        Direction::AtoB => (config.generator(), input, output),
        Direction::BtoA => (config.generator_back(), output, input),
    };
    // People draw label maps, the A of the drawn set, and lines.
    let labels = config.data.is_demo() && config.data.direction == trained.direction;
    let lines = config.data.task == Some(PhotoTask::Edges);
    let palette = PALETTE.iter().map(|class| PaletteEntry {
        name: class.name.to_string(),
        color: class.color,
    });
    let mut manifest = Manifest::bare(&config.name, generator, config.norm_stats);
    manifest.task = task(&config.data).to_string();
    manifest.input.encoding = input;
    manifest.output.encoding = output;
    if labels || lines {
        manifest.input.mode = InputMode::Draw;
    }
    if labels {
        manifest.input.palette = palette.collect();
    }
    manifest.training = json!({
        "dataset": dataset(&config.data),
        "model": config.model,
        "direction": trained.learned_direction(),
        "steps": trained.steps,
        "batch": config.batch,
        "size": config.size,
        "gan_mode": config.gan_mode,
        "lambda_l1": config.lambda_l1,
        "lambda_gan": config.lambda_gan,
        "lambda_cycle": config.lambda_cycle,
        "lambda_identity": config.lambda_identity,
        "ema": config.ema,
        "lr": config.lr,
        "seed": config.seed,
        "metrics": (trained.evaluation.count > 0).then_some(trained.evaluation),
        "tool": TOOL,
    });
    if config.data.task == Some(PhotoTask::Restore) {
        manifest.training["faults"] = json!(MIX);
    }
    manifest
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
    folder.map_or(DRAWN_SET.to_string(), |path| last_name(path))
}
