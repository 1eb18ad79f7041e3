//! Convolutions of every kind that the networks have, each brought to the same form: at each
//! position of a grid, sums over the taps of a kernel. What doubles the size has four such grids,
//! one for each parity of row and column, and never multiplies by the zeros in between.

use super::dataflow::Size;
use crate::model_folder::arrays::Array;
use crate::network::geometry::{ConvGeometry, ConvKind};

/// Taps and weights of the output pixels of one parity.
#[derive(Debug)]
pub(super) struct Phase {
    pub first_row: isize,
    pub rows: usize,
    pub first_column: isize,
    pub columns: usize,
    /// `[block, row, column, input channel, lane]`.
    pub weights: Vec<f32>,
}

/// Weights in the order in which they are used.
#[derive(Debug)]
pub(super) struct PackedWeights {
    pub conv: ConvGeometry,
    pub in_channels: usize,
    pub out_channels: usize,
    pub phases: Vec<Phase>,
}

impl PackedWeights {
    /// Packs `weight` in blocks of as many output channels as `lanes`, each multiplied by its
    /// `gain`.
    pub fn new(conv: ConvGeometry, weight: &Array, gains: &[f32], lanes: usize) -> Self {
        let [out_channels, in_channels] = channels(conv, weight);
        let packing = Packing {
            conv,
            weight,
            gains,
            lanes,
        };
        let kernel = conv.kernel;
        let parities = (0..conv.scale()).flat_map(|y| (0..conv.scale()).map(move |x| (y, x)));
        let phase = |(parity_y, parity_x): (usize, usize)| {
            let (rows, columns) = (conv.taps(parity_y), conv.taps(parity_x));
            // Each weight of the kernel, the tap that it belongs to, and its share in it.
            let mut indices = Vec::new();
            for (row, (_, ys)) in rows.iter().enumerate() {
                for (column, (_, xs)) in columns.iter().enumerate() {
                    let tap = row * columns.len() + column;
                    let indices_of = |&(y, down): &(usize, f32)| {
                        let index = move |&(x, across)| (tap, y * kernel + x, down * across);
                        xs.iter().map(index)
                    };
                    indices.extend(ys.iter().flat_map(indices_of));
                }
            }
            let length = rows.len() * columns.len() * in_channels * lanes;
            let mut weights = vec![0.0; out_channels.div_ceil(lanes) * length];
            for (block, weights) in weights.chunks_mut(length).enumerate() {
                packing.fill_block(block, &indices, weights);
            }
            Phase {
                first_row: rows.first().map_or(0, |tap| tap.0),
                rows: rows.len(),
                first_column: columns.first().map_or(0, |tap| tap.0),
                columns: columns.len(),
                weights,
            }
        };
        Self {
            conv,
            in_channels,
            out_channels,
            phases: parities.map(phase).collect(),
        }
    }

    /// Size of the output for an input of `size`.
    pub fn output_size(&self, size: Size) -> Size {
        Size {
            height: self.conv.output_length(size.height),
            width: self.conv.output_length(size.width),
            channels: self.out_channels,
            ..size
        }
    }
}

/// Output and input channels.
fn channels(conv: ConvGeometry, weight: &Array) -> [usize; 2] {
    match conv.kind {
        ConvKind::Transposed => [weight.shape[1], weight.shape[0]],
        ConvKind::Convolution | ConvKind::Resized | ConvKind::Bilinear => {
            [weight.shape[0], weight.shape[1]]
        }
    }
}

/// Weights on their way into the order in which they are used.
struct Packing<'a> {
    conv: ConvGeometry,
    weight: &'a Array,
    /// One for each output channel.
    gains: &'a [f32],
    lanes: usize,
}

impl Packing<'_> {
    /// Fills zeros. `indices`: a tap, the index of a weight of the kernel that goes into it, and
    /// with which share.
    ///
    /// A function of its own, since a browser's faster code begins with the next call.
    #[inline(never)]
    fn fill_block(&self, block: usize, indices: &[(usize, usize, f32)], weights: &mut [f32]) {
        let [out_channels, in_channels] = channels(self.conv, self.weight);
        let kernel = self.conv.kernel;
        let (out_stride, in_stride) = match self.conv.kind {
            ConvKind::Transposed => (kernel * kernel, out_channels * kernel * kernel),
            _ => (in_channels * kernel * kernel, kernel * kernel),
        };
        let first = block * self.lanes;
        let gains = &self.gains[first..out_channels.min(first + self.lanes)];
        let kernel = kernel * kernel;
        // In between, since lines of the one and the other order crowd each other out of a cache.
        let mut lanes = vec![0.0; indices.len() * self.lanes];
        for input in 0..in_channels {
            for (lane, gain) in gains.iter().enumerate() {
                let start = (first + lane) * out_stride + input * in_stride;
                let values = &self.weight.values[start..start + kernel];
                for (lanes, (_, index, share)) in lanes.chunks_exact_mut(self.lanes).zip(indices) {
                    lanes[lane] = values[*index] * gain * share;
                }
            }
            for (lanes, (tap, ..)) in lanes.chunks_exact(self.lanes).zip(indices) {
                let start = (tap * in_channels + input) * self.lanes;
                let weights = &mut weights[start..start + self.lanes];
                for (weight, value) in weights.iter_mut().zip(lanes) {
                    *weight += value;
                }
            }
        }
    }
}
