//! A generator for inference on a graphics device, with shaders of its own: nothing to tune, and
//! few enough to be ready at once. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test.

mod device;
mod layer;
mod program;

use std::sync::{Mutex, PoisonError};

pub use self::device::{Gpu, GpuError};
use self::layer::GpuLayer;
use self::program::{Program, ProgramBuilder};
use super::architecture::{Resnet, Unet};
use super::features::Size;
use super::tensors::Tensors;
use crate::generator::{Family, GeneratorConfig};
use crate::norm::NormStats;
use crate::state::StateError;
use crate::stored_weights::StoredWeights;

/// A generator for inference on a graphics device.
#[derive(Debug)]
pub struct GpuGenerator {
    gpu: Gpu,
    network: Network,
    in_channels: usize,
    residual: bool,
    /// That of the last picture, for the next of its size.
    program: Mutex<Option<Program>>,
}

#[derive(Debug)]
enum Network {
    Unet(Unet<GpuLayer>),
    Resnet(Resnet<GpuLayer>),
}

impl GpuGenerator {
    /// Takes the tensors of a generator to the device.
    ///
    /// # Errors
    /// Missing, unknown or misshapen tensors and values that are not finite.
    pub fn new(
        config: &GeneratorConfig,
        stats: NormStats,
        weights: impl Into<StoredWeights>,
        gpu: &Gpu,
    ) -> Result<Self, StateError> {
        let mut tensors = Tensors::new(weights.into(), config.norm, stats);
        let layer = |tensors| GpuLayer::new(tensors, gpu);
        let network = match config.arch.family() {
            Family::Unet { depth } => Network::Unet(Unet::new(config, depth, &mut tensors, layer)?),
            Family::Resnet { blocks } => {
                Network::Resnet(Resnet::new(config, blocks, &mut tensors, layer)?)
            }
        };
        tensors.finish()?;
        Ok(Self {
            gpu: gpu.clone(),
            network,
            in_channels: config.in_channels,
            residual: config.residual,
            program: Mutex::default(),
        })
    }

    /// Translates a tensor `[batch, in_channels, height, width]`, row-major, with sides that
    /// follow [`GeneratorArch::size_rule`](crate::GeneratorArch::size_rule), into one of
    /// `[batch, out_channels, height, width]`.
    ///
    /// # Errors
    /// The device lacks memory for feature maps of this size, or fails.
    pub async fn forward(
        &self,
        real_a: &[f32],
        [batch, _, height, width]: [usize; 4],
    ) -> Result<Vec<f32>, GpuError> {
        let size = Size {
            pictures: batch,
            height,
            width,
            channels: self.in_channels,
        };
        let kept = self.kept().take().filter(|program| program.size() == size);
        let program = match kept {
            Some(program) => program,
            None => self.gpu.checked(|| self.program(size)).await??,
        };
        let answer = program.run(&self.gpu, real_a).await;
        *self.kept() = Some(program);
        let mut fake_b = answer?;
        if self.residual {
            for (fake, real) in fake_b.iter_mut().zip(real_a) {
                *fake = (*fake + real).clamp(-1.0, 1.0);
            }
        }
        Ok(fake_b)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Program>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn program(&self, size: Size) -> Result<Program, GpuError> {
        let builder = ProgramBuilder::new(&self.gpu);
        match &self.network {
            Network::Unet(unet) => builder.unet(unet, size),
            Network::Resnet(resnet) => builder.resnet(resnet, size),
        }
    }
}
