//! How the shaders share out a layer's work on inputs of one size.

use super::kernel::{Kernel, LayerShape};
use super::layer::{GpuLayer, Statistics};
use crate::inference::dataflow::Size;

/// Threads of a group.
pub(super) const GROUP: usize = 64;
/// Values of a channel whose statistics a group takes, about.
const VALUES_OF_SLICE: usize = 4096;
const MOST_SLICES: usize = 64;

/// A layer's work on inputs of one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerWork<'a> {
    pub layer: &'a GpuLayer,
    pub kernel: Kernel,
    pub input: Size,
    pub output: Size,
    /// Of one phase.
    pub positions: Size,
    pub phases: usize,
    /// Parts of the input channels that are summed up by themselves.
    pub parts: usize,
    /// Of one phase.
    pub threads: usize,
    /// Multiply-accumulates.
    pub macs: u64,
}

impl<'a> LayerWork<'a> {
    pub fn new(layer: &'a GpuLayer, kernel: Kernel, input: Size, macs: u64) -> Self {
        let (conv, output) = (layer.packed.conv, layer.packed.output_size(input));
        let positions = Size {
            height: output.height / conv.scale(),
            width: output.width / conv.scale(),
            ..output
        };
        let shape = LayerShape::new(layer, input);
        let parts = kernel.parts(shape);
        let units = kernel.units(shape) * parts;
        Self {
            layer,
            kernel,
            input,
            output,
            positions,
            phases: shape.phases,
            parts,
            threads: match kernel.is_for_groups() {
                true => units * GROUP,
                false => units,
            },
            macs,
        }
    }

    /// Whether outputs wait for other parts, or for statistics.
    pub fn waits(&self) -> bool {
        self.parts > 1 || self.layer.statistics.is_some()
    }

    /// The sums that wait.
    pub fn accumulators(&self) -> Size {
        Size {
            images: self.output.images * self.parts,
            ..self.output
        }
    }

    /// Images whose statistics are taken as one.
    pub fn norm_images(&self) -> usize {
        match self.layer.statistics {
            Some(Statistics::OfImage) => 1,
            _ => self.output.images,
        }
    }

    /// Channels that each have statistics of their own, and how many times.
    pub fn normed_channels(&self) -> [usize; 2] {
        let groups = self.output.images / self.norm_images();
        [self.output.channels, groups]
    }

    /// Parts of a channel whose statistics are taken by themselves.
    pub fn slices(&self) -> usize {
        let values = self.output.height * self.output.width * self.norm_images();
        (values / VALUES_OF_SLICE).clamp(1, MOST_SLICES)
    }
}
