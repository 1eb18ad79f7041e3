//! Step by step, from the first to the exported model.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use model::training::{Gan, LossValues, Rates};

use super::device_check::check_before_a_run;
use super::error::RunError;
use super::losses::{RatePlan, Unread};
use super::start;
use super::state::{Outcome, Run, RunData, Start};
use crate::config::TrainConfig;
use crate::data::Pair;
use crate::data::inspect::{self, depths};
use crate::data::loader::Loader;
use crate::run::event::Event;
use crate::run::replicas::Replicas;
use crate::run::watch::Watch;
use crate::run_folder::{Progress, RunFolder, RunLock};
use crate::system::device::ChosenDevices;
use crate::system::pace::{Pace, Stopwatch};

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
    if chosen.is_gpu {
        listen(&Event::Preparing {
            device: &chosen.name,
        });
    }
    check_before_a_run(config, chosen)?;
    let mut remarks = depths::check(&data.train, config.data.direction)?;
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
    let model = match start {
        Start::New(_) => run.begin(data.train.len(), first_networks),
        Start::Resumed(_) => run.resume(data.train.len())?,
    };
    let first_step = run.progress.step;
    let loader = Loader::start(data.train, config.loader(), first_step);
    run.go_on(model, loader, stop)
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
            let pairs = pace.wait_for_data(|| self.next_pairs(&mut loader))?;
            let losses;
            (replicas, losses) = replicas.step(&pairs, step, rates.at(step));
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

    fn next_pairs(&mut self, loader: &mut Loader) -> Result<Vec<Pair>, RunError> {
        let loaded = loader.next_batch().ok_or(RunError::Loader)?;
        if loaded.pairs.is_empty() {
            let first = loaded.problems.first().map(ToString::to_string);
            return Err(RunError::NothingToTrainOn(first.unwrap_or_default()));
        }
        self.warn_of(&loaded.problems);
        Ok(loaded.pairs)
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
