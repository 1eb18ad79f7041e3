//! All that happens to an image of one size: feature maps, and what the shaders do to them in
//! turn.

use wgpu::{Buffer, BufferUsages};

use super::buffer::GpuBuffer;
use super::device::{Gpu, GpuError};
use super::layer::GpuLayer;
use super::layer_work::LayerWork;
use super::pass::{
    FeatureMap, Output, Pass, PlannedPass, Words, batches, bound, encode, groups, values_of,
};
use super::pixels::PixelPasses;
use crate::inference::dataflow::{Dataflow, Size, Step, Target};
use crate::network::plan::Plan;

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
    /// For networks that take pixels.
    pixels: Option<PixelPasses>,
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
        (plan, dataflow): (&Plan, &Dataflow),
        size: Size,
    ) -> Result<Self, GpuError> {
        let maps = dataflow.maps.iter().map(|shape| map(gpu, shape.size(size)));
        let maps: Vec<FeatureMap> = maps.collect::<Result<_, _>>()?;
        let macs = plan.layer_macs([size.height, size.width]).into_iter();
        let works = layers.iter().zip(&dataflow.steps).zip(macs);
        let works = works.map(|((layer, step), macs)| {
            LayerWork::new(layer, maps[step.from].size, macs * size.images as u64)
        });
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
        let ends = [&maps[dataflow.image], &maps[dataflow.output]];
        Ok(Self {
            image: dataflow.image,
            output: dataflow.output,
            pixels: PixelPasses::new(gpu, ends, plan.adds_input),
            answer: gpu.zeros(values_of(maps[dataflow.output].size), usage),
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
        let pixels = self.pixels.as_ref().map(PixelPasses::bytes);
        maps.chain(others).chain(pixels).sum()
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
        let layer = work.layer;
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
            first_group: 0,
        };
        if !work.waits() {
            self.convolve(work, step, convolution);
            return;
        }
        let waiting = Output::whole(&self.scratch.accumulators, work.output.channels);
        let sums = Words {
            outputs: [Some(waiting), None],
            finishes: false,
            ..convolution
        };
        self.convolve(work, step, sums);
        self.finish(work, convolution);
    }

    /// In as many passes as keep each from taking too long.
    fn convolve(&mut self, work: LayerWork<'a>, step: &Step, words: Words<'a>) {
        let layer = work.layer;
        let shader = match layer.lanes {
            4 => &self.gpu.shaders.convolve_narrow,
            _ => &self.gpu.shaders.convolve,
        };
        let all = work.threads.div_ceil(GROUP);
        let passes = work.macs.div_ceil(self.gpu.macs_of_submit);
        let passes = passes.clamp(1, all as u64) as usize;
        for index in 0..passes {
            let [first, end] = [index, index + 1].map(|index| all * index / passes);
            let words = Words {
                first_group: first,
                threads: work.threads.min(end * GROUP),
                ..words
            };
            self.passes.push(PlannedPass {
                shader,
                words: words.in_order(),
                read: [&self.maps[step.from].buffer, &layer.weights, &layer.affine],
                written: words.written(),
                groups: groups(end - first, work.phases),
                macs: work.macs / passes as u64,
            });
        }
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
            let words = Words {
                outputs: [Some(found), None],
                ..words
            };
            self.passes.push(PlannedPass {
                shader: &shaders.statistics,
                words: words.in_order(),
                read: [accumulators, &layer.weights, affine],
                written: words.written(),
                groups: [channels as u32, groups as u32, 1],
                macs: 0,
            });
            affine = &self.scratch.affine;
        }
        self.passes.push(PlannedPass {
            shader: &shaders.finish,
            words: words.in_order(),
            read: [accumulators, &layer.weights, affine],
            written: words.written(),
            groups: groups(threads.div_ceil(GROUP), 1),
            macs: 0,
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
