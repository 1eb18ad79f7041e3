//! What a model is judged on: the settings of its run, or what its manifest tells of them, and
//! whatever the user says otherwise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use model::training::ModelKind;
use model::{Encoding, Manifest};
use thiserror::Error;

use crate::config::idle::MissingFlag;
use crate::config::{DataArgs, TrainConfig};
use crate::convert::model_folder::{
    DRAWN_SET, MANIFEST_FILE, ModelFolderError, model_folder, read_manifest,
};
use crate::data::Frame;
use crate::data::direction::Direction;
use crate::data::source::listing::is_unpaired_layout;
use crate::data::source::photos::PhotoTask;
use crate::run_folder::{RunFolder, RunFolderError};

/// Side of images where nothing says another.
const SIZE: u32 = 256;
/// Flags that name the images.
const SOURCES: [&str; 3] = ["data", "a", "photos"];

/// A model that cannot be judged like this.
#[derive(Debug, Error)]
pub enum JudgingError {
    #[error(transparent)]
    Model(#[from] ModelFolderError),
    #[error(transparent)]
    Run(#[from] RunFolderError),
    #[error(transparent)]
    NoImages(#[from] MissingFlag),
    #[error(
        "--model {model}: a cycle needs both generators of a CycleGAN; name the folder of its run, \
         with {missing} inside, or pairs to compare with: --data, with A|B images"
    )]
    OneWay { model: PathBuf, missing: PathBuf },
}

/// What the command line says.
pub struct NamedSettings<'a> {
    /// Where images come from.
    pub data: &'a DataArgs,
    /// Flags that are no defaults.
    pub given: &'a BTreeSet<String>,
    /// Side of the images.
    pub size: Option<u32>,
    /// Seed of the split.
    pub seed: Option<u64>,
}

/// What a model is judged on.
#[derive(Debug)]
pub struct Judging {
    /// The model folder.
    pub model: PathBuf,
    /// Where images come from.
    pub data: DataArgs,
    /// Seed of the split.
    pub seed: u64,
    /// Whether the set has no pairs.
    pub is_unpaired: bool,
    size: Option<u32>,
    run: Option<(RunFolder, TrainConfig)>,
}

impl Judging {
    /// Decides what the model in `path`, or of the run in `path`, is judged on.
    pub fn decide(path: &Path, named: &NamedSettings<'_>) -> Result<Self, JudgingError> {
        let model = model_folder(path)?;
        let (manifest, _) = read_manifest(&model)?;
        let run = run_of(&model)?;
        let trained = match &run {
            Some((_, config)) => config.data.clone(),
            None => data_of(&manifest),
        };
        let is_cyclegan = manifest.training["model"] == ModelKind::CycleGan.name();
        let mut data = merged(trained, named);
        let is_named = SOURCES.iter().any(|flag| named.given.contains(*flag));
        let was_drawn = manifest.training["dataset"] == DRAWN_SET;
        if !is_named && run.is_none() && !was_drawn {
            return Err(MissingFlag(format!(
                "--model {}: its run is not there to say which images validate; name them with \
                 --data, --a and --b, or --photos",
                path.display()
            ))
            .into());
        }
        let has_pairs = match &data.data {
            Some(folder) => !is_unpaired_layout(folder),
            None => data.photos.is_some(),
        };
        let is_unpaired = is_cyclegan && !has_pairs;
        if is_cyclegan && has_pairs && !named.given.contains("direction") {
            // Of two generators, each goes its own way.
            data.direction = direction_of(&manifest);
        }
        let seed = run.as_ref().map(|(_, config)| config.seed);
        Ok(Self {
            model,
            data,
            seed: named.seed.or(seed).unwrap_or(0),
            is_unpaired,
            size: named.size,
            run,
        })
    }

    /// How images are scaled and cropped, for a network whose sides are multiples of
    /// `multiple_of`: as the run validated, unless another size is wanted.
    pub fn frame(&self, multiple_of: usize) -> Frame {
        let (size, run) = match (self.size, &self.run) {
            (Some(size), _) => return self.data.frame(size, size, multiple_of),
            (None, Some((_, config))) => (config.validation_size(), config),
            (None, None) => return self.data.frame(SIZE, SIZE, multiple_of),
        };
        let training = self.data.frame(run.load_size, run.size, multiple_of);
        self.data.validation_frame(training, size)
    }

    /// The model folders from A to B and back.
    pub fn both_ways(&self) -> Result<(PathBuf, PathBuf), JudgingError> {
        let export = |run: &RunFolder| (run.export(), run.export_back());
        let (there, back) = match &self.run {
            Some((run, _)) => export(run),
            None => export(&RunFolder::open(&self.model)),
        };
        for folder in [&there, &back] {
            if !folder.join(MANIFEST_FILE).is_file() {
                return Err(JudgingError::OneWay {
                    model: self.model.clone(),
                    missing: folder.clone(),
                });
            }
        }
        Ok((there, back))
    }
}

/// The run that a model folder lies in.
fn run_of(model: &Path) -> Result<Option<(RunFolder, TrainConfig)>, RunFolderError> {
    let absolute = std::path::absolute(model).unwrap_or_else(|_| model.to_path_buf());
    let Some(root) = absolute.parent() else {
        return Ok(None);
    };
    let run = RunFolder::open(root);
    let exports = [run.export(), run.export_back()];
    if !run.is_run() || !exports.contains(&absolute) {
        return Ok(None);
    }
    let config = run.config()?;
    Ok(Some((run, config)))
}

/// What a manifest tells of the data of its training; not where it lies.
fn data_of(manifest: &Manifest) -> DataArgs {
    let direction = direction_of(manifest);
    let depth = |encoding| match encoding {
        Encoding::Depth { max } => Some(max),
        _ => None,
    };
    let config = &manifest.generator.config;
    let (input, output) = (manifest.input.encoding, manifest.output.encoding);
    let task = PhotoTask::from_str(&manifest.task, false).ok();
    let channels = |encoding, count| (encoding == Encoding::Color && count != 3).then_some(count);
    let (depth_a, depth_b) = direction.orient((depth(input), depth(output)));
    let (channels_a, channels_b) = direction.orient((
        channels(input, config.in_channels),
        channels(output, config.out_channels),
    ));
    DataArgs {
        task,
        direction,
        depth_a,
        depth_b,
        channels_a,
        channels_b,
        ..DataArgs::default()
    }
}

fn direction_of(manifest: &Manifest) -> Direction {
    let direction = manifest.training["direction"].as_str().unwrap_or_default();
    Direction::from_str(direction, false).unwrap_or_default()
}

/// The settings of the training, and what the user says otherwise.
fn merged(trained: DataArgs, named: &NamedSettings<'_>) -> DataArgs {
    let given = |flag: &str| named.given.contains(flag);
    let said = named.data.clone();
    let mut data = trained;
    if SOURCES.into_iter().any(given) {
        data.task = data.task.filter(|_| said.photos.is_some());
        (data.data, data.a, data.b, data.photos) = (said.data, said.a, said.b, said.photos);
    }
    if given("task") {
        data.task = said.task;
    }
    if given("skip_unmatched") {
        data.skip_unmatched = said.skip_unmatched;
    }
    if given("direction") {
        data.direction = said.direction;
    }
    if given("preprocess") {
        data.preprocess = said.preprocess;
    }
    if given("channels_a") || given("depth_a") {
        (data.channels_a, data.depth_a) = (said.channels_a, said.depth_a);
    }
    if given("channels_b") || given("depth_b") {
        (data.channels_b, data.depth_b) = (said.channels_b, said.depth_b);
    }
    data
}
