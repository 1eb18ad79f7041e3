//! `metrics.jsonl`: what happened in a run, a JSON object a line, appended.

use std::path::PathBuf;

use super::append_file::AppendFile;
use crate::run::event::Event;
use crate::run_folder::metrics_log::{Finished, MetricsLine, Started, StepRow, Validation};

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
            Event::Preparing { .. } | Event::Checkpoint { .. } | Event::Resumed { .. } => {
                return None;
            }
        })
    }
}
