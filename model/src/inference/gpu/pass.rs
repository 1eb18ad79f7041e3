//! A shader's run over feature maps: what it is told, and what it reads and writes.

use std::num::NonZeroU64;

use wgpu::{BindGroup, Buffer, BufferUsages, CommandEncoder, ComputePipeline};

use super::buffer::GpuBuffer;
use super::device::Gpu;
use super::shaders::Shader;
use crate::inference::dataflow::Size;
use crate::network::activation::LEAKY_SLOPE;
use crate::network::plan::{Activation, Edge};

/// Groups along one axis.
const MOST_GROUPS: usize = 65_535;
/// Words from one pass's to the next one's: buffers are bound at multiples of 256 bytes.
pub(super) const STRIDE: usize = 64;

/// `[images, channels, height, width]`, and a zero.
#[derive(Debug)]
pub(super) struct FeatureMap {
    pub size: Size,
    pub buffer: GpuBuffer,
}

/// Where outputs go, into channels from the given one on.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    pub buffer: &'a Buffer,
    /// Of the feature map.
    pub channels: usize,
    pub channel: usize,
    pub activation: Activation,
    pub adds: bool,
}

/// A pass that is to be bound.
#[derive(Clone)]
pub(super) struct PlannedPass<'a> {
    pub shader: Shader,
    pub words: Vec<u32>,
    pub read: [&'a Buffer; 3],
    pub written: [Option<&'a Buffer>; 2],
    pub groups: [u32; 3],
    /// Multiply-accumulates.
    pub macs: u64,
}

/// A pass over memory that is there.
#[derive(Debug)]
pub(super) struct Pass {
    shader: ComputePipeline,
    bindings: BindGroup,
    groups: [u32; 3],
    macs: u64,
}

impl FeatureMap {
    /// Without the zero.
    pub fn bytes(&self) -> u64 {
        (values_of(self.size) * size_of::<f32>()) as u64
    }
}

impl<'a> Output<'a> {
    /// Takes outputs as they are.
    pub fn whole(buffer: &'a Buffer, channels: usize) -> Self {
        Self {
            buffer,
            channels,
            channel: 0,
            activation: Activation::Identity,
            adds: false,
        }
    }

    /// As `Output` in `layer.wgsl`.
    fn words(self) -> [u32; 4] {
        let (action, slope) = match self.activation {
            _ if self.adds => (2, 1.0),
            Activation::LeakyRelu => (1, LEAKY_SLOPE as f32),
            Activation::Relu => (1, 0.0),
            Activation::Identity => (1, 1.0),
            Activation::Tanh => (3, 1.0),
        };
        let (channel, channels) = (self.channel as u32, self.channels as u32);
        [action, channel, channels, slope.to_bits()]
    }
}

/// Binds passes, and makes the memory that they need: what they are told, and what stands for an
/// output that they have not.
pub(super) fn bound(gpu: &Gpu, planned: &[PlannedPass]) -> (Vec<Pass>, [GpuBuffer; 2]) {
    let mut words = Vec::with_capacity(planned.len() * STRIDE);
    for (index, pass) in planned.iter().enumerate() {
        words.extend(&pass.words);
        words.resize((index + 1) * STRIDE, 0);
    }
    let told = gpu.constant(words.into_iter().map(u32::to_le_bytes));
    let unwritten = gpu.zeros(4, BufferUsages::STORAGE);
    let pass = |(index, pass): (usize, &PlannedPass)| {
        let words = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &told,
            offset: (index * STRIDE * size_of::<u32>()) as u64,
            size: NonZeroU64::new((STRIDE * size_of::<u32>()) as u64),
        });
        let written = pass.written.map(|buffer| buffer.unwrap_or(&unwritten));
        let buffers = pass.read.into_iter().chain(written);
        let resources = [words]
            .into_iter()
            .chain(buffers.map(|buffer| buffer.as_entire_binding()));
        let entries = resources
            .enumerate()
            .map(|(binding, resource)| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource,
            });
        let entries: Vec<_> = entries.collect();
        let bindings = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &gpu.shaders.bindings,
            entries: &entries,
        });
        Pass {
            shader: gpu.shaders.pipeline(&gpu.device, pass.shader),
            bindings,
            groups: pass.groups,
            macs: pass.macs,
        }
    };
    let passes = planned.iter().enumerate().map(pass).collect();
    (passes, [told, unwritten])
}

/// Passes in turn, as commands.
pub(super) fn encode<'a>(encoder: &mut CommandEncoder, passes: impl IntoIterator<Item = &'a Pass>) {
    let mut compute = encoder.begin_compute_pass(&Default::default());
    for pass in passes {
        compute.set_pipeline(&pass.shader);
        compute.set_bind_group(0, &pass.bindings, &[]);
        let [x, y, z] = pass.groups;
        compute.dispatch_workgroups(x, y, z);
    }
}

/// Passes in the order given, of so many multiply-accumulates at most together.
pub(super) fn batches(passes: &[Pass], most: u64) -> Vec<&[Pass]> {
    let mut batches = Vec::new();
    let (mut begun, mut macs) = (0, 0);
    for (index, pass) in passes.iter().enumerate() {
        if index > begun && macs + pass.macs > most {
            batches.push(&passes[begun..index]);
            (begun, macs) = (index, 0);
        }
        macs += pass.macs;
    }
    batches.push(&passes[begun..]);
    batches
}

/// `Layer` in `layer.wgsl`.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub taps: &'a [u32],
    pub outputs: [Option<Output<'a>>; 2],
    pub input: Size,
    pub edge: Edge,
    pub positions: Size,
    pub stride: usize,
    pub scale: usize,
    pub out_channels: usize,
    pub norm_images: usize,
    pub finishes: bool,
    pub parts: usize,
    pub threads: usize,
    pub first_group: usize,
    pub slices: usize,
    pub unit: f32,
}

impl<'a> Words<'a> {
    pub fn written(&self) -> [Option<&'a Buffer>; 2] {
        self.outputs.map(|output| Some(output?.buffer))
    }

    pub fn in_order(self) -> Vec<u32> {
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
            self.first_group,
            self.slices,
        ];
        words.extend(numbers.map(|number| number as u32));
        words.push(self.unit.to_bits());
        words
    }
}

pub(super) fn values_of(size: Size) -> usize {
    size.images * size.channels * size.height * size.width
}

/// A device takes so many groups along an axis and no more.
pub(super) fn groups(count: usize, phases: usize) -> [u32; 3] {
    let rows = count.div_ceil(MOST_GROUPS).max(1);
    [count.div_ceil(rows) as u32, rows as u32, phases as u32]
}
