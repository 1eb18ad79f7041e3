//! What happens in a run, told to whoever listens. The loop emits; it never prints.

use std::path::PathBuf;
use std::time::Duration;

use model::training::LossValues;
use serde::Serialize;

use crate::config::TrainConfig;
use crate::evaluate::metrics::Evaluation;
use crate::evaluate::snapshot::Snapshot;
use crate::system::pace::{Pace, in_seconds};

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// Burn compiles and measures kernels for a GPU, anew in each program.
    Preparing {
        /// Device for people.
        device: &'a str,
    },
    /// The run begins.
    Started {
        /// All settings.
        config: &'a TrainConfig,
        /// Device for people.
        device: &'a str,
        train_pairs: usize,
        /// Pairs to validate on.
        validation_pairs: usize,
        /// Folder of the run.
        run: PathBuf,
    },
    /// The run goes on from a checkpoint.
    Resumed {
        /// Steps made so far.
        step: u64,
        /// The checkpoint's folder; `None` when there was none, so that the run begins again.
        checkpoint: Option<PathBuf>,
    },
    /// Steps were made and their losses read.
    Step {
        /// Steps made so far.
        step: u64,
        /// Of how many.
        steps: u64,
        /// Mean losses since the last such event.
        losses: &'a LossValues,
        /// Learning rate of the last step.
        lr: f64,
        /// How fast the steps since the last such event were made.
        pace: Pace,
    },
    /// The network was judged on some of the validation pairs, always the same.
    Validated {
        /// Steps made so far.
        step: u64,
        /// Output and untouched input against the target.
        evaluation: &'a Evaluation,
        /// How many validation pairs there are in all.
        validation_pairs: usize,
        /// Sample grid that was written.
        grid: PathBuf,
        /// What the networks do with a few pairs.
        #[serde(flatten)]
        snapshot: &'a Snapshot,
    },
    /// A checkpoint is safe on disk.
    Checkpoint {
        /// Steps made so far.
        step: u64,
        /// Its folder.
        path: PathBuf,
    },
    /// Something is wrong, but the run goes on.
    Warning {
        /// What, and what to do.
        message: String,
    },
    /// The run is over.
    Finished {
        /// Steps made.
        step: u64,
        /// Time since the start.
        #[serde(rename = "seconds", serialize_with = "in_seconds")]
        elapsed: Duration,
        /// Whether somebody asked it to stop early.
        interrupted: bool,
        /// Last validation, of all pairs unless it was stopped.
        evaluation: &'a Evaluation,
        /// Model folder.
        model: PathBuf,
        /// Model folder of the way back, which CycleGAN learns too.
        model_back: Option<PathBuf>,
        /// Folder of the run.
        run: PathBuf,
    },
}
