//! A generator for inference on a graphics device, with shaders of its own: few enough to be ready
//! at once, and several for one purpose where devices differ. The same numbers as
//! [`Generator::forward`](crate::Generator::forward), which is its test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::device::{Gpu, GpuError};
use super::kept::KeptPrograms;
use super::kernel::Kernel;
use super::layer::GpuLayer;
use super::pass::FeatureMap;
use super::planner;
use super::program::Program;
use super::tuning::{Candidate, Choices, Tuning, tune};
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
    choices: Mutex<Choices>,
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
        gpu.shaders.prepare(&gpu.device);
        let layers =
            Tensors { weights, stats }.layers(&plan, |tensors| GpuLayer::new(tensors, gpu))?;
        Ok(Self {
            gpu: gpu.clone(),
            layers,
            dataflow: Dataflow::new(&plan),
            plan,
            programs: Mutex::default(),
            choices: Mutex::default(),
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
        locked(&self.programs).put(program);
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
        locked(&self.programs).put(program);
        answer.transpose()
    }

    /// What was measured on an earlier visit, as [`Self::choices`] gave it.
    pub fn recall(&self, choices: &str) {
        *locked(&self.choices) = Choices::parse(choices);
    }

    /// Which kernels were measured to be the fastest, for [`Self::recall`] on a later visit.
    pub fn choices(&self) -> String {
        locked(&self.choices).to_text()
    }

    /// Each layer and its kernel in the last image.
    pub fn kernels(&self) -> Vec<(&str, Kernel)> {
        let kernels = locked(&self.programs).kernels();
        let layers = self.plan.layers.iter().map(|layer| layer.path.as_str());
        layers.zip(kernels).collect()
    }

    async fn program(&self, size: Size) -> Result<Program, GpuError> {
        if let Some(program) = locked(&self.programs).take(size) {
            return Ok(program);
        }
        let (gpu, flow) = (&self.gpu, &self.dataflow);
        let maps = gpu.checked(|| planner::maps(gpu, flow, size)).await??;
        if let Tuning::Measured { now } = gpu.tuning {
            self.tune(now, size, &maps).await?;
        }
        let network = (&self.plan, flow);
        let make = || {
            let choices = locked(&self.choices);
            Program::new(gpu, &self.layers, network, maps, &choices)
        };
        gpu.checked(make).await?
    }

    async fn tune(
        &self,
        now: fn() -> f64,
        size: Size,
        maps: &[FeatureMap],
    ) -> Result<(), GpuError> {
        let macs = self.plan.layer_macs([size.height, size.width]).into_iter();
        let layers = self.layers.iter().zip(&self.dataflow.steps).zip(macs);
        let candidates = layers.map(|((layer, step), macs)| Candidate {
            layer,
            step,
            macs: macs * size.images as u64,
        });
        let mut choices = std::mem::take(&mut *locked(&self.choices));
        let tuned = tune(&self.gpu, now, candidates.collect(), maps, &mut choices).await;
        *locked(&self.choices) = choices;
        tuned
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
