//! `metrics.jsonl`: losses and validations of a run, a JSON object a line, appended.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::metrics::Evaluation;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum MetricsLine {
    /// Losses.
    Step {
        /// Steps made.
        step: u64,
        /// Learning rate.
        lr: f64,
        /// Losses by name.
        losses: serde_json::Value,
    },
    /// A validation.
    Validated {
        /// Steps made.
        step: u64,
        /// Its result.
        evaluation: Evaluation,
    },
}

/// The open file.
pub(super) struct MetricsFile {
    path: PathBuf,
    file: Option<File>,
    failed: bool,
}

impl MetricsFile {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            file: None,
            failed: false,
        }
    }

    /// Appends what belongs into the file; the first failure gives a message.
    pub(super) fn on(&mut self, event: &Event<'_>) -> Option<String> {
        let line = match event {
            Event::Step {
                step, losses, lr, ..
            } => MetricsLine::Step {
                step: *step,
                lr: *lr,
                losses: serde_json::to_value(losses).unwrap_or_default(),
            },
            Event::Validated {
                step, evaluation, ..
            } => MetricsLine::Validated {
                step: *step,
                evaluation: **evaluation,
            },
            _ => return None,
        };
        let written = self.append(&line);
        match written {
            Err(error) if !self.failed => {
                self.failed = true;
                let path = self.path.display();
                Some(format!(
                    "{path}: cannot be written ({error}); losses are lost"
                ))
            }
            _ => None,
        }
    }

    fn append(&mut self, line: &MetricsLine) -> std::io::Result<()> {
        let mut json = serde_json::to_vec(line)?;
        json.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let opened = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&self.path)?;
                none.insert(opened)
            }
        };
        file.write_all(&json)
    }
}
