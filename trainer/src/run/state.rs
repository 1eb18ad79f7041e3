//! A run as it goes on, and what it is told to do.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;

use crate::config::TrainConfig;
use crate::data::{DataError, PairSource};
use crate::evaluate::metrics::Evaluation;
use crate::run::event::Event;
use crate::run_folder::{Progress, RunFolder};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step was made.
    Finished,
    /// Asked to stop; everything is saved.
    Interrupted,
}

/// The folder of a run, and whether there is something in it.
#[derive(Clone, Debug)]
pub enum Start {
    /// A new run.
    New(PathBuf),
    /// A run that goes on, or begins again where there is no checkpoint.
    Resumed(PathBuf),
}

impl Start {
    pub fn root(&self) -> &Path {
        match self {
            Self::New(root) | Self::Resumed(root) => root,
        }
    }
}

pub struct RunData {
    pub train: PairSource,
    /// Pairs to judge on; may be empty.
    pub validation: PairSource,
}

/// A run as it goes on.
pub(super) struct Run<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) folder: RunFolder,
    pub(super) validation: PairSource,
    pub(super) devices: &'a [Device],
    pub(super) listen: &'a mut dyn FnMut(&Event<'_>),
    pub(super) problems: HashSet<String>,
    pub(super) progress: Progress,
    /// Step of the last checkpoint.
    pub(super) saved: Option<u64>,
    /// Step and result of the last validation.
    pub(super) validated: Option<(u64, Evaluation)>,
    pub(super) started: Instant,
}

impl Run<'_> {
    /// The device that samples are made on, and from which the networks come.
    pub(super) fn device(&self) -> &Device {
        &self.devices[0]
    }

    /// Names each image that was left out, once.
    pub(super) fn warn_of(&mut self, problems: &[DataError]) {
        for problem in problems {
            let message = format!("left out: {problem}");
            if self.problems.insert(message.clone()) {
                (self.listen)(&Event::Warning { message });
            }
        }
    }
}
