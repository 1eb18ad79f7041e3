//! What a run folder tells of its run: settings, losses, validations and samples, also of runs
//! that an older version wrote. Nothing here judges or draws.

use std::fs;
use std::path::{Path, PathBuf};

use model::training::GanMode;
use serde_json::Value;
use thiserror::Error;

use crate::evaluate::metrics::Evaluation;
use crate::run_folder::metrics_log::{Finished, MetricsLine, Started, StepRow, Validation};
use crate::system::pace::Pace;

/// A run folder that cannot be read, or its page not written.
#[derive(Debug, Error)]
pub enum ReportError {
    #[error("{path}: cannot be read ({reason}); name the folder of a training run")]
    Read { path: PathBuf, reason: String },
    #[error(transparent)]
    Write(#[from] crate::run_folder::RunFolderError),
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
            MetricsLine::Started(started) => {
                self.finished = None;
                self.started = Some(started);
            }
            MetricsLine::Step(row) => {
                // A resumed run makes steps again that a crash had not saved.
                while self.steps.pop_if(|old| old.step >= row.step).is_some() {}
                self.steps.push(row);
            }
            MetricsLine::Validated(row) => {
                while self
                    .validations
                    .pop_if(|old| old.step >= row.step)
                    .is_some()
                {}
                self.validations.push(row);
            }
            MetricsLine::Warning { step, message } => self.warnings.push((step, message)),
            MetricsLine::Finished(end) => self.finished = Some(end),
        }
    }

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
        let named = self.steps.last().and_then(|row| row.losses.as_object());
        named
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// A loss by step.
    pub fn loss(&self, wanted: &str) -> Vec<(u64, f64)> {
        let value = |row: &StepRow| Some((row.step, row.losses[wanted].as_f64()?));
        self.steps.iter().filter_map(value).collect()
    }

    /// Validations of equally many images as the first one. In runs of older versions the last
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

    /// Step and result of the last validation, that of all images where there is one.
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
