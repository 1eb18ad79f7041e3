//! The convolution of feature maps, by one thread or many.

use super::accumulators::{Accumulators, CHUNK};
use super::features::Features;
use super::kernel::{RegisterTile, Run};
use crate::inference::packing::{PackedWeights, Phase};
use crate::model_folder::arrays::Array;
use crate::network::geometry::ConvGeometry;
use crate::vector::threads::*;

/// Packed weights, and the tile that they are packed for.
#[derive(Debug)]
pub(super) struct PackedConvolution {
    pub packed: PackedWeights,
    tile: RegisterTile,
}

impl PackedConvolution {
    /// Packs `weight`, each output channel multiplied by its gain.
    pub fn new(conv: ConvGeometry, weight: &Array, gains: &[f32]) -> Self {
        let tile = RegisterTile::for_channels(gains.len());
        Self {
            packed: PackedWeights::new(conv, weight, gains, tile.lanes),
            tile,
        }
    }

    /// The convolution of `input` without bias.
    pub fn multiply(&self, input: &Features, accumulators: &mut Accumulators) {
        debug_assert_eq!(input.size.channels, self.packed.in_channels);
        let (stride, channels) = (self.packed.conv.step(), self.packed.in_channels);
        accumulators.begin(
            self.packed.output_size(input.size),
            self.packed.conv.scale(),
            self.tile.lanes,
        );
        let grid = accumulators.grid();
        let runs: Vec<Vec<Run>> = self
            .packed
            .phases
            .iter()
            .map(|phase| phase.runs(input))
            .collect();
        let start = |position: usize| {
            let (row, x) = (position / grid.width, position % grid.width);
            let (image, y) = (row / grid.height, row % grid.height);
            image * input.image_length() + y * stride * input.row_length() + x * stride * channels
        };
        let (positions, blocks) = (grid.positions(), accumulators.blocks());
        let weights_length = |phase: &Phase| phase.weights.len() / blocks;
        let values = accumulators.values_mut();
        let pieces = values.par_chunks_mut(CHUNK * self.tile.lanes).enumerate();
        pieces.for_each(|(piece, accumulators)| {
            let (chunk, block) = (piece / blocks / self.packed.phases.len(), piece % blocks);
            let index = piece / blocks % self.packed.phases.len();
            let phase = &self.packed.phases[index];
            let first = chunk * CHUNK;
            let mut starts = [0; CHUNK];
            let count = CHUNK.min(positions - first);
            for (position, slot) in (first..).zip(&mut starts[..count]) {
                *slot = start(position);
            }
            let weights = &phase.weights[block * weights_length(phase)..][..weights_length(phase)];
            self.tile.multiply(
                weights,
                &input.values,
                &starts[..count],
                &runs[index],
                accumulators,
            );
        });
    }
}

impl Phase {
    /// Neighbouring columns lie side by side, with all their channels.
    fn runs(&self, input: &Features) -> Vec<Run> {
        let (border, channels) = (input.border as isize, input.size.channels);
        let column = (self.first_column + border) as usize;
        let first_row = (self.first_row + border) as usize;
        let start = |row: usize| (first_row + row) * input.row_length() + column * channels;
        (0..self.rows)
            .map(|row| (start(row), self.columns * channels))
            .collect()
    }
}
