//! All that happens to an image of one size: feature maps, and what the shaders do to them in
//! turn.

use wgpu::{Buffer, BufferUsages};

use super::buffer::GpuBuffer;
use super::device::{Gpu, GpuError};
use super::kernel::Kernel;
use super::layer::GpuLayer;
use super::layer_work::LayerWork;
use super::pass::{FeatureMap, Pass, batches, bound, encode, values_of};
use super::pixels::PixelPasses;
use super::planner::{Planner, Scratch};
use super::tuning::Choices;
use crate::inference::dataflow::{Dataflow, Size};
use crate::network::plan::Plan;

/// Feature maps and passes over them, for inputs of one size.
#[derive(Debug)]
pub(super) struct Program {
    maps: Vec<FeatureMap>,
    image: usize,
    output: usize,
    scratch: Scratch,
    /// Of each layer.
    pub kernels: Vec<Kernel>,
    /// For the passes.
    memory: [GpuBuffer; 2],
    passes: Vec<Pass>,
    /// For networks that take pixels.
    pixels: Option<PixelPasses>,
    /// Where the result can be read.
    answer: GpuBuffer,
}

impl Program {
    /// Over feature maps that `planner::maps` made.
    ///
    /// # Errors
    /// The device does not take what lies between them in one piece.
    pub fn new(
        gpu: &Gpu,
        layers: &[GpuLayer],
        (plan, dataflow): (&Plan, &Dataflow),
        maps: Vec<FeatureMap>,
        choices: &Choices,
    ) -> Result<Self, GpuError> {
        let size = maps[dataflow.image].size;
        let macs = plan.layer_macs([size.height, size.width]).into_iter();
        let works = layers.iter().zip(&dataflow.steps).zip(macs);
        let works = works.map(|((layer, step), macs)| {
            let input = maps[step.from].size;
            let kernel = choices.kernel(gpu.tuning, layer, input);
            LayerWork::new(layer, kernel, input, macs * size.images as u64)
        });
        let works: Vec<LayerWork> = works.collect();
        let kernels = works.iter().map(|work| work.kernel).collect();
        let scratch = Scratch::new(gpu, &works)?;
        let mut planner = Planner {
            gpu,
            maps: &maps,
            scratch: &scratch,
            passes: Vec::new(),
        };
        for (work, step) in works.into_iter().zip(&dataflow.steps) {
            planner.layer(work, step);
        }
        let (passes, memory) = bound(gpu, &planner.passes);
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let ends = [&maps[dataflow.image], &maps[dataflow.output]];
        Ok(Self {
            image: dataflow.image,
            output: dataflow.output,
            pixels: PixelPasses::new(gpu, ends, plan.adds_input),
            answer: gpu.zeros(values_of(maps[dataflow.output].size), usage),
            maps,
            scratch,
            kernels,
            memory,
            passes,
        })
    }

    pub fn size(&self) -> Size {
        self.maps[self.image].size
    }

    /// Memory of the device that it takes.
    pub fn bytes(&self) -> u64 {
        let maps = self.maps.iter().map(|map| map.buffer.size());
        let others = [&self.answer].into_iter().chain(&self.memory);
        let others = others.map(|buffer| buffer.size());
        let pixels = self.pixels.as_ref().map(PixelPasses::bytes);
        let scratch = self.scratch.bytes();
        maps.chain(others).chain(pixels).sum::<u64>() + scratch
    }

    /// Translates a tensor of the size. `progress` hears how many parts of the work are done, and
    /// of how many, if there are several.
    pub async fn run(
        &self,
        gpu: &Gpu,
        real_a: &[f32],
        progress: &dyn Fn(usize, usize),
    ) -> Result<Vec<f32>, GpuError> {
        let bytes = real_a.iter().map(|value| value.to_le_bytes());
        gpu.write(&self.maps[self.image].buffer, bytes);
        let output = &self.maps[self.output];
        let work = Work {
            before: None,
            after: None,
            answer: (&output.buffer, output.bytes()),
        };
        let answer = self.submit(gpu, work, progress).await?;
        let values = answer.as_chunks::<4>().0.iter();
        Ok(values.map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Translates the RGBA pixels of a picture that has the size after padding. `None` for networks
    /// that take no pixels.
    pub async fn run_pixels(
        &self,
        gpu: &Gpu,
        rgba: &[u8],
        size: (usize, usize),
        progress: &dyn Fn(usize, usize),
    ) -> Option<Result<Vec<u8>, GpuError>> {
        let pixels = self.pixels.as_ref()?;
        pixels.write(gpu, rgba, size);
        let work = Work {
            before: Some(&pixels.unpack),
            after: Some(&pixels.pack),
            answer: (&pixels.rgba, rgba.len() as u64),
        };
        Some(self.submit(gpu, work, progress).await)
    }

    /// Gives the device its work in parts, the next when the one before has begun: so none takes
    /// too long for a driver, and one that nobody wants any more costs no more than two.
    async fn submit(
        &self,
        gpu: &Gpu,
        work: Work<'_>,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Vec<u8>, GpuError> {
        let batches = batches(&self.passes, gpu.macs_of_submit);
        let mut verdicts = Vec::with_capacity(batches.len());
        let (source, bytes) = work.answer;
        let mut begun = None;
        for (index, passes) in batches.iter().enumerate() {
            let is_last = index + 1 == batches.len();
            let scopes = gpu.scopes();
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let before = work.before.filter(|_| index == 0);
            let after = work.after.filter(|_| is_last);
            let passes = before.into_iter().chain(*passes).chain(after);
            encode(&mut encoder, passes);
            if is_last {
                encoder.copy_buffer_to_buffer(source, 0, &self.answer, 0, bytes);
            }
            gpu.queue.submit([encoder.finish()]);
            verdicts.push(scopes.verdict());
            if is_last {
                break;
            }
            if let Some(begun) = begun.replace(gpu.done()) {
                begun.await;
                progress(index, batches.len());
            }
        }
        let answer = gpu.read(&self.answer, bytes).await;
        // They have come with the answer: waiting for each would take a way there and back.
        for verdict in verdicts {
            verdict.await?;
        }
        answer
    }
}

/// What surrounds the passes over feature maps.
struct Work<'a> {
    before: Option<&'a Pass>,
    after: Option<&'a Pass>,
    /// Where the answer lies, and its bytes.
    answer: (&'a Buffer, u64),
}
