//! What a run folder tells of its run: settings, losses, validations and samples, also of runs
//! that an older version wrote. Nothing here judges or draws.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::metrics_file::MetricsLine;
use crate::metrics::Evaluation;
use crate::pace::Pace;
use crate::snapshot::OutputStatistics;
use model::training::GanMode;

/// A run folder that cannot be read, or its page not written.
#[derive(Debug, Error)]
pub enum ReportError {
    #[error("{path}: cannot be read ({reason}); name the folder of a training run")]
    Read { path: PathBuf, reason: String },
    #[error(transparent)]
    Write(#[from] crate::checkpoint::RunFolderError),
}

/// What is known of a run.
#[derive(Debug, Default)]
pub(super) struct History {
    /// `config.json`, of whatever version.
    pub config: Value,
    /// Of the last start.
    pub started: Option<Started>,
    /// Losses, in the order of steps.
    pub steps: Vec<StepRow>,
    /// Validations, in the order of steps.
    pub validations: Vec<Validation>,
    /// Step and text.
    pub warnings: Vec<(u64, String)>,
    /// Steps and seconds, if it is over.
    pub finished: Option<Finished>,
    /// Step and file of each sample grid.
    pub samples: Vec<(u64, PathBuf)>,
}

/// How a run began.
#[derive(Debug)]
pub(super) struct Started {
    pub device: String,
    pub train_pairs: usize,
    pub validation_pairs: usize,
    pub version: String,
}

/// Losses of some steps.
#[derive(Debug)]
pub(super) struct StepRow {
    pub step: u64,
    pub lr: f64,
    pub losses: Vec<(String, f64)>,
    pub pace: Option<Pace>,
}

#[derive(Debug)]
pub(super) struct Validation {
    pub step: u64,
    pub evaluation: Evaluation,
    pub outputs: Vec<OutputStatistics>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub step: u64,
    pub interrupted: bool,
    pub evaluation: Option<Evaluation>,
}

impl History {
    /// Reads a run folder. Lines that a crash cut off are left out.
    ///
    /// # Errors
    /// There is no readable `config.json`; metrics or samples there may be none yet.
    pub fn read(root: &Path) -> Result<Self, ReportError> {
        let path = root.join("config.json");
        let failed = |reason: String| ReportError::Read {
            path: path.clone(),
            reason,
        };
        let json = fs::read(&path).map_err(|error| failed(error.to_string()))?;
        let config = serde_json::from_slice(&json).map_err(|error| failed(error.to_string()))?;
        let mut history = Self {
            config,
            samples: samples(&root.join("samples")),
            ..Self::default()
        };
        // Bytes of a cut line need not be text.
        let metrics = fs::read(root.join("metrics.jsonl")).unwrap_or_default();
        for line in String::from_utf8_lossy(&metrics).lines() {
            if let Ok(line) = serde_json::from_str(line) {
                history.add(line);
            }
        }
        Ok(history)
    }

    fn add(&mut self, line: MetricsLine) {
        match line {
            MetricsLine::Started {
                device,
                train_pairs,
                validation_pairs,
                version,
            } => {
                self.finished = None;
                self.started = Some(Started {
                    device,
                    train_pairs,
                    validation_pairs,
                    version,
                });
            }
            MetricsLine::Step {
                step,
                lr,
                losses,
                pace,
            } => {
                // A resumed run makes steps again that a crash had not saved.
                while self.steps.pop_if(|row| row.step >= step).is_some() {}
                let named = losses.as_object().into_iter().flatten();
                let named = named.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
                self.steps.push(StepRow {
                    step,
                    lr,
                    losses: named.collect(),
                    pace,
                });
            }
            MetricsLine::Validated {
                step,
                evaluation,
                outputs,
            } => {
                while self.validations.pop_if(|row| row.step >= step).is_some() {}
                self.validations.push(Validation {
                    step,
                    evaluation,
                    outputs,
                });
            }
            MetricsLine::Warning { step, message } => self.warnings.push((step, message)),
            MetricsLine::Finished {
                step,
                interrupted,
                evaluation,
                ..
            } => {
                self.finished = Some(Finished {
                    step,
                    interrupted,
                    evaluation,
                });
            }
        }
    }

    /// Steps made.
    pub fn step(&self) -> u64 {
        self.steps.last().map_or(0, |row| row.step)
    }

    /// Steps to make.
    pub fn planned_steps(&self) -> Option<u64> {
        self.config["steps"].as_u64()
    }

    /// Whether it learns without pairs.
    pub fn is_cyclegan(&self) -> bool {
        self.config["model"] == "cyclegan"
    }

    /// The adversarial objective; runs that do not name it had no choice.
    pub fn gan_mode(&self) -> GanMode {
        let mode = serde_json::from_value(self.config["gan_mode"].clone());
        mode.unwrap_or(GanMode::Vanilla)
    }

    /// Names of the losses, in the order in which papers name them.
    pub fn loss_names(&self) -> Vec<&str> {
        let named = self.steps.last().map_or(&[][..], |row| &row.losses);
        named.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// A loss by step.
    pub fn loss(&self, wanted: &str) -> Vec<(u64, f64)> {
        let value = |row: &StepRow| {
            let found = row.losses.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| (row.step, *value))
        };
        self.steps.iter().filter_map(value).collect()
    }

    /// Validations of equally many pictures as the first one. In runs of older versions the last
    /// one judges all, which compares with nothing before.
    pub fn comparable_validations(&self) -> Vec<&Validation> {
        let judged = |row: &&Validation| row.evaluation.count > 0;
        let mut rows = self.validations.iter().filter(judged).peekable();
        let count = rows.peek().map(|row| row.evaluation.count);
        rows.filter(|row| Some(row.evaluation.count) == count)
            .collect()
    }

    /// Step and variety of the outputs of this name, where it is known.
    pub fn varieties(&self, name: &str) -> Vec<(u64, f64)> {
        let of = |row: &Validation| {
            let found = row.outputs.iter().find(|outputs| outputs.name == name);
            Some((row.step, found?.variety?))
        };
        self.validations.iter().filter_map(of).collect()
    }

    /// Step and result of the last validation, that of all pictures where there is one.
    pub fn last_evaluation(&self) -> Option<(u64, Evaluation)> {
        let of_all = self
            .finished
            .and_then(|end| Some((end.step, end.evaluation?)));
        let rows = self.validations.iter().rev();
        let judged = rows.map(|row| (row.step, row.evaluation));
        of_all.or_else(|| judged.into_iter().find(|(_, found)| found.count > 0))
    }

    /// Seconds spent in steps and their number, as far as they were measured.
    pub fn total_pace(&self) -> Pace {
        let paces = self.steps.iter().filter_map(|row| row.pace);
        paces.fold(Pace::default(), |total, pace| Pace {
            steps: total.steps + pace.steps,
            seconds: total.seconds + pace.seconds,
            data_seconds: total.data_seconds + pace.data_seconds,
            device_seconds: total.device_seconds + pace.device_seconds,
        })
    }
}

/// Files named after steps.
fn samples(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let is_png = path.extension().is_some_and(|extension| extension == "png");
            let step = path.file_stem()?.to_str()?.parse().ok()?;
            is_png.then_some((step, path))
        })
        .collect();
    found.sort();
    found
}
