//! A training run from the first step to the exported model. The loop emits events; whoever
//! listens reports them. What is kept of a run, and how it is judged, lies beside it.

pub mod event;
mod keep;
mod losses;
pub mod replicas;
mod start;
mod validation;
pub mod watch;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;
use thiserror::Error;

use crate::config::TrainConfig;
use crate::convert::export::ExportError;
use crate::data::inspect;
use crate::data::inspect::depths;
use crate::data::loader::{Loader, LoaderConfig};
use crate::data::{DataError, Pair, PairSource};
use crate::evaluate::metrics::Evaluation;
use crate::image_file::PictureError;
use crate::run::event::Event;
use crate::run::replicas::Replicas;
use crate::run::watch::Watch;
use crate::run_folder::{Progress, RunFolder, RunFolderError, RunLock};
use crate::system::device::ChosenDevices;
use crate::system::pace::{Pace, Stopwatch};
use losses::{RatePlan, Unread};
use model::training::Gan;
use model::training::LossValues;
use model::training::Rates;
/// Why a run stopped before its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// The run folder.
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    /// The data as a whole.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A sample grid could not be written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The model could not be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// No picture of the training set can be used.
    #[error("no training picture can be used; the first problem: {0}")]
    NothingToTrainOn(String),
    /// The pictures are not those that the run was started with.
    #[error(
        "the data set has {found} pairs to train on, {expected} when the run was started; bring the \
         pictures back, or start a new run with --from {run}"
    )]
    DataChanged {
        /// Pairs that can be used now.
        found: usize,
        /// Pairs then.
        expected: usize,
        /// Folder of the run.
        run: PathBuf,
    },
    /// The networks of the run to start from have another shape.
    #[error(
        "--from {run}: its generator has another shape than this run's ({differences}); pass the \
         same flags as there, or start without --from"
    )]
    OtherShape {
        /// Folder of the other run.
        run: PathBuf,
        /// What differs: there, and here.
        differences: String,
    },
    /// A loader thread died.
    #[error("the thread that prepares pictures has died; this is a bug worth reporting")]
    Loader,
    /// No threads for several devices.
    #[error("the threads of the devices cannot be started ({0}); name fewer with --device")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Losses are not numbers any more.
    #[error("the losses are not finite at step {step} ({losses}); {remedy}")]
    NotFinite {
        /// Steps made.
        step: u64,
        /// What was read.
        losses: LossValues,
        /// Where to go on from, and how.
        remedy: String,
    },
    /// Weights are not numbers any more, though losses are.
    #[error("the weights of {network} are not finite after step {step}; {remedy}")]
    WeightsNotFinite {
        /// Steps made.
        step: u64,
        /// The network.
        network: String,
        /// Where to go on from, and how.
        remedy: String,
    },
}

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
    /// The folder.
    pub fn root(&self) -> &Path {
        match self {
            Self::New(root) | Self::Resumed(root) => root,
        }
    }
}

/// Data of a run.
pub struct RunData {
    /// Pairs to train on.
    pub train: PairSource,
    /// Pairs to judge on; may be empty.
    pub validation: PairSource,
}

/// Trains, and writes samples, checkpoints and the model folder into the folder of `start`. A
/// run that goes on is the same run: the weights at its end are those of a run that never
/// stopped.
///
/// # Errors
/// See [`RunError`]; checkpoints written before stay.
pub fn train(
    config: &TrainConfig,
    data: RunData,
    chosen: &ChosenDevices,
    start: &Start,
    stop: &AtomicBool,
    listen: &mut dyn FnMut(&Event<'_>),
) -> Result<Outcome, RunError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut watch = Watch::new(config, threads);
    let listen = &mut |event: &Event<'_>| {
        listen(event);
        for message in watch.on(event) {
            listen(&Event::Warning { message });
        }
    };
    let mut data = data;
    let mut unreadable = data.train.drop_unusable(config.frame())?;
    unreadable.extend(data.validation.drop_unusable(config.validation_frame())?);
    if data.train.is_empty() {
        let first = unreadable.first().map(ToString::to_string);
        return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
    }
    let mut remarks = depths::check(&data.train, config.data.direction).map_err(DataError::from)?;
    let first_networks = match start {
        Start::New(_) => start::other_generators(config, &chosen.devices[0])?,
        Start::Resumed(_) => None,
    };
    let (folder, _lock) = match start {
        Start::New(root) => RunFolder::create(root, config)?,
        Start::Resumed(root) => {
            let lock = RunLock::take(root)?;
            (RunFolder::open(root), lock)
        }
    };
    // Numbers may lose a bit on their way through the file, so every part of a run reads them there.
    let config = &match start {
        Start::New(_) => folder.config()?,
        Start::Resumed(_) => config.clone(),
    };
    listen(&Event::Started {
        config,
        device: &chosen.name,
        train_pairs: data.train.len(),
        validation_pairs: data.validation.len(),
        run: folder.root().to_path_buf(),
    });
    let mut run = Run {
        config,
        folder,
        validation: data.validation,
        devices: &chosen.devices,
        listen,
        problems: HashSet::new(),
        progress: Progress::default(),
        saved: None,
        validated: None,
        started: Instant::now(),
    };
    run.warn_of(&unreadable);
    remarks.extend(inspect::remarks(
        &data.train,
        &run.validation,
        config.frame(),
    ));
    for message in remarks {
        (run.listen)(&Event::Warning { message });
    }
    if data.train.is_empty() {
        let first = unreadable.first().map(ToString::to_string);
        return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
    }
    let model = match start {
        Start::New(_) => run.begin(data.train.len(), first_networks),
        Start::Resumed(_) => run.resume(data.train.len())?,
    };
    let first_step = run.progress.step;
    let loader = Loader::start(data.train, loader_config(config), first_step);
    run.go_on(model, loader, stop)
}

struct Run<'a> {
    config: &'a TrainConfig,
    folder: RunFolder,
    validation: PairSource,
    devices: &'a [Device],
    listen: &'a mut dyn FnMut(&Event<'_>),
    problems: HashSet<String>,
    progress: Progress,
    /// Step of the last checkpoint.
    saved: Option<u64>,
    /// Step and result of the last validation.
    validated: Option<(u64, Evaluation)>,
    started: Instant,
}

impl Run<'_> {
    /// All steps that are left, and the end.
    fn go_on(
        mut self,
        model: Gan,
        mut loader: Loader,
        stop: &AtomicBool,
    ) -> Result<Outcome, RunError> {
        let config = self.config;
        let mut replicas = Replicas::new(model, self.devices)?;
        let mut unread = Unread::new();
        let mut rates = RatePlan::new(config, self.progress.plateau);
        let mut step = self.progress.step;
        let mut pace = Stopwatch::start();
        let mut stopping = stop.load(Ordering::Relaxed);
        while step < config.steps && !stopping {
            let batches = pace.wait_for_data(|| {
                let pairs = self.next_pairs(&mut loader)?;
                Ok::<_, RunError>(replicas.share_out(&pairs))
            })?;
            let losses;
            (replicas, losses) = replicas.step(batches, step, rates.at(step));
            step += 1;
            stopping = stop.load(Ordering::Relaxed);
            let is_last = step == config.steps || stopping;
            let sample = step.is_multiple_of(config.sample_every);
            let checkpoint = step.is_multiple_of(config.checkpoint_every);
            let now = is_last || sample || checkpoint || rates.wants_losses_after(step);
            if let Some(losses) = pace.wait_for_device(|| unread.add(losses, now)) {
                let lap = pace.lap(losses.len());
                self.report_losses(step, &losses, rates.at(step - 1), lap)?;
                rates.observe(step, &losses);
                self.progress.plateau = rates.plateau;
            }
            self.progress.step = step;
            if is_last || sample || checkpoint {
                pace.aside(|| self.check_weights(replicas.lead()))?;
            }
            if step == config.steps {
                break;
            }
            let is_best = sample && pace.aside(|| self.sample_and_judge(replicas.lead()));
            if checkpoint || is_best {
                pace.aside(|| self.try_checkpoint(replicas.lead()));
            }
        }
        self.finish(replicas.lead())
    }

    /// The device that samples are made on, and from which the networks come.
    fn device(&self) -> &Device {
        &self.devices[0]
    }

    fn next_pairs(&mut self, loader: &mut Loader) -> Result<Vec<Pair>, RunError> {
        let loaded = loader.next_batch().ok_or(RunError::Loader)?;
        if loaded.pairs.is_empty() {
            let first = loaded.problems.first().map(ToString::to_string);
            return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
        }
        self.warn_of(&loaded.problems);
        Ok(loaded.pairs)
    }

    /// Names each picture that was left out, once.
    fn warn_of(&mut self, problems: &[DataError]) {
        for problem in problems {
            let message = format!("left out: {problem}");
            if self.problems.insert(message.clone()) {
                (self.listen)(&Event::Warning { message });
            }
        }
    }

    /// Reports the losses of the steps that end with `step`.
    fn report_losses(
        &mut self,
        step: u64,
        losses: &[LossValues],
        rates: Rates,
        pace: Pace,
    ) -> Result<(), RunError> {
        if let Some(index) = losses.iter().position(|values| !values.is_finite()) {
            return Err(RunError::NotFinite {
                step: step - (losses.len() - 1 - index) as u64,
                losses: losses[index].clone(),
                remedy: self.remedy_of_divergence(),
            });
        }
        if self.config.keep_best {
            for values in losses {
                let loss = f64::from(values.reconstruction());
                self.progress.since_sample.add(loss);
            }
        }
        (self.listen)(&Event::Step {
            step,
            steps: self.config.steps,
            losses: &LossValues::mean(losses),
            lr: rates.net_g,
            pace,
        });
        Ok(())
    }
}

fn loader_config(config: &TrainConfig) -> LoaderConfig {
    LoaderConfig {
        seed: config.seed,
        batch: config.batch as usize,
        frame: config.frame(),
        flip: config.flip,
        workers: config.workers as usize,
    }
}
