//! A generator for inference on a graphics device, with shaders of its own: nothing to tune, and
//! few enough to be ready at once. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::device::{Gpu, GpuError};
use super::kept::KeptPrograms;
use super::layer::GpuLayer;
use super::program::Program;
use crate::inference::dataflow::Dataflow;
use crate::inference::tensors::Tensors;
use crate::model_folder::arrays::StateError;
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::GeneratorConfig;
use crate::network::config::NormStats;

/// A generator for inference on a graphics device.
#[derive(Debug)]
pub struct GpuGenerator {
    gpu: Gpu,
    layers: Vec<GpuLayer>,
    dataflow: Dataflow,
    programs: Mutex<KeptPrograms>,
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
        let (weights, plan) = (weights.into(), config.plan());
        let layers =
            Tensors { weights, stats }.layers(&plan, |tensors| GpuLayer::new(tensors, gpu))?;
        Ok(Self {
            gpu: gpu.clone(),
            layers,
            dataflow: Dataflow::new(&plan),
            programs: Mutex::default(),
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
        let size = self.dataflow.image_size(batch, [height, width]);
        let kept = self.programs().take(size);
        let program = match kept {
            Some(program) => program,
            None => {
                let program = || Program::new(&self.gpu, &self.layers, &self.dataflow, size);
                self.gpu.checked(program).await??
            }
        };
        let answer = program.run(&self.gpu, real_a).await;
        self.programs().put(program);
        let mut fake_b = answer?;
        self.dataflow.add_image(&mut fake_b, real_a);
        Ok(fake_b)
    }

    fn programs(&self) -> MutexGuard<'_, KeptPrograms> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
