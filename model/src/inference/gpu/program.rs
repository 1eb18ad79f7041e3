//! All that happens to an image of one size: feature maps, and what the shaders do to them in
//! turn.

use wgpu::{Buffer, BufferUsages};

use super::buffer::GpuBuffer;
use super::device::{Gpu, GpuError};
use super::layer::GpuLayer;
use super::layer_work::LayerWork;
use super::pass::{FeatureMap, Output, Pass, PlannedPass, Words, bound, groups, values_of};
use crate::inference::dataflow::{Dataflow, Size, Step, Target};

/// Threads of a group.
const GROUP: usize = 64;

/// Feature maps and passes over them, for inputs of one size.
#[derive(Debug)]
pub(super) struct Program {
    maps: Vec<FeatureMap>,
    image: usize,
    output: usize,
    scratch: Scratch,
    /// For the passes.
    memory: [GpuBuffer; 2],
    passes: Vec<Pass>,
    /// Where the result can be read.
    answer: GpuBuffer,
}

/// What layers use in turn.
#[derive(Debug)]
struct Scratch {
    /// Sums that wait for other parts or for their statistics.
    accumulators: GpuBuffer,
    /// Factor and summand of each channel.
    affine: GpuBuffer,
}

impl Program {
    /// # Errors
    /// A feature map is larger than the device takes.
    pub fn new(
        gpu: &Gpu,
        layers: &[GpuLayer],
        dataflow: &Dataflow,
        size: Size,
    ) -> Result<Self, GpuError> {
        let maps = dataflow.maps.iter().map(|shape| map(gpu, shape.size(size)));
        let maps: Vec<FeatureMap> = maps.collect::<Result<_, _>>()?;
        let works = layers.iter().zip(&dataflow.steps);
        let works = works.map(|(layer, step)| LayerWork::new(layer, maps[step.from].size));
        let works: Vec<LayerWork> = works.collect();
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
        Ok(Self {
            image: dataflow.image,
            output: dataflow.output,
            answer: gpu.zeros(maps[dataflow.output].values(), usage),
            maps,
            scratch,
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
        let Scratch {
            accumulators,
            affine,
        } = &self.scratch;
        let others = [accumulators, affine, &self.answer].into_iter();
        let others = others.chain(&self.memory).map(|buffer| buffer.size());
        maps.chain(others).sum()
    }

    /// Translates a tensor of the size.
    pub async fn run(&self, gpu: &Gpu, real_a: &[f32]) -> Result<Vec<f32>, GpuError> {
        let output = &self.maps[self.output];
        let values = output.values();
        let sent = gpu.checked(|| {
            let bytes = real_a.iter().map(|value| value.to_le_bytes());
            gpu.write(&self.maps[self.image].buffer, bytes);
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let mut compute = encoder.begin_compute_pass(&Default::default());
            for pass in &self.passes {
                compute.set_pipeline(&pass.shader);
                compute.set_bind_group(0, &pass.bindings, &[]);
                let [x, y, z] = pass.groups;
                compute.dispatch_workgroups(x, y, z);
            }
            drop(compute);
            let bytes = (values * size_of::<f32>()) as u64;
            encoder.copy_buffer_to_buffer(&output.buffer, 0, &self.answer, 0, bytes);
            gpu.queue.submit([encoder.finish()]);
        });
        sent.await?;
        gpu.read(&self.answer, values).await
    }
}

impl Scratch {
    fn new(gpu: &Gpu, works: &[LayerWork]) -> Result<Self, GpuError> {
        let waiting = || works.iter().filter(|work| work.waits());
        let accumulators = waiting().map(|work| values_of(work.accumulators())).max();
        let affine = waiting().map(|work| 2 * work.normed_channels().iter().product::<usize>());
        Ok(Self {
            accumulators: storage(gpu, accumulators.unwrap_or(0))?,
            affine: storage(gpu, affine.max().unwrap_or(0))?,
        })
    }
}

/// A feature map of zeros, with one more behind it.
fn map(gpu: &Gpu, size: Size) -> Result<FeatureMap, GpuError> {
    let buffer = storage(gpu, values_of(size) + 1)?;
    Ok(FeatureMap { size, buffer })
}

fn storage(gpu: &Gpu, values: usize) -> Result<GpuBuffer, GpuError> {
    let limits = gpu.device.limits();
    let most = limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size);
    let bytes = (values * size_of::<f32>()) as u64;
    if bytes > most {
        return Err(GpuError::OutOfMemory(format!(
            "feature maps take {} MB in one piece, and it takes {}",
            bytes >> 20,
            most >> 20
        )));
    }
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    Ok(gpu.zeros(values, usage))
}

/// Passes in the making.
struct Planner<'a> {
    gpu: &'a Gpu,
    maps: &'a [FeatureMap],
    scratch: &'a Scratch,
    passes: Vec<PlannedPass<'a>>,
}

impl<'a> Planner<'a> {
    fn layer(&mut self, work: LayerWork<'a>, step: &Step) {
        let (shaders, layer) = (&self.gpu.shaders, work.layer);
        let outputs = self.outputs(step);
        let conv = layer.packed.conv;
        let convolution = Words {
            taps: &layer.taps,
            outputs,
            input: work.input,
            edge: step.edge,
            positions: work.positions,
            stride: conv.step(),
            scale: conv.scale(),
            out_channels: work.output.channels,
            norm_images: work.output.images,
            finishes: true,
            parts: work.parts,
            threads: work.threads,
        };
        let shader = match layer.lanes {
            4 => &shaders.convolve_narrow,
            _ => &shaders.convolve,
        };
        let from: &Buffer = &self.maps[step.from].buffer;
        let mut pass = PlannedPass {
            shader,
            words: convolution,
            read: [from, &layer.weights, &layer.affine],
            groups: groups(work.threads.div_ceil(GROUP), work.phases),
        };
        if !work.waits() {
            self.passes.push(pass);
            return;
        }
        let accumulators: &Buffer = &self.scratch.accumulators;
        let waiting = Output::whole(accumulators, work.output.channels);
        pass.words.outputs = [Some(waiting), None];
        pass.words.finishes = false;
        self.passes.push(pass);
        self.finish(work, convolution);
    }

    /// Turns sums of all parts into outputs.
    fn finish(&mut self, work: LayerWork<'a>, convolution: Words<'a>) {
        let (shaders, layer, size) = (&self.gpu.shaders, work.layer, work.output);
        let threads = size.channels.div_ceil(4) * size.images * size.height * size.width;
        let words = Words {
            taps: &[],
            input: size,
            positions: size,
            stride: 1,
            scale: 1,
            norm_images: work.norm_images(),
            finishes: false,
            threads,
            ..convolution
        };
        let accumulators: &Buffer = &self.scratch.accumulators;
        let mut affine: &Buffer = &layer.affine;
        if layer.statistics.is_some() {
            let found = Output::whole(&self.scratch.affine, size.channels);
            let [channels, groups] = work.normed_channels();
            self.passes.push(PlannedPass {
                shader: &shaders.statistics,
                words: Words {
                    outputs: [Some(found), None],
                    ..words
                },
                read: [accumulators, &layer.weights, affine],
                groups: [channels as u32, groups as u32, 1],
            });
            affine = &self.scratch.affine;
        }
        self.passes.push(PlannedPass {
            shader: &shaders.finish,
            words,
            read: [accumulators, &layer.weights, affine],
            groups: groups(threads.div_ceil(GROUP), 1),
        });
    }

    fn outputs(&self, step: &Step) -> [Option<Output<'a>>; 2] {
        let maps = self.maps;
        let output = |target: &Target| Output {
            buffer: &maps[target.map].buffer,
            channels: maps[target.map].size.channels,
            channel: target.channel,
            activation: target.activation,
            adds: target.adds,
        };
        [0, 1].map(|index| step.to.get(index).map(output))
    }
}
