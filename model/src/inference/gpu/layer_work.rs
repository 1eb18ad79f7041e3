//! How the shaders share out a layer's work on inputs of one size.

use super::layer::{GpuLayer, Statistics};
use crate::inference::dataflow::Size;

/// Positions of a thread.
const POSITIONS: usize = 4;
/// Fewer threads than this leave a device idle.
const FEW_THREADS: usize = 1 << 14;
/// Threads that share the input channels of one position, at most.
const MOST_PARTS: usize = 32;

/// A layer's work on inputs of one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerWork<'a> {
    pub layer: &'a GpuLayer,
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
    pub fn new(layer: &'a GpuLayer, input: Size, macs: u64) -> Self {
        let (conv, output) = (layer.packed.conv, layer.packed.output_size(input));
        let positions = Size {
            height: output.height / conv.scale(),
            width: output.width / conv.scale(),
            ..output
        };
        let phases = conv.scale() * conv.scale();
        let blocks = output.channels.div_ceil(layer.lanes);
        let pixels = positions.images * positions.height * positions.width;
        let threads = pixels.div_ceil(POSITIONS) * blocks;
        let parts = (FEW_THREADS / (threads * phases)).clamp(1, MOST_PARTS.min(input.channels));
        Self {
            layer,
            input,
            output,
            positions,
            phases,
            parts,
            threads: threads * parts,
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

    /// Channels that each have statistics of their own.
    pub fn normed_channels(&self) -> [usize; 2] {
        let groups = self.output.images / self.norm_images();
        [self.output.channels, groups]
    }
}
