//! A training run from the first step to the exported model. The loop emits events; whoever
//! listens reports them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use model::{Generator, Mode, Raster};
use thiserror::Error;

use crate::checkpoint::{Progress, RunFolder, RunFolderError};
use crate::config::{Direction, ModelKind, TrainConfig};
use crate::data::inspect;
use crate::data::loader::{Loader, LoaderConfig};
use crate::data::{DataError, Pair, PairSource, PairedBatch};
use crate::event::Event;
use crate::export::{ExportError, Trained, export_generator};
use crate::loss::{LossValues, Losses};
use crate::metrics::Evaluation;
use crate::pace::{Pace, Stopwatch};
use crate::picture::{PictureError, write_rgb_png};
use crate::schedule::{LrPolicy, Plateau, Rates};
use crate::snapshot::Snapshot;
use crate::training_model::TrainingModel;
use crate::validate::{cycle_grid, judge, sample_grid, translate_raster};
use crate::watch::Watch;

/// Pairs in a sample grid.
const GRID_ROWS: usize = 4;
/// Pairs judged during the run; the end judges all.
const VALIDATION_PAIRS: usize = 16;
/// How long losses stay unread: reading them waits for the device.
const READ_EVERY: Duration = Duration::from_millis(500);
/// How many losses stay unread.
const READ_AFTER: usize = 50;

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
    /// A loader thread died.
    #[error("the thread that prepares pictures has died; this is a bug worth reporting")]
    Loader,
    /// Losses are not numbers any more.
    #[error(
        "the losses are not finite at step {step} ({losses}); the last good checkpoint is in \
         {checkpoints}; try a smaller --lr"
    )]
    NotFinite {
        /// Steps made.
        step: u64,
        /// What was read.
        losses: LossValues,
        /// Where checkpoints are.
        checkpoints: PathBuf,
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

/// Data of a run.
pub struct RunData {
    /// Pairs to train on.
    pub train: PairSource,
    /// Pairs to judge on; may be empty.
    pub validation: PairSource,
}

/// Trains, and writes samples, checkpoints and the model folder into `root`.
///
/// # Errors
/// See [`RunError`]; checkpoints written before stay.
pub fn train(
    config: &TrainConfig,
    data: RunData,
    (device, device_name): (&Device, &str),
    root: &Path,
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
    let folder = RunFolder::create(root, config)?;
    listen(&Event::Started {
        config,
        device: device_name,
        train_pairs: data.train.len(),
        validation_pairs: data.validation.len(),
        run: folder.root().to_path_buf(),
    });
    let started = Instant::now();
    let mut run = Run {
        config,
        folder,
        validation: data.validation,
        device,
        listen,
        problems: HashSet::new(),
    };
    run.warn_of(&unreadable);
    for message in inspect::remarks(&data.train, &run.validation, config.frame()) {
        (run.listen)(&Event::Warning { message });
    }
    if data.train.is_empty() {
        let first = unreadable.first().map(ToString::to_string);
        return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
    }
    let training_device = device.clone().autodiff();
    let mut model = TrainingModel::new(config, device);
    if let Some(from) = &config.from {
        let from = RunFolder::open(from);
        let (net_g, _) = from.latest_generator(config, Direction::AtoB, &training_device)?;
        let back = match config.model {
            ModelKind::Pix2Pix => None,
            ModelKind::CycleGan => Some(
                from.latest_generator(config, Direction::BtoA, &training_device)?
                    .0,
            ),
        };
        model.start_from(net_g, back);
    }
    let mut loader = Loader::start(data.train, loader_config(config), 0);
    let mut unread = Unread::new();
    let mut rates = RatePlan::new(config);
    let mut pace = Stopwatch::start();
    let mut step = 0;
    while step < config.steps && !stop.load(Ordering::Relaxed) {
        let batch = pace.wait_for_data(|| run.next_batch(&mut loader, &training_device))?;
        device.seed(config.seed ^ (step + 1));
        let losses;
        (model, losses) = model.step(batch, step, rates.at(step));
        step += 1;
        // What is not a number is not saved.
        let saves = step % config.checkpoint_every == 0;
        let now = step == config.steps || saves || rates.wants_losses_after(step);
        if let Some(losses) = pace.wait_for_device(|| unread.add(losses, now)) {
            let lap = pace.lap(losses.count);
            run.report_losses(step, &losses, rates.at(step - 1), lap)?;
            rates.observe(step, &losses);
        }
        if step % config.sample_every == 0 && step < config.steps {
            pace.aside(|| run.sample(&model, step, VALIDATION_PAIRS))?;
        }
        if saves && step < config.steps {
            pace.aside(|| run.checkpoint(&model, step, &rates))?;
        }
    }
    run.finish(&model, step, &rates, started.elapsed())
}

/// The learning rates of a run as it goes on.
struct RatePlan<'a> {
    config: &'a TrainConfig,
    plateau: Plateau,
    epoch_sum: f64,
    epoch_steps: usize,
}

impl<'a> RatePlan<'a> {
    fn new(config: &'a TrainConfig) -> Self {
        Self {
            config,
            plateau: Plateau::default(),
            epoch_sum: 0.0,
            epoch_steps: 0,
        }
    }

    fn at(&self, step: u64) -> Rates {
        let factor = match self.config.schedule.policy {
            LrPolicy::Plateau => self.plateau.factor(),
            _ => self.config.schedule.factor(step),
        };
        Rates {
            net_g: self.config.lr * factor,
            net_d: self.config.lr_d * factor,
        }
    }

    fn wants_losses_after(&self, step: u64) -> bool {
        let schedule = &self.config.schedule;
        schedule.policy == LrPolicy::Plateau && step.is_multiple_of(schedule.unit_steps.max(1))
    }

    fn observe(&mut self, step: u64, losses: &ReadLosses) {
        self.epoch_sum += f64::from(losses.mean.reconstruction()) * losses.count as f64;
        self.epoch_steps += losses.count;
        if self.wants_losses_after(step) {
            self.plateau
                .observe(self.epoch_sum / self.epoch_steps as f64);
            (self.epoch_sum, self.epoch_steps) = (0.0, 0);
        }
    }
}

struct Run<'a> {
    config: &'a TrainConfig,
    folder: RunFolder,
    validation: PairSource,
    device: &'a Device,
    listen: &'a mut dyn FnMut(&Event<'_>),
    problems: HashSet<String>,
}

impl Run<'_> {
    fn next_batch(
        &mut self,
        loader: &mut Loader,
        device: &Device,
    ) -> Result<PairedBatch, RunError> {
        let loaded = loader.next_batch().ok_or(RunError::Loader)?;
        if loaded.pairs.is_empty() {
            let first = loaded.problems.first().map(ToString::to_string);
            return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
        }
        self.warn_of(&loaded.problems);
        Ok(PairedBatch::new(&loaded.pairs, device))
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

    fn report_losses(
        &mut self,
        step: u64,
        losses: &ReadLosses,
        rates: Rates,
        pace: Pace,
    ) -> Result<(), RunError> {
        if let Some((steps_ago, losses)) = &losses.not_finite {
            return Err(RunError::NotFinite {
                step: step - steps_ago,
                losses: losses.clone(),
                checkpoints: self.folder.root().join("checkpoints"),
            });
        }
        let steps = self.config.steps;
        (self.listen)(&Event::Step {
            step,
            steps,
            losses: &losses.mean,
            lr: rates.net_g,
            pace,
        });
        Ok(())
    }

    fn sample(
        &mut self,
        model: &TrainingModel,
        step: u64,
        pairs: usize,
    ) -> Result<Evaluation, RunError> {
        let Some(net_g) = model.generator(Direction::AtoB) else {
            return Ok(Evaluation::default());
        };
        if self.validation.is_empty() {
            return Ok(Evaluation::default());
        }
        let (frame, source) = (self.config.validation_frame(), &self.validation);
        let mode = Mode::Inference(self.config.norm_stats);
        let translate = |net_g: &Generator, picture: &Raster| {
            translate_raster(net_g, mode, picture, self.device)
        };
        let mut problems = Vec::new();
        let (evaluation, grid) = match model.generator(Direction::BtoA) {
            // Without pairs there is no target to compare with.
            Some(back) => {
                let networks = (&net_g, &back);
                let grid = cycle_grid(source, frame, GRID_ROWS, networks, translate);
                (Evaluation::default(), grid)
            }
            None => {
                let translate = |pair: &Pair| translate(&net_g, &pair.real_a);
                let rows = judge(source, frame, pairs, translate, |error| {
                    problems.push(error);
                });
                (
                    Evaluation::from_rows(&rows),
                    sample_grid(source, frame, GRID_ROWS, translate),
                )
            }
        };
        self.warn_of(&problems);
        let path = self.folder.samples().join(format!("{step:08}.png"));
        write_rgb_png(&path, grid)?;
        (self.listen)(&Event::Validated {
            step,
            evaluation: &evaluation,
            grid: path,
            snapshot: &Snapshot::take(model, self.config, &self.validation, self.device),
        });
        Ok(evaluation)
    }

    fn checkpoint(
        &mut self,
        model: &TrainingModel,
        step: u64,
        rates: &RatePlan<'_>,
    ) -> Result<(), RunError> {
        let plateau = rates.plateau;
        let path = self.folder.save(model, Progress { step, plateau })?;
        (self.listen)(&Event::Checkpoint { step, path });
        Ok(())
    }

    fn finish(
        mut self,
        model: &TrainingModel,
        step: u64,
        rates: &RatePlan<'_>,
        elapsed: Duration,
    ) -> Result<Outcome, RunError> {
        let interrupted = step < self.config.steps;
        self.checkpoint(model, step, rates)?;
        let pairs = match interrupted {
            true => VALIDATION_PAIRS,
            false => self.validation.len(),
        };
        let evaluation = self.sample(model, step, pairs)?;
        let export = |direction, output: PathBuf| -> Result<Option<PathBuf>, RunError> {
            let Some(generator) = model.generator(direction) else {
                return Ok(None);
            };
            let trained = Trained {
                config: self.config,
                direction,
                steps: step,
                evaluation: &evaluation,
            };
            export_generator(&trained, &generator, &output)?;
            Ok(Some(output))
        };
        export(Direction::AtoB, self.folder.export())?;
        let model_back = export(Direction::BtoA, self.folder.export_back())?;
        (self.listen)(&Event::Finished {
            step,
            elapsed,
            interrupted,
            evaluation: &evaluation,
            model: self.folder.export(),
            model_back,
            run: self.folder.root().to_path_buf(),
        });
        Ok(match interrupted {
            true => Outcome::Interrupted,
            false => Outcome::Finished,
        })
    }
}

/// Losses that nobody has read yet.
struct Unread {
    losses: Vec<Losses>,
    since: Instant,
}

impl Unread {
    fn new() -> Self {
        Self {
            losses: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Keeps the losses; when it is time, or must be now, reads all.
    fn add(&mut self, losses: Losses, now: bool) -> Option<ReadLosses> {
        self.losses.push(losses);
        let due = self.since.elapsed() >= READ_EVERY || self.losses.len() >= READ_AFTER;
        if !due && !now {
            return None;
        }
        self.since = Instant::now();
        let values: Vec<LossValues> = self.losses.drain(..).map(Losses::read).collect();
        let bad = values.iter().position(|values| !values.is_finite());
        Some(ReadLosses {
            mean: LossValues::mean(&values),
            count: values.len(),
            not_finite: bad.map(|index| ((values.len() - 1 - index) as u64, values[index].clone())),
        })
    }
}

/// Losses of the last steps.
struct ReadLosses {
    mean: LossValues,
    count: usize,
    /// How many steps ago losses were not finite for the first time, and those losses.
    not_finite: Option<(u64, LossValues)>,
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
