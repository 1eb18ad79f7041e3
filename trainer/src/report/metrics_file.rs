//! `metrics.jsonl`: what happened in a run, a JSON object a line, appended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::append_file::AppendFile;
use crate::event::Event;
use crate::metrics::Evaluation;
use crate::pace::Pace;
use crate::snapshot::OutputStatistics;

/// A line of the file. Older runs lack what has a default.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum MetricsLine {
    /// The run begins, or goes on.
    Started {
        /// Device for people.
        device: String,
        train_pairs: usize,
        /// Pairs to validate on.
        validation_pairs: usize,
        /// Version of this program.
        version: String,
    },
    /// Losses.
    Step {
        /// Steps made.
        step: u64,
        /// Learning rate.
        lr: f64,
        /// Losses by name.
        losses: serde_json::Value,
        /// How fast the steps since the last such line were made.
        #[serde(default)]
        pace: Option<Pace>,
    },
    /// A validation.
    Validated {
        /// Steps made.
        step: u64,
        /// Its result.
        evaluation: Evaluation,
        /// How the outputs vary.
        #[serde(default)]
        outputs: Vec<OutputStatistics>,
    },
    /// Something was wrong.
    Warning {
        /// Steps made.
        step: u64,
        /// What, and what to do.
        message: String,
    },
    /// The run is over.
    Finished {
        /// Steps made.
        step: u64,
        /// Time since the start or the resumption.
        seconds: f64,
        /// Whether somebody asked it to stop early.
        interrupted: bool,
        /// The last validation, of all pairs unless it was stopped early.
        #[serde(default)]
        evaluation: Option<Evaluation>,
    },
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
            } => MetricsLine::Started {
                device: (*device).to_string(),
                train_pairs: *train_pairs,
                validation_pairs: *validation_pairs,
                version: env!("CARGO_PKG_VERSION").to_string(),
            },
            Event::Step {
                step,
                losses,
                lr,
                pace,
                ..
            } => {
                self.step = *step;
                MetricsLine::Step {
                    step: *step,
                    lr: *lr,
                    losses: serde_json::to_value(losses).unwrap_or_default(),
                    pace: Some(*pace),
                }
            }
            Event::Validated {
                step,
                evaluation,
                snapshot,
                ..
            } => MetricsLine::Validated {
                step: *step,
                evaluation: **evaluation,
                outputs: snapshot.outputs.clone(),
            },
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
            } => MetricsLine::Finished {
                step: *step,
                seconds: elapsed.as_secs_f64(),
                interrupted: *interrupted,
                evaluation: (evaluation.count > 0).then_some(**evaluation),
            },
            Event::Checkpoint { .. } | Event::Resumed { .. } => return None,
        })
    }
}
