//! One training step of either kind of model.

use super::batch::Batch;
use super::gan::Gan;
use super::hyperparameters::ModelKind;
use super::losses::Losses;
use super::schedule::Rates;
use super::{cyclegan, pix2pix};
use crate::network::cpu::is_cpu;

impl Gan {
    /// Update number `step` of all networks.
    pub fn step(self, batch: &Batch, step: u64, rates: Rates) -> (Self, Losses) {
        let step = || match self.kind {
            ModelKind::Pix2Pix => pix2pix::step(self, batch, step, rates),
            ModelKind::CycleGan => cyclegan::step(self, batch, step, rates),
        };
        match is_cpu(&batch.real_a.device()) {
            // Whoever hands work to the pool of threads from outside waits for one to wake up.
            true => rayon::scope(|_| step()),
            // GPU back ends keep memory for every thread they see.
            false => step(),
        }
    }
}
