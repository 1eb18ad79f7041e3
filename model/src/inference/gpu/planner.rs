//! From layers to passes.

use wgpu::{Buffer, BufferUsages};

use super::buffer::GpuBuffer;
use super::device::{Gpu, GpuError};
use super::layer_work::{GROUP, LayerWork};
use super::pass::{FeatureMap, Output, PlannedPass, Words, groups, values_of};
use super::shaders::Shader;
use crate::inference::dataflow::{Dataflow, Size, Step, Target};

/// What layers use in turn.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Sums that wait for other parts or for their statistics.
    accumulators: GpuBuffer,
    /// Statistics of slices of channels.
    moments: GpuBuffer,
    /// Factor and summand of each channel.
    affine: GpuBuffer,
}

/// Passes in the making.
pub(super) struct Planner<'a> {
    pub gpu: &'a Gpu,
    pub maps: &'a [FeatureMap],
    pub scratch: &'a Scratch,
    pub passes: Vec<PlannedPass<'a>>,
}

/// Feature maps of a network for images of one size.
///
/// # Errors
/// One is larger than the device takes.
pub(super) fn maps(gpu: &Gpu, flow: &Dataflow, size: Size) -> Result<Vec<FeatureMap>, GpuError> {
    let map = |size: Size| {
        // With a zero behind.
        let buffer = storage(gpu, values_of(size) + 1)?;
        Ok(FeatureMap { size, buffer })
    };
    let shapes = flow.maps.iter();
    shapes.map(|shape| map(shape.size(size))).collect()
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

impl Scratch {
    /// Enough for each of `works`.
    ///
    /// # Errors
    /// It is more than the device takes in one piece.
    pub fn new<'a>(
        gpu: &Gpu,
        works: impl IntoIterator<Item = &'a LayerWork<'a>>,
    ) -> Result<Self, GpuError> {
        let (mut accumulators, mut affine, mut moments) = (0, 0, 0);
        for work in works.into_iter().filter(|work| work.waits()) {
            let factors = 2 * work.normed_channels().iter().product::<usize>();
            accumulators = accumulators.max(values_of(work.accumulators()));
            affine = affine.max(factors);
            moments = moments.max(factors * work.slices());
        }
        Ok(Self {
            accumulators: storage(gpu, accumulators)?,
            moments: storage(gpu, moments)?,
            affine: storage(gpu, affine)?,
        })
    }

    /// Memory of the device that it takes.
    pub fn bytes(&self) -> u64 {
        self.accumulators.size() + self.moments.size() + self.affine.size()
    }
}

impl<'a> Planner<'a> {
    pub fn layer(&mut self, work: LayerWork<'a>, step: &Step) {
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
            slices: 1,
            unit: layer.unit,
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
        let shader = Shader::Convolve {
            kernel: work.kernel,
            is_wide: layer.lanes > 4,
            in_halves: layer.in_halves,
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
        let (layer, size) = (work.layer, work.output);
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
        let mut affine: &Buffer = &layer.affine;
        if layer.statistics.is_some() {
            self.statistics(work, words);
            affine = &self.scratch.affine;
        }
        self.passes.push(PlannedPass {
            shader: Shader::Finish,
            words: words.in_order(),
            read: [&self.scratch.accumulators, &layer.weights, affine],
            written: words.written(),
            groups: groups(threads.div_ceil(GROUP), 1),
            macs: 0,
        });
    }

    fn statistics(&mut self, work: LayerWork<'a>, words: Words<'a>) {
        let (layer, scratch) = (work.layer, self.scratch);
        let ([channels, groups], slices) = (work.normed_channels(), work.slices());
        let mut pass = |shader, input, output, groups| {
            let words = Words {
                outputs: [Some(Output::whole(output, channels)), None],
                threads: channels * work.normed_channels()[1],
                slices,
                ..words
            };
            self.passes.push(PlannedPass {
                shader,
                words: words.in_order(),
                read: [input, &layer.weights, &layer.affine],
                written: words.written(),
                groups,
                macs: 0,
            });
        };
        let (sums, moments): (&Buffer, &Buffer) = (&scratch.accumulators, &scratch.moments);
        let affine: &Buffer = &scratch.affine;
        let found = if slices > 1 { moments } else { affine };
        let all = [channels, groups, slices].map(|count| count as u32);
        pass(Shader::Statistics, sums, found, all);
        if slices > 1 {
            let all = (channels * groups).div_ceil(GROUP) as u32;
            pass(Shader::Merge, moments, affine, [all, 1, 1]);
        }
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
