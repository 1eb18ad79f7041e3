//! All that happens to an image of one size: feature maps, and what the shaders do to them in
//! turn.

use wgpu::{BindGroup, Buffer, BufferUsages, ComputePipeline};

use super::device::{Gpu, GpuError};
use super::layer::{GpuLayer, Statistics};
use crate::inference::dataflow::{Dataflow, Size, Target};
use crate::network::activation::LEAKY_SLOPE;
use crate::network::plan::{Activation, Edge};

/// Positions of a thread.
const POSITIONS: usize = 4;
/// Threads of a group.
const GROUP: usize = 64;
/// Fewer threads than this leave a device idle.
const FEW_THREADS: usize = 1 << 14;
/// Threads that share the input channels of one position, at most.
const MOST_PARTS: usize = 32;
/// Groups along one axis.
const MOST_GROUPS: usize = 65_535;

/// Feature maps and passes over them, for inputs of one size.
#[derive(Debug)]
pub(super) struct Program {
    input: FeatureMap,
    passes: Vec<Pass>,
    output: FeatureMap,
}

/// `[images, channels, height, width]`, and a zero.
#[derive(Clone, Debug)]
struct FeatureMap {
    size: Size,
    buffer: Buffer,
}

#[derive(Debug)]
struct Pass {
    shader: ComputePipeline,
    bindings: BindGroup,
    groups: [u32; 3],
}

/// Where outputs go, into channels from the given one on.
#[derive(Clone, Copy)]
struct Output<'a> {
    map: &'a FeatureMap,
    channel: usize,
    activation: Activation,
    adds: bool,
}

impl Program {
    pub fn size(&self) -> Size {
        self.input.size
    }

    /// Translates a tensor of the size.
    pub async fn run(&self, gpu: &Gpu, real_a: &[f32]) -> Result<Vec<f32>, GpuError> {
        let values = self.output.values();
        let answer = gpu.checked(|| {
            let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
            let answer = gpu.zeros(values, usage);
            gpu.write(
                &self.input.buffer,
                real_a.iter().map(|value| value.to_le_bytes()),
            );
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
            encoder.copy_buffer_to_buffer(&self.output.buffer, 0, &answer, 0, bytes);
            gpu.queue.submit([encoder.finish()]);
            answer
        });
        let answer = answer.await?;
        gpu.read(&answer, values).await
    }
}

impl FeatureMap {
    fn values(&self) -> usize {
        values_of(self.size)
    }

    /// Takes outputs as they are.
    fn whole(&self) -> Output<'_> {
        Output {
            map: self,
            channel: 0,
            activation: Activation::Identity,
            adds: false,
        }
    }
}

impl Output<'_> {
    /// As `Output` in `kernels.wgsl`.
    fn words(self) -> [u32; 4] {
        let (action, slope) = match self.activation {
            _ if self.adds => (2, 1.0),
            Activation::LeakyRelu => (1, LEAKY_SLOPE as f32),
            Activation::Relu => (1, 0.0),
            Activation::Identity => (1, 1.0),
            Activation::Tanh => (3, 1.0),
        };
        let (channel, channels) = (self.channel as u32, self.map.size.channels as u32);
        [action, channel, channels, slope.to_bits()]
    }
}

/// A program in the making.
pub(super) struct ProgramBuilder<'a> {
    gpu: &'a Gpu,
    passes: Vec<Pass>,
    /// Sums that wait for their statistics.
    accumulators: Option<Buffer>,
    /// Stands for an output that a pass has not.
    unwritten: Buffer,
}

impl<'a> ProgramBuilder<'a> {
    pub fn new(gpu: &'a Gpu) -> Self {
        Self {
            gpu,
            passes: Vec::new(),
            accumulators: None,
            unwritten: gpu.zeros(4, BufferUsages::STORAGE),
        }
    }

    pub fn program(
        mut self,
        layers: &[GpuLayer],
        dataflow: &Dataflow,
        size: Size,
    ) -> Result<Program, GpuError> {
        let maps = dataflow.maps.iter().map(|shape| self.map(shape.size(size)));
        let maps: Vec<FeatureMap> = maps.collect::<Result<_, _>>()?;
        for (layer, step) in layers.iter().zip(&dataflow.steps) {
            let output = |target: &Target| Output {
                map: &maps[target.map],
                channel: target.channel,
                activation: target.activation,
                adds: target.adds,
            };
            let outputs = [0, 1].map(|index| step.to.get(index).map(output));
            self.layer(layer, &maps[step.from], step.edge, outputs)?;
        }
        Ok(Program {
            input: maps[dataflow.image].clone(),
            passes: self.passes,
            output: maps[dataflow.output].clone(),
        })
    }

    fn map(&self, size: Size) -> Result<FeatureMap, GpuError> {
        let values = values_of(size);
        let limits = self.gpu.device.limits();
        let most = limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size);
        let bytes = ((values + 1) * size_of::<f32>()) as u64;
        if bytes > most {
            return Err(GpuError::OutOfMemory(format!(
                "feature maps take {} MB in one piece, and it takes {}",
                bytes >> 20,
                most >> 20
            )));
        }
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        Ok(FeatureMap {
            size,
            buffer: self.gpu.zeros(values + 1, usage),
        })
    }

    fn layer(
        &mut self,
        layer: &GpuLayer,
        from: &FeatureMap,
        edge: Edge,
        outputs: [Option<Output>; 2],
    ) -> Result<(), GpuError> {
        let (conv, size) = (layer.packed.conv, layer.packed.output_size(from.size));
        let positions = Size {
            height: size.height / conv.scale(),
            width: size.width / conv.scale(),
            ..size
        };
        let phases = conv.scale() * conv.scale();
        let blocks = size.channels.div_ceil(layer.lanes);
        let threads = values_of(Size {
            channels: 1,
            ..positions
        })
        .div_ceil(POSITIONS)
            * blocks;
        let parts = (FEW_THREADS / (threads * phases)).clamp(1, MOST_PARTS.min(from.size.channels));
        let convolution = Words {
            taps: &layer.taps,
            outputs,
            input: from.size,
            edge,
            positions,
            stride: conv.step(),
            scale: conv.scale(),
            out_channels: size.channels,
            norm_images: size.images,
            finishes: true,
            parts,
            threads: threads * parts,
        };
        let shader = match layer.lanes {
            4 => &self.gpu.shaders.convolve_narrow,
            _ => &self.gpu.shaders.convolve,
        };
        let read = [&from.buffer, &layer.weights, &layer.affine];
        let convolve = groups((threads * parts).div_ceil(GROUP), phases);
        if parts == 1 && layer.statistics.is_none() {
            self.pass(shader, convolution, read, outputs, convolve);
            return Ok(());
        }
        let whole = Size {
            images: size.images * parts,
            ..size
        };
        let accumulators = self.accumulators(whole)?;
        let convolution = Words {
            outputs: [Some(accumulators.whole()), None],
            finishes: false,
            ..convolution
        };
        self.pass(shader, convolution, read, convolution.outputs, convolve);
        let threads = size.channels.div_ceil(4) * size.images * size.height * size.width;
        let finish = Words {
            taps: &[],
            outputs,
            input: size,
            positions: size,
            stride: 1,
            scale: 1,
            norm_images: match layer.statistics {
                Some(Statistics::OfImage) => 1,
                _ => size.images,
            },
            threads,
            ..convolution
        };
        let found;
        let affine = match layer.statistics {
            None => &layer.affine,
            Some(_) => {
                let groups = size.images / finish.norm_images;
                found = FeatureMap {
                    size,
                    buffer: self
                        .gpu
                        .zeros(groups * size.channels * 2, BufferUsages::STORAGE),
                };
                let read = [&accumulators.buffer, &layer.weights, &layer.affine];
                let outputs = [Some(found.whole()), None];
                let groups = [size.channels as u32, groups as u32, 1];
                self.pass(&self.gpu.shaders.statistics, finish, read, outputs, groups);
                &found.buffer
            }
        };
        let read = [&accumulators.buffer, &layer.weights, affine];
        let groups = groups(threads.div_ceil(GROUP), 1);
        self.pass(&self.gpu.shaders.finish, finish, read, outputs, groups);
        self.accumulators = Some(accumulators.buffer);
        Ok(())
    }

    /// Room for accumulators, that of an earlier layer where it is large enough.
    fn accumulators(&mut self, size: Size) -> Result<FeatureMap, GpuError> {
        let bytes = (values_of(size) * size_of::<f32>()) as u64;
        match self.accumulators.take().filter(|kept| kept.size() >= bytes) {
            Some(buffer) => Ok(FeatureMap { size, buffer }),
            None => self.map(size),
        }
    }

    fn pass(
        &mut self,
        shader: &ComputePipeline,
        words: Words,
        read: [&Buffer; 3],
        outputs: [Option<Output>; 2],
        groups: [u32; 3],
    ) {
        let words = words.in_order();
        let layer = self.gpu.constant(words.into_iter().map(u32::to_le_bytes));
        let written = outputs.map(|output| match output {
            Some(output) => &output.map.buffer,
            None => &self.unwritten,
        });
        let buffers = [&layer].into_iter().chain(read).chain(written);
        let entries = buffers
            .enumerate()
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: buffer.as_entire_binding(),
            });
        let entries: Vec<_> = entries.collect();
        let bindings = self
            .gpu
            .device
            .create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &self.gpu.shaders.bindings,
                entries: &entries,
            });
        self.passes.push(Pass {
            shader: shader.clone(),
            bindings,
            groups,
        });
    }
}

/// `Layer` in `kernels.wgsl`.
#[derive(Clone, Copy)]
struct Words<'a> {
    taps: &'a [u32],
    outputs: [Option<Output<'a>>; 2],
    input: Size,
    edge: Edge,
    positions: Size,
    stride: usize,
    scale: usize,
    out_channels: usize,
    norm_images: usize,
    finishes: bool,
    parts: usize,
    threads: usize,
}

impl Words<'_> {
    fn in_order(self) -> Vec<u32> {
        const TAPS: usize = 4 * 5;
        let mut words = self.taps.to_vec();
        words.resize(TAPS, 0);
        for output in self.outputs {
            words.extend(output.map_or([0; 4], Output::words));
        }
        let numbers = [
            self.input.channels,
            self.input.height,
            self.input.width,
            usize::from(self.edge == Edge::Reflection),
            self.positions.images,
            self.positions.height,
            self.positions.width,
            self.stride,
            self.scale,
            self.out_channels,
            self.norm_images,
            usize::from(self.finishes),
            self.parts,
            self.threads,
        ];
        words.extend(numbers.map(|number| number as u32));
        words
    }
}

fn values_of(size: Size) -> usize {
    size.images * size.channels * size.height * size.width
}

/// A device takes so many groups along an axis and no more.
fn groups(count: usize, phases: usize) -> [u32; 3] {
    let rows = count.div_ceil(MOST_GROUPS).max(1);
    [count.div_ceil(rows) as u32, rows as u32, phases as u32]
}
