//! A generator made ready to translate on a CPU: its weights packed once, norms of fixed statistics
//! taken into them, buffers kept between images. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test, in a fraction of the
//! time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::buffers::{Buffers, MadeFor};
use super::network::CpuNetwork;
use crate::inference::dataflow::MapShape;
use crate::inference::tensors::Tensors;
use crate::model_folder::arrays::StateError;
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::{GeneratorConfig, NormStats};
use crate::vector::threads::among_threads;

/// A generator for inference on the CPU.
#[derive(Debug)]
pub struct CpuGenerator {
    pub(super) network: CpuNetwork,
    weights_bytes: usize,
    /// Those of the last image, for the next of its size.
    buffers: Mutex<Option<Buffers>>,
}

impl CpuGenerator {
    /// Packs the tensors of a generator.
    ///
    /// # Errors
    /// Missing, unknown or misshapen tensors and values that are not finite.
    pub fn new(
        config: &GeneratorConfig,
        stats: NormStats,
        weights: impl Into<StoredWeights>,
    ) -> Result<Self, StateError> {
        let weights = weights.into();
        let weights_bytes = weights.values() * size_of::<f32>();
        Ok(Self {
            network: CpuNetwork::new(&config.plan(), Tensors { weights, stats })?,
            weights_bytes,
            buffers: Mutex::default(),
        })
    }

    /// What the weights take in memory.
    pub fn weights_bytes(&self) -> usize {
        self.weights_bytes
    }

    /// Translates a tensor `[batch, in_channels, height, width]`, row-major, with sides that
    /// follow [`GeneratorArch::size_rule`](crate::GeneratorArch::size_rule), into one of
    /// `[batch, out_channels, height, width]`.
    pub fn forward(&self, real_a: &[f32], [batch, _, height, width]: [usize; 4]) -> Vec<f32> {
        let made_for = MadeFor {
            size: self.network.dataflow.image_size(batch, [height, width]),
            workers: 1,
            worker: 0,
        };
        among_threads(|| {
            // The next image waits for the buffers of this one.
            let mut kept = self.buffers();
            let fitting = kept.take().filter(|buffers| buffers.fit(made_for));
            let mut buffers = fitting.unwrap_or_else(|| {
                let rows = |shape: MapShape| height >> shape.level;
                Buffers::new(&self.network.dataflow, made_for, rows)
            });
            let fake_b = self.network.forward(real_a, &mut buffers);
            *kept = Some(buffers);
            fake_b
        })
    }

    /// A panic leaves none behind.
    pub(super) fn buffers(&self) -> MutexGuard<'_, Option<Buffers>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
