//! A generator made ready to translate on a CPU, and nothing else: its weights packed once, norms
//! of fixed statistics taken into them, buffers kept between pictures. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test, in a fraction of the
//! time.

mod architecture;
mod convolution;
mod features;
#[cfg(feature = "gpu")]
mod gpu;
mod kernel;
mod layer;
mod packing;
mod parallel;
mod resnet;
mod strips;
mod sums;
mod tensors;
mod unet;

use std::sync::{Mutex, PoisonError};

use self::architecture::{Resnet, Unet};
use self::features::Size;
#[cfg(feature = "gpu")]
pub use self::gpu::{Gpu, GpuError, GpuGenerator};
use self::layer::Layer;
use self::parallel::among_threads;
use self::strips::KeptBuffers;
pub use self::strips::{Exchange, Strips};
use self::sums::Sums;
use self::tensors::Tensors;
use crate::generator::{Family, GeneratorConfig};
use crate::norm::NormStats;
use crate::state::StateError;
use crate::stored_weights::StoredWeights;

/// A generator for inference on the CPU.
#[derive(Debug)]
pub struct CpuGenerator {
    network: Network,
    in_channels: usize,
    residual: bool,
    weights_bytes: usize,
    strip_buffers: KeptBuffers,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a program holds one or two")]
enum Network {
    Unet(Ready<Unet<Layer>>),
    Resnet(Ready<Resnet<Layer>>),
}

/// Packed layers of an architecture.
trait Layers {
    /// Room for what goes from layer to layer.
    type Features;

    /// Room for inputs of `size`.
    fn features(&self, size: Size) -> Self::Features;

    /// From a tensor of the size that `features` is made for to a tensor.
    fn forward(&self, real_a: &[f32], features: &mut Self::Features, sums: &mut Sums) -> Vec<f32>;
}

/// Layers, and the buffers of the last picture for the next of its size.
#[derive(Debug)]
struct Ready<L: Layers> {
    layers: L,
    buffers: Mutex<Option<(Size, L::Features, Sums)>>,
}

impl<L: Layers> Ready<L> {
    fn new(layers: L) -> Self {
        Self {
            layers,
            buffers: Mutex::new(None),
        }
    }

    fn forward(&self, real_a: &[f32], size: Size) -> Vec<f32> {
        // What a panic leaves behind is overwritten like everything else.
        let buffers = self.buffers.lock();
        let mut buffers = buffers.unwrap_or_else(PoisonError::into_inner);
        let fitting = buffers.take().filter(|(kept, ..)| *kept == size);
        let (_, features, sums) = buffers
            .insert(fitting.unwrap_or_else(|| (size, self.layers.features(size), Sums::default())));
        self.layers.forward(real_a, features, sums)
    }
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
        let mut tensors = Tensors::new(weights, config.norm, stats);
        let network = match config.arch.family() {
            Family::Unet { depth } => {
                let unet = Unet::new(config, depth, &mut tensors, Layer::new)?;
                Network::Unet(Ready::new(unet))
            }
            Family::Resnet { blocks } => {
                let resnet = Resnet::new(config, blocks, &mut tensors, Layer::new)?;
                Network::Resnet(Ready::new(resnet))
            }
        };
        tensors.finish()?;
        Ok(Self {
            network,
            in_channels: config.in_channels,
            residual: config.residual,
            weights_bytes,
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
        let mut fake_b = among_threads(|| match &self.network {
            Network::Unet(unet) => unet.forward(real_a, size),
            Network::Resnet(resnet) => resnet.forward(real_a, size),
        });
        self.add_input(&mut fake_b, real_a);
        fake_b
    }

    /// How `workers` share an input of this height and width; `None` where they cannot: only
    /// U-Nets whose norms have fixed statistics can be shared, and only inputs with rows for all.
    pub fn strips(&self, size: [usize; 2], workers: usize) -> Option<Strips<'_>> {
        match &self.network {
            Network::Unet(unet) if unet.layers.is_local() => {
                Strips::new(self, &unet.layers, size, workers)
            }
            _ => None,
        }
    }

    fn add_input(&self, fake_b: &mut [f32], real_a: &[f32]) {
        if self.residual {
            for (fake, real) in fake_b.iter_mut().zip(real_a) {
                *fake = (*fake + real).clamp(-1.0, 1.0);
            }
        }
    }
}
