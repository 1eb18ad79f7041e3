//! A generator on whatever computes: numbers in, numbers out.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Engine, TranslateError};
use crate::inference::cpu::CpuGenerator;
#[cfg(feature = "gpu")]
use crate::inference::gpu::GpuGenerator;
use crate::model_folder::state::{StateError, load_state};
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::{GeneratorConfig, NormStats};
use crate::network::generator::Generator;
use crate::network::mode::Mode;

/// A generator for inference on an [`Engine`].
#[derive(Debug)]
pub enum LoadedGenerator {
    /// By this crate's own code, on the CPU.
    Cpu(CpuGenerator),
    /// By this crate's own shaders.
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuGenerator>),
    /// By burn.
    Burn {
        /// With its weights.
        generator: Box<Generator>,
        /// Which statistics norms take.
        mode: Mode,
        /// Where it computes.
        device: Device,
    },
}

impl LoadedGenerator {
    /// Takes the tensors of a generator to the engine.
    ///
    /// # Errors
    /// Missing, unknown or misshapen tensors and values that are not finite.
    pub fn new(
        config: &GeneratorConfig,
        stats: NormStats,
        weights: impl Into<StoredWeights>,
        engine: &Engine,
    ) -> Result<Self, StateError> {
        let weights = weights.into();
        Ok(match engine {
            Engine::Cpu => Self::Cpu(CpuGenerator::new(config, stats, weights)?),
            #[cfg(feature = "gpu")]
            Engine::Gpu(gpu) => {
                Self::Gpu(Box::new(GpuGenerator::new(config, stats, weights, gpu)?))
            }
            Engine::Burn(device) => Self::Burn {
                generator: Box::new(load_state(config.init(device), weights)?),
                mode: Mode::Inference(stats),
                device: device.clone(),
            },
        })
    }

    /// Translates a tensor `[batch, in_channels, height, width]`, row-major, with sides that follow
    /// the size rule, into one of `[batch, out_channels, height, width]`.
    ///
    /// # Errors
    /// The device lacks memory for feature maps of this size, or fails.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, real_a: &[f32], shape: [usize; 4]) -> Result<Vec<f32>, TranslateError> {
        pollster::block_on(self.run_async(real_a, shape, &|_, _| ()))
    }

    /// As `run`, for targets that must not block. `progress` hears how many parts of the work are
    /// done, and of how many, where a device takes it in several.
    ///
    /// # Errors
    /// As `run`.
    pub async fn run_async(
        &self,
        real_a: &[f32],
        shape: [usize; 4],
        #[cfg_attr(not(feature = "gpu"), expect(unused_variables))] progress: &dyn Fn(usize, usize),
    ) -> Result<Vec<f32>, TranslateError> {
        match self {
            Self::Cpu(generator) => Ok(generator.forward(real_a, shape)),
            #[cfg(feature = "gpu")]
            Self::Gpu(generator) => Ok(generator.forward(real_a, shape, progress).await?),
            Self::Burn {
                generator,
                mode,
                device,
            } => {
                let real_a = Tensor::from_data(TensorData::new(real_a.to_vec(), shape), device);
                values_of(generator.forward(real_a, *mode).into_data_async().await)
            }
        }
    }
}

fn values_of<E: core::fmt::Debug>(data: Result<TensorData, E>) -> Result<Vec<f32>, TranslateError> {
    let data = data.map_err(|error| TranslateError::Device(format!("{error:?}")))?;
    let values = data.try_to_vec::<f32>();
    values.map_err(|error| TranslateError::Device(format!("{error:?}")))
}
