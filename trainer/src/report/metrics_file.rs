//! `metrics.jsonl`: what happened in a run, a JSON object a line, appended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::append_file::AppendFile;
use crate::evaluate::metrics::Evaluation;
use crate::evaluate::snapshot::OutputStatistics;
use crate::run::event::Event;
use crate::system::pace::Pace;

/// A line of the file. Older runs lack what has a default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum MetricsLine {
    /// The run begins, or goes on.
    Started(Started),
    Step(StepRow),
    Validated(Validation),
    /// What was wrong, and what to do.
    Warning {
        step: u64,
        message: String,
    },
    Finished(Finished),
}

/// How a run began.
#[derive(Debug, Serialize, Deserialize)]
pub struct Started {
    /// Device for people.
    pub device: String,
    pub train_pairs: usize,
    pub validation_pairs: usize,
    /// Version of this program.
    pub version: String,
}

/// Losses of some steps.
#[derive(Debug, Serialize, Deserialize)]
pub struct StepRow {
    /// Steps made.
    pub step: u64,
    /// Learning rate.
    pub lr: f64,
    /// By name.
    pub losses: Value,
    /// How fast the steps since the last such line were made.
    #[serde(default)]
    pub pace: Option<Pace>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Validation {
    pub step: u64,
    pub evaluation: Evaluation,
    /// How the outputs vary.
    #[serde(default)]
    pub outputs: Vec<OutputStatistics>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Finished {
    pub step: u64,
    /// Time since the start or the resumption.
    pub seconds: f64,
    /// Whether somebody asked it to stop early.
    pub interrupted: bool,
    /// The last validation, of all pairs unless it was stopped early.
    #[serde(default)]
    pub evaluation: Option<Evaluation>,
}

impl MetricsLine {
    /// Steps made when it was written.
    pub fn step(&self) -> u64 {
        match self {
            Self::Started(_) => 0,
            Self::Step(row) => row.step,
            Self::Validated(row) => row.step,
            Self::Warning { step, .. } => *step,
            Self::Finished(end) => end.step,
        }
    }
}

/// The open file.
pub(super) struct MetricsFile {
    file: AppendFile,
    step: u64,
}

impl MetricsFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            file: AppendFile::new(path),
            step: 0,
        }
    }

    /// Appends what belongs into the file; a failure gives a message, once.
    pub(super) fn on(&mut self, event: &Event<'_>) -> Option<String> {
        let line = self.line(event)?;
        let mut json = serde_json::to_vec(&line).unwrap_or_default();
        json.push(b'\n');
        self.file.append(&json, "losses are lost")
    }

    fn line(&mut self, event: &Event<'_>) -> Option<MetricsLine> {
        Some(match event {
            Event::Started {
                device,
                train_pairs,
                validation_pairs,
                ..
            } => MetricsLine::Started(Started {
                device: (*device).to_string(),
                train_pairs: *train_pairs,
                validation_pairs: *validation_pairs,
                version: env!("CARGO_PKG_VERSION").to_string(),
            }),
            Event::Step {
                step,
                losses,
                lr,
                pace,
                ..
            } => {
                self.step = *step;
                MetricsLine::Step(StepRow {
                    step: *step,
                    lr: *lr,
                    losses: serde_json::to_value(losses).unwrap_or_default(),
                    pace: Some(*pace),
                })
            }
            Event::Validated {
                step,
                evaluation,
                snapshot,
                ..
            } => MetricsLine::Validated(Validation {
                step: *step,
                evaluation: **evaluation,
                outputs: snapshot.outputs.clone(),
            }),
            Event::Warning { message } => MetricsLine::Warning {
                step: self.step,
                message: message.clone(),
            },
            Event::Finished {
                step,
                elapsed,
                interrupted,
                evaluation,
                ..
            } => MetricsLine::Finished(Finished {
                step: *step,
                seconds: elapsed.as_secs_f64(),
                interrupted: *interrupted,
                evaluation: (evaluation.count > 0).then_some(**evaluation),
            }),
            Event::Checkpoint { .. } | Event::Resumed { .. } => return None,
        })
    }
}
