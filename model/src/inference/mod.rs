//! A generator made ready to translate on a CPU, and nothing else: its weights packed once, norms
//! of fixed statistics taken into them, buffers kept between pictures. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test, in a fraction of the
//! time.

mod convolution;
mod features;
#[cfg(feature = "gpu")]
mod gpu;
mod kernel;
mod layer;
mod network;
mod packing;
mod parallel;
mod schedule;
mod strips;
mod sums;
mod tensors;

use std::sync::{Mutex, PoisonError};

use self::features::{Features, Size};
#[cfg(feature = "gpu")]
pub use self::gpu::{Gpu, GpuError, GpuGenerator};
use self::network::Network;
use self::parallel::among_threads;
use self::strips::KeptBuffers;
pub use self::strips::{Exchange, Strips};
use self::sums::Sums;
use self::tensors::Tensors;
use crate::generator::GeneratorConfig;
use crate::norm::NormStats;
use crate::state::StateError;
use crate::stored_weights::StoredWeights;

/// A generator for inference on the CPU.
#[derive(Debug)]
pub struct CpuGenerator {
    network: Network,
    in_channels: usize,
    adds_input: bool,
    weights_bytes: usize,
    /// Those of the last image, for the next of its size.
    buffers: Mutex<Option<Buffers>>,
    strip_buffers: KeptBuffers,
}

#[derive(Debug)]
struct Buffers {
    size: Size,
    features: Vec<Features>,
    sums: Sums,
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
        let plan = config.plan();
        Ok(Self {
            network: Network::new(&plan, Tensors { weights, stats })?,
            in_channels: plan.in_channels,
            adds_input: plan.adds_input,
            weights_bytes,
            buffers: Mutex::default(),
            strip_buffers: KeptBuffers::default(),
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
        let size = Size {
            pictures: batch,
            height,
            width,
            channels: self.in_channels,
        };
        let mut fake_b = among_threads(|| self.forward_kept(real_a, size));
        if self.adds_input {
            add_input(&mut fake_b, real_a);
        }
        fake_b
    }

    /// How `workers` share an input of this height and width; `None` where they cannot: only
    /// U-Nets whose norms have fixed statistics can be shared, and only inputs with rows for all.
    pub fn strips(&self, size: [usize; 2], workers: usize) -> Option<Strips<'_>> {
        Strips::new(self, size, workers)
    }

    fn forward_kept(&self, real_a: &[f32], size: Size) -> Vec<f32> {
        // A panic leaves none behind.
        let mut buffers = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = buffers.take().filter(|kept| kept.size == size);
        let mut kept = fitting.unwrap_or_else(|| Buffers {
            size,
            features: self
                .network
                .features(size, |shape| size.height >> shape.level),
            sums: Sums::default(),
        });
        let fake_b = self
            .network
            .forward(real_a, &mut kept.features, &mut kept.sums);
        *buffers = Some(kept);
        fake_b
    }
}

/// Where the network gives a correction of its input.
fn add_input(fake_b: &mut [f32], real_a: &[f32]) {
    for (fake, real) in fake_b.iter_mut().zip(real_a) {
        *fake = (*fake + real).clamp(-1.0, 1.0);
    }
}
