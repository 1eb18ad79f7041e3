//! Ways to share out a convolution's work, of which devices like one or another.

use std::fmt;
use std::str::FromStr;

use super::layer::GpuLayer;
use crate::inference::dataflow::Size;

/// A way to share out a convolution's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// A thread for 4 positions and a block of channels, and for a part of the input channels where
    /// there are few positions.
    Direct,
    /// The same in more parts, for devices of many cores.
    Split,
    /// A product of matrices in tiles of 64 positions and 64 channels.
    Tiled64,
    /// The same in tiles of 128 positions and 32 channels.
    Tiled32,
    /// A group of threads for 4 positions and a block of channels.
    Grouped,
}

/// No such way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKernel;

/// What the choice of a kernel depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerShape {
    pub in_channels: usize,
    pub out_channels: usize,
    /// Positions of one phase in all images.
    pub positions: usize,
    pub phases: usize,
    /// Output channels of a block.
    pub lanes: usize,
    /// Input values in a sum.
    pub summands: usize,
}

/// Threads that keep a small device busy, and a large one.
const FEW_THREADS: usize = 1 << 14;
const MANY_THREADS: usize = 1 << 17;
/// Groups that keep a large device busy.
const MANY_GROUPS: usize = 512;
/// Output pixels from which tiles pay.
const LEAST_TILED: usize = 32 * 32;
/// Positions up to which groups pay.
const MOST_GROUPED: usize = 64 * 64;

impl Kernel {
    /// All that there are.
    pub const ALL: [Self; 5] = [
        Self::Direct,
        Self::Split,
        Self::Tiled64,
        Self::Tiled32,
        Self::Grouped,
    ];

    /// Its name in settings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Split => "split",
            Self::Tiled64 => "tiled-64",
            Self::Tiled32 => "tiled-32",
            Self::Grouped => "grouped",
        }
    }

    /// Blocks of 8 output channels in a tile.
    pub(super) fn tile_blocks(self) -> Option<usize> {
        match self {
            Self::Tiled64 => Some(8),
            Self::Tiled32 => Some(4),
            _ => None,
        }
    }

    /// Whether it can do a layer at all.
    pub(super) fn does(self, shape: LayerShape) -> bool {
        self.tile_blocks().is_none() || shape.lanes == 8
    }

    /// Whether it is worth a try.
    pub(super) fn may_pay(self, shape: LayerShape) -> bool {
        let pixels = shape.positions * shape.phases;
        let fits_tiles = self.does(shape) && pixels >= LEAST_TILED && shape.in_channels >= 16;
        match self {
            Self::Direct => true,
            Self::Split => self.parts(shape) > Self::Direct.parts(shape),
            Self::Tiled64 => fits_tiles && shape.out_channels >= 48,
            Self::Tiled32 => fits_tiles && shape.out_channels >= 16,
            Self::Grouped => shape.positions <= MOST_GROUPED && shape.in_channels >= 32,
        }
    }

    /// Parts in which each sum is taken.
    pub(super) fn parts(self, shape: LayerShape) -> usize {
        let once = self.units(shape) * shape.phases;
        let in_channels = shape.in_channels;
        match self {
            Self::Direct => (FEW_THREADS / once).clamp(1, in_channels.min(32)),
            Self::Split => (MANY_THREADS / once).clamp(1, in_channels.min(128)),
            Self::Tiled64 | Self::Tiled32 => {
                (MANY_GROUPS / once).clamp(1, (shape.summands / 64).clamp(1, 16))
            }
            Self::Grouped => (MANY_GROUPS / once).clamp(1, (in_channels / 64).clamp(1, 16)),
        }
    }

    /// Threads or, where their threads work together, groups that do one phase, in one part.
    pub(super) fn units(self, shape: LayerShape) -> usize {
        let blocks = shape.out_channels.div_ceil(shape.lanes);
        match self.tile_blocks() {
            Some(tile) => shape.positions.div_ceil(64 * 8 / tile) * blocks.div_ceil(tile),
            None => shape.positions.div_ceil(4) * blocks,
        }
    }

    /// Whether threads of a group work together.
    pub(super) fn is_for_groups(self) -> bool {
        !matches!(self, Self::Direct | Self::Split)
    }
}

impl LayerShape {
    pub fn new(layer: &GpuLayer, input: Size) -> Self {
        let (conv, output) = (layer.packed.conv, layer.packed.output_size(input));
        let phases = conv.scale() * conv.scale();
        let taps = layer.packed.phases.first();
        Self {
            in_channels: input.channels,
            out_channels: output.channels,
            positions: output.images * output.height * output.width / phases,
            phases,
            lanes: layer.lanes,
            summands: taps.map_or(1, |taps| taps.rows * taps.columns) * input.channels,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Kernel {
    type Err = UnknownKernel;

    fn from_str(name: &str) -> Result<Self, UnknownKernel> {
        let found = Self::ALL.into_iter().find(|kernel| kernel.name() == name);
        found.ok_or(UnknownKernel)
    }
}
