//! One training step of either kind of model.

use super::batch::Batch;
use super::gan::Gan;
use super::hyperparameters::ModelKind;
use super::losses::Losses;
use super::schedule::Rates;
use super::{cyclegan, pix2pix};

impl Gan {
    /// Update number `step` of all networks, on a thread that may wait for the other replicas.
    #[cfg(not(target_family = "wasm"))]
    pub fn step(self, batch: &Batch, step: u64, rates: Rates) -> (Self, Losses) {
        let step = || pollster::block_on(self.step_async(batch, step, rates));
        match crate::network::cpu::is_cpu(&batch.real_a.device()) {
            // Whoever hands work to the pool of threads from outside waits for one to wake up.
            true => crate::vector::threads::among_threads(step),
            // GPU back ends keep memory for every thread they see.
            false => step(),
        }
    }

    /// Update number `step` of all networks; waits for the other replicas, if there are any.
    pub async fn step_async(self, batch: &Batch, step: u64, rates: Rates) -> (Self, Losses) {
        match self.kind {
            ModelKind::Pix2Pix => pix2pix::step(self, batch, step, rates).await,
            ModelKind::CycleGan => cyclegan::step(self, batch, step, rates).await,
        }
    }
}
