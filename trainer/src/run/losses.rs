//! Losses between the device, which makes them, and whoever reads them. Reading waits for the
//! device, so it is done for many steps at once.

use std::time::{Duration, Instant};

use model::training::{LossValues, Losses, LrPolicy, Plateau, Rates};

use crate::config::TrainConfig;

/// How long losses stay unread.
const READ_EVERY: Duration = Duration::from_millis(500);
/// How many losses stay unread.
const READ_AFTER: usize = 50;

/// Losses that nobody has read yet.
pub(super) struct Unread {
    losses: Vec<Losses>,
    since: Instant,
}

impl Unread {
    pub(super) fn new() -> Self {
        Self {
            losses: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Keeps the losses; when it is time, or must be now, reads all: those of the last steps.
    pub(super) fn add(&mut self, losses: Losses, now: bool) -> Option<Vec<LossValues>> {
        self.losses.push(losses);
        let due = self.since.elapsed() >= READ_EVERY || self.losses.len() >= READ_AFTER;
        if !due && !now {
            return None;
        }
        self.since = Instant::now();
        Some(self.losses.drain(..).map(Losses::read).collect())
    }
}

/// The learning rates of a run as it goes on.
pub(super) struct RatePlan<'a> {
    config: &'a TrainConfig,
    pub(super) plateau: Plateau,
}

impl<'a> RatePlan<'a> {
    pub(super) fn new(config: &'a TrainConfig, plateau: Plateau) -> Self {
        Self { config, plateau }
    }

    /// The rates of step number `step`, counted from zero.
    pub(super) fn at(&self, step: u64) -> Rates {
        let factor = match self.config.schedule.policy {
            LrPolicy::Plateau => self.plateau.factor(),
            _ => self.config.schedule.factor(step),
        };
        Rates {
            net_g: self.config.lr * factor,
            net_d: self.config.lr_d * factor,
        }
    }

    pub(super) fn wants_losses_after(&self, step: u64) -> bool {
        let schedule = &self.config.schedule;
        schedule.policy == LrPolicy::Plateau && step.is_multiple_of(schedule.unit_steps.max(1))
    }

    /// Takes the losses of the steps that end with `step`. They are added one by one, so that it
    /// does not matter which of them were read together.
    pub(super) fn observe(&mut self, step: u64, losses: &[LossValues]) {
        if self.config.schedule.policy != LrPolicy::Plateau {
            return;
        }
        for values in losses {
            self.plateau.add(f64::from(values.reconstruction()));
        }
        if self.wants_losses_after(step) {
            self.plateau.end_epoch();
        }
    }
}
