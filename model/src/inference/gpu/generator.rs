//! A generator for inference on a graphics device, with shaders of its own: nothing to tune, and
//! few enough to be ready at once. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::device::{Gpu, GpuError};
use super::kept::KeptPrograms;
use super::layer::GpuLayer;
use super::program::Program;
use crate::inference::dataflow::{Dataflow, Size};
use crate::inference::tensors::Tensors;
use crate::model_folder::arrays::StateError;
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::GeneratorConfig;
use crate::network::config::NormStats;
use crate::network::plan::Plan;

/// A generator for inference on a graphics device.
#[derive(Debug)]
pub struct GpuGenerator {
    gpu: Gpu,
    layers: Vec<GpuLayer>,
    plan: Plan,
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
            plan,
            programs: Mutex::default(),
        })
    }

    /// Translates a tensor `[batch, in_channels, height, width]`, row-major, with sides that
    /// follow [`GeneratorArch::size_rule`](crate::GeneratorArch::size_rule), into one of
    /// `[batch, out_channels, height, width]`. `progress` hears how many parts of the work are
    /// done, and of how many, if there are several.
    ///
    /// # Errors
    /// The device lacks memory for feature maps of this size, or fails.
    pub async fn forward(
        &self,
        real_a: &[f32],
        [batch, _, height, width]: [usize; 4],
        progress: &dyn Fn(usize, usize),
    ) -> Result<Vec<f32>, GpuError> {
        let size = self.dataflow.image_size(batch, [height, width]);
        let program = self.program(size).await?;
        let answer = program.run(&self.gpu, real_a, progress).await;
        self.programs().put(program);
        let mut fake_b = answer?;
        self.dataflow.add_image(&mut fake_b, real_a);
        Ok(fake_b)
    }

    /// Translates RGBA pixels, in the middle of a picture whose sides follow the size rule and whose
    /// margin mirrors them, into RGBA pixels of the same size. `progress` is that of
    /// [`Self::forward`]. `None` for networks that do not take one, three or four channels.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub async fn translate(
        &self,
        rgba: &[u8],
        size: (usize, usize),
        padded: [usize; 2],
        progress: &dyn Fn(usize, usize),
    ) -> Result<Option<Vec<u8>>, GpuError> {
        let program = self.program(self.dataflow.image_size(1, padded)).await?;
        let answer = program.run_pixels(&self.gpu, rgba, size, progress).await;
        self.programs().put(program);
        answer.transpose()
    }

    async fn program(&self, size: Size) -> Result<Program, GpuError> {
        if let Some(program) = self.programs().take(size) {
            return Ok(program);
        }
        let network = (&self.plan, &self.dataflow);
        let make = || Program::new(&self.gpu, &self.layers, network, size);
        self.gpu.checked(make).await?
    }

    fn programs(&self) -> MutexGuard<'_, KeptPrograms> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
