//! Convolutions of every kind that the networks have, each brought to the same form: at each
//! place of a grid, sums over windows of the input. What doubles the size has four such grids,
//! one for each parity of row and column, and never multiplies by the zeros in between.

use super::features::Size;
use crate::state::Array;

/// How output pixels come from input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Weights `[out, in, kernel, kernel]`.
    Plain {
        /// Input pixels from one output pixel to the next.
        stride: usize,
        /// Pixels of border that windows reach into.
        padding: usize,
    },
    /// Doubles the size; stride 2, padding 1, weights `[in, out, kernel, kernel]`.
    Transposed,
    /// Doubles the size; every pixel four times, then 3×3 with weights `[out, in, 3, 3]`.
    Resized,
}

/// Along one axis, the distance of an input pixel and the indices of the kernel whose weights it
/// is multiplied by.
type Tap = (isize, Vec<usize>);

impl Kind {
    /// Output pixels for each input pixel of a grid, along one axis.
    pub fn scale(self) -> usize {
        match self {
            Self::Plain { .. } => 1,
            Self::Transposed | Self::Resized => 2,
        }
    }

    /// Input pixels from one place of a grid to the next.
    pub fn stride(self) -> usize {
        match self {
            Self::Plain { stride, .. } => stride,
            Self::Transposed | Self::Resized => 1,
        }
    }

    /// Output and input channels and the side of the kernel.
    fn dimensions(self, weight: &Array) -> [usize; 3] {
        match self {
            Self::Transposed => [weight.shape[1], weight.shape[0], weight.shape[2]],
            _ => [weight.shape[0], weight.shape[1], weight.shape[2]],
        }
    }

    /// What an output pixel of this parity sees, by growing distance.
    fn taps(self, kernel: usize, parity: usize) -> Vec<Tap> {
        let distance = |index: usize| match self {
            Self::Plain { padding, .. } => Some(index as isize - padding as isize),
            // Output pixel o takes input pixel i by the weight of index o + 1 - 2 · i.
            Self::Transposed => {
                let doubled = parity as isize + 1 - index as isize;
                (doubled % 2 == 0).then_some(doubled / 2)
            }
            Self::Resized => Some((parity as isize + index as isize - 1).div_euclid(2)),
        };
        let mut taps: Vec<Tap> = Vec::new();
        for index in 0..kernel {
            let Some(distance) = distance(index) else {
                continue;
            };
            match taps.iter_mut().find(|tap| tap.0 == distance) {
                Some(tap) => tap.1.push(index),
                None => taps.push((distance, vec![index])),
            }
        }
        taps.sort_unstable();
        taps
    }
}

/// Windows and weights of the output pixels of one parity.
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
pub(super) struct Packed {
    pub kind: Kind,
    pub in_channels: usize,
    pub out_channels: usize,
    pub phases: Vec<Phase>,
}

impl Packed {
    /// Packs `weight` in blocks of as many output channels as `lanes`, each multiplied by its
    /// `gain`.
    pub fn new(kind: Kind, weight: &Array, gains: &[f32], lanes: usize) -> Self {
        let [out_channels, in_channels, kernel] = kind.dimensions(weight);
        let packing = Packing {
            kind,
            weight,
            gains,
            lanes,
        };
        let parities = (0..kind.scale()).flat_map(|y| (0..kind.scale()).map(move |x| (y, x)));
        let phase = |(parity_y, parity_x): (usize, usize)| {
            let (rows, columns) = (kind.taps(kernel, parity_y), kind.taps(kernel, parity_x));
            let windows = rows.len() * columns.len();
            let mut places = Vec::new();
            for (row, (_, ys)) in rows.iter().enumerate() {
                for (column, (_, xs)) in columns.iter().enumerate() {
                    let window = row * columns.len() + column;
                    let places_of = |y| xs.iter().map(move |x| (window, y * kernel + x));
                    places.extend(ys.iter().flat_map(places_of));
                }
            }
            let length = windows * in_channels * lanes;
            let mut weights = vec![0.0; out_channels.div_ceil(lanes) * length];
            for (block, weights) in weights.chunks_mut(length).enumerate() {
                packing.fill_block(block, &places, weights);
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
            kind,
            in_channels,
            out_channels,
            phases: parities.map(phase).collect(),
        }
    }

    /// Size of the output for an input of `size`.
    pub fn output_size(&self, size: Size) -> Size {
        let (scale, stride) = (self.kind.scale(), self.kind.stride());
        Size {
            height: size.height / stride * scale,
            width: size.width / stride * scale,
            channels: self.out_channels,
            ..size
        }
    }
}

/// Weights on their way into the order in which they are used.
struct Packing<'a> {
    kind: Kind,
    weight: &'a Array,
    /// One for each output channel.
    gains: &'a [f32],
    lanes: usize,
}

impl Packing<'_> {
    /// Fills zeros. `places`: a window and a place of the kernel that goes into it.
    ///
    /// A function of its own, since a browser's faster code begins with the next call.
    #[inline(never)]
    fn fill_block(&self, block: usize, places: &[(usize, usize)], weights: &mut [f32]) {
        let [out_channels, in_channels, kernel] = self.kind.dimensions(self.weight);
        let (out_stride, in_stride) = match self.kind {
            Kind::Transposed => (kernel * kernel, out_channels * kernel * kernel),
            _ => (in_channels * kernel * kernel, kernel * kernel),
        };
        let first = block * self.lanes;
        let gains = &self.gains[first..out_channels.min(first + self.lanes)];
        let kernel = kernel * kernel;
        // In between, since lines of the one and the other order crowd each other out of a cache.
        let mut lanes = vec![0.0; places.len() * self.lanes];
        for input in 0..in_channels {
            for (lane, gain) in gains.iter().enumerate() {
                let start = (first + lane) * out_stride + input * in_stride;
                let values = &self.weight.values[start..start + kernel];
                for (lanes, (_, place)) in lanes.chunks_exact_mut(self.lanes).zip(places) {
                    lanes[lane] = values[*place] * gain;
                }
            }
            for (lanes, (window, _)) in lanes.chunks_exact(self.lanes).zip(places) {
                let start = (window * in_channels + input) * self.lanes;
                let weights = &mut weights[start..start + self.lanes];
                for (weight, value) in weights.iter_mut().zip(lanes) {
                    *weight += value;
                }
            }
        }
    }
}
