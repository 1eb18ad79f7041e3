//! The lines of `metrics.jsonl`: what happened in a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluate::metrics::Evaluation;
use crate::evaluate::snapshot::OutputStatistics;
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
    pub step: u64,
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
