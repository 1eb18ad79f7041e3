//! Checkpoints: everything that a run needs to go on, each in a folder that appears whole or
//! not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use model::Generator;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{Direction, TrainConfig};
use crate::metrics::Evaluation;
use crate::report::metrics_file::MetricsLine;
use crate::schedule::Plateau;
use crate::training_model::{TrainingModel, generator_file};

const CONFIG_FILE: &str = "config.json";
const FOLDER: &str = "checkpoints";
const LATEST_FILE: &str = "latest";
const RECORD_EXTENSION: &str = "bpk";
const PROGRESS_FILE: &str = "progress.json";
/// Older checkpoints are deleted.
const KEPT: usize = 2;

/// A run folder that cannot be written or read.
#[derive(Debug, Error)]
pub enum RunFolderError {
    /// The disk says no.
    #[error("{path}: cannot be written ({source}); check free space and permissions")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is missing or cannot be read.
    #[error("{path}: cannot be read ({source}); is this the folder of a training run?")]
    Read {
        /// File.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path}: damaged or of another version ({reason})")]
    Damaged {
        /// File.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is a run in the folder already.
    #[error("--run {path}: holds another run; name a new folder or delete this one")]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps made.
    pub step: u64,
    /// What the losses did to the learning rate.
    #[serde(default)]
    pub plateau: Plateau,
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// Makes the folder and writes `config.json`.
    ///
    /// # Errors
    /// The folder holds a run already, or cannot be written.
    pub fn create(root: &Path, config: &TrainConfig) -> Result<Self, RunFolderError> {
        let folder = Self {
            root: root.to_path_buf(),
        };
        let config_path = root.join(CONFIG_FILE);
        if config_path.exists() {
            return Err(RunFolderError::Occupied {
                path: root.to_path_buf(),
            });
        }
        for path in [folder.samples(), root.join(FOLDER)] {
            fs::create_dir_all(&path).map_err(|source| RunFolderError::Write { path, source })?;
        }
        let json =
            serde_json::to_vec_pretty(config).map_err(|error| damaged(&config_path, error))?;
        write_whole(&config_path, &json)?;
        Ok(folder)
    }

    /// An existing run.
    pub fn open(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where sample grids go.
    pub fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// Where the exported model goes.
    pub fn export(&self) -> PathBuf {
        self.root.join("export")
    }

    /// Where the model of the way back goes, which CycleGAN learns too.
    pub fn export_back(&self) -> PathBuf {
        self.root.join("export-BtoA")
    }

    /// Losses and metrics, a JSON object a line.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The run's settings.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn config(&self) -> Result<TrainConfig, RunFolderError> {
        read_json(&self.root.join(CONFIG_FILE))
    }

    /// Writes a checkpoint beside its place, syncs it, and renames it; then points `latest` at
    /// it and deletes the oldest ones.
    ///
    /// # Errors
    /// [`RunFolderError::Write`]; earlier checkpoints are untouched then.
    pub fn save(
        &self,
        model: &TrainingModel,
        progress: Progress,
    ) -> Result<PathBuf, RunFolderError> {
        let parent = self.root.join(FOLDER);
        let path = parent.join(format!("{:08}", progress.step));
        let write_error = |path: &Path| {
            let path = path.to_path_buf();
            move |source| RunFolderError::Write { path, source }
        };
        let staging = tempfile::Builder::new()
            .prefix(".unfinished-")
            .tempdir_in(&parent)
            .map_err(write_error(&parent))?;
        for (name, record) in model.records() {
            let file = staging.path().join(name).with_extension(RECORD_EXTENSION);
            let bytes = record.map_err(|error| damaged(&file, error))?;
            write_synced(&file, &bytes)?;
        }
        let progress_path = staging.path().join(PROGRESS_FILE);
        let json = serde_json::to_vec(&progress).map_err(|error| damaged(&progress_path, error))?;
        write_synced(&progress_path, &json)?;
        if path.exists() {
            fs::remove_dir_all(&path).map_err(write_error(&path))?;
        }
        fs::rename(staging.keep(), &path).map_err(write_error(&path))?;
        write_whole(&parent.join(LATEST_FILE), name_of(&path).as_bytes())?;
        self.delete_oldest()?;
        Ok(path)
    }

    /// A generator of the latest checkpoint, on `device`, and how far it was trained: the
    /// average where the run keeps one.
    ///
    /// # Errors
    /// There is no checkpoint, or a file of it is damaged.
    pub fn latest_generator(
        &self,
        config: &TrainConfig,
        direction: Direction,
        device: &Device,
    ) -> Result<(Generator, Progress), RunFolderError> {
        let parent = self.root.join(FOLDER);
        let latest = parent.join(LATEST_FILE);
        let name = fs::read_to_string(&latest).map_err(|source| RunFolderError::Read {
            path: latest,
            source,
        })?;
        let path = parent.join(name.trim());
        let network = match direction {
            Direction::AtoB => config.generator(),
            Direction::BtoA => config.generator_back(),
        };
        let name = generator_file(config.model, direction, config.ema.is_some());
        let file = path.join(name).with_extension(RECORD_EXTENSION);
        let bytes = fs::read(&file).map_err(|source| RunFolderError::Read {
            path: file.clone(),
            source,
        })?;
        let generator = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
            .and_then(|record| network.init(device).try_load_record(record))
            .map_err(|error| damaged(&file, error))?;
        Ok((generator, read_json(&path.join(PROGRESS_FILE))?))
    }

    /// What the validation after `step` steps said, if there was one.
    ///
    /// # Errors
    /// The file of metrics is missing.
    pub fn last_evaluation(&self, step: u64) -> Result<Evaluation, RunFolderError> {
        let path = self.metrics();
        let text =
            fs::read_to_string(&path).map_err(|source| RunFolderError::Read { path, source })?;
        let lines = text.lines().rev();
        let found = lines
            .filter_map(|line| serde_json::from_str::<MetricsLine>(line).ok())
            .find_map(|line| match line {
                MetricsLine::Validated {
                    step: at,
                    evaluation,
                    ..
                } if at == step => Some(evaluation),
                _ => None,
            });
        Ok(found.unwrap_or_default())
    }

    fn delete_oldest(&self) -> Result<(), RunFolderError> {
        let parent = self.root.join(FOLDER);
        let entries = fs::read_dir(&parent).map_err(|source| RunFolderError::Read {
            path: parent.clone(),
            source,
        })?;
        let mut finished: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir() && !name_of(path).starts_with('.'))
            .collect();
        finished.sort();
        let surplus = finished.len().saturating_sub(KEPT);
        for path in finished.drain(..surplus) {
            fs::remove_dir_all(&path).map_err(|source| RunFolderError::Write { path, source })?;
        }
        Ok(())
    }
}

/// Writes beside its place, syncs and renames: a reader sees the old content or the new.
///
/// # Errors
/// [`RunFolderError::Write`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RunFolderError> {
    let write_error = |source| RunFolderError::Write {
        path: path.to_path_buf(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(write_error)?;
    file.write_all(bytes).map_err(write_error)?;
    crate::picture::make_readable(file.as_file()).map_err(write_error)?;
    file.as_file().sync_all().map_err(write_error)?;
    file.persist(path)
        .map_err(|error| write_error(error.error))?;
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), RunFolderError> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| RunFolderError::Write {
        path: path.to_path_buf(),
        source,
    })
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, RunFolderError> {
    let bytes = fs::read(path).map_err(|source| RunFolderError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, reason: impl ToString) -> RunFolderError {
    RunFolderError::Damaged {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
