//! One convolution, or its transpose, as matrix products.
//!
//! Both are the same three products with the roles of their sides exchanged, so everything here speaks
//! of the `big` side, which has the pixels, and the `small` side, which has one pixel for each position of
//! the kernel, whichever of them is the input.

use std::ops::Range;

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use super::geometry::{Geometry, Threads};
use super::product::{Matrix, product};
use crate::vector::threads::*;

/// Channels for each thread that are too few to part them.
const FEW_CHANNELS: usize = 4;

/// Which side is the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A convolution reads the big side.
    Convolution,
    /// A transposed one reads the small side.
    Transposed,
}

/// One convolution of known sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lowered {
    kind: Kind,
    geometry: Geometry,
    channels: Channels,
}

/// Feature channels of both sides.
#[derive(Clone, Copy, Debug)]
struct Channels {
    small: usize,
    big: usize,
}

impl Channels {
    /// Weights have the small side's channels first, in either case.
    fn of(weight: &FlexTensor) -> Self {
        let shape = weight.layout().shape();
        Self {
            small: shape[0],
            big: shape[1],
        }
    }
}

impl Lowered {
    pub(super) fn new(kind: Kind, geometry: Geometry, weight: &FlexTensor) -> Self {
        let channels = Channels::of(weight);
        Self {
            kind,
            geometry,
            channels,
        }
    }

    pub(super) fn forward(&self, x: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        match self.kind {
            Kind::Convolution => self.small_from_big(x, weight),
            Kind::Transposed => self.big_from_small(x, weight),
        }
    }

    pub(super) fn input_gradient(&self, output: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        match self.kind {
            Kind::Convolution => self.big_from_small(output, weight),
            Kind::Transposed => self.small_from_big(output, weight),
        }
    }

    /// What each position of the kernel sees, times the weights.
    fn small_from_big(&self, big: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (geometry, channels) = (self.geometry, self.channels);
        let depth = channels.big * geometry.taps();
        let positions = geometry.positions();
        let weight = weight.to_contiguous();
        let weight: &[f32] = weight.storage();
        let blocks = geometry.blocks(channels.big);
        self.for_each_image(
            big,
            channels.big,
            [channels.small, positions],
            |big, small| {
                let phases = geometry.split(big, Threads::All);
                let of_block = |unfolded: &mut Vec<f32>, rows: &Range<usize>, threads| {
                    unfolded.resize(geometry.unfolded(channels.big, rows.len()), 0.0);
                    geometry.unfold(&phases, rows, unfolded, threads);
                    let count = rows.len() * geometry.small[1];
                    let mut accumulators = vec![0.0; channels.small * count];
                    let matrices = (Matrix::rows(weight, depth), Matrix::rows(unfolded, count));
                    let sizes = [channels.small, count, depth];
                    product(sizes, &mut accumulators, matrices, false, threads);
                    accumulators
                };
                let blocks: Vec<Vec<f32>> = match blocks.len() < current_num_threads() {
                    true => {
                        let mut unfolded = Vec::new();
                        let of_block = |rows| of_block(&mut unfolded, rows, Threads::All);
                        blocks.iter().map(of_block).collect()
                    }
                    false => {
                        let of_block =
                            |unfolded: &mut _, rows| of_block(unfolded, rows, Threads::One);
                        blocks.par_iter().map_init(Vec::new, of_block).collect()
                    }
                };
                small
                    .par_chunks_exact_mut(positions)
                    .enumerate()
                    .for_each(|(channel, small)| {
                        let mut small = small;
                        for block in &blocks {
                            let count = block.len() / channels.small;
                            let (here, rest) = small.split_at_mut(count);
                            here.copy_from_slice(&block[channel * count..][..count]);
                            small = rest;
                        }
                    });
            },
        )
    }

    /// Each small pixel times the weights, added up where positions overlap.
    fn big_from_small(&self, small: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (geometry, channels) = (self.geometry, self.channels);
        let depth = channels.big * geometry.taps();
        let positions = geometry.positions();
        let weight = weight.to_contiguous();
        let weight: &[f32] = weight.storage();
        let (group, threads) = self.groups();
        self.for_each_image(
            small,
            channels.small,
            [channels.big, geometry.pixels()],
            |small, big| {
                let groups = big.par_chunks_mut(group * geometry.pixels()).enumerate();
                groups.for_each(|(index, big)| {
                    let weight = &weight[index * group * geometry.taps()..];
                    let group = big.len() / geometry.pixels();
                    let mut phases = vec![0.0; group * geometry.phase_values()];
                    let mut unfolded = Vec::new();
                    for rows in geometry.blocks(group) {
                        let count = rows.len() * geometry.small[1];
                        unfolded.resize(geometry.unfolded(group, rows.len()), 0.0);
                        let at = rows.start * geometry.small[1];
                        let small = Matrix::rows(&small[at..], positions);
                        let matrices = (Matrix::columns(weight, depth), small);
                        let sizes = [group * geometry.taps(), count, channels.small];
                        product(sizes, &mut unfolded, matrices, false, threads);
                        geometry.fold(&unfolded, &rows, &mut phases, threads);
                    }
                    geometry.join(&phases, big, threads);
                });
            },
        )
    }

    pub(super) fn weight_gradient(&self, x: &FlexTensor, output: &FlexTensor) -> FlexTensor {
        let (big, small) = match self.kind {
            Kind::Convolution => (x, output),
            Kind::Transposed => (output, x),
        };
        let (geometry, channels) = (self.geometry, self.channels);
        let (big, small) = (big.to_contiguous(), small.to_contiguous());
        let (big, small): (&[f32], &[f32]) = (big.storage(), small.storage());
        let (group, threads) = self.groups();
        let starts: Vec<usize> = (0..channels.big).step_by(group).collect();
        // A product takes the matrix whose columns are contiguous into its order: the smaller of both,
        // or else the gradient, whose rows and columns are exchanged at the end.
        let by_tap = geometry.positions() >= channels.small;
        let of_group = |first: &usize| {
            let group = group.min(channels.big - first);
            let depth = group * geometry.taps();
            let mut gradient = vec![0.0; channels.small * depth];
            let mut unfolded = Vec::new();
            let mut is_more = false;
            let images = big.chunks_exact(channels.big * geometry.pixels());
            for (big, small) in
                images.zip(small.chunks_exact(channels.small * geometry.positions()))
            {
                let big = &big[first * geometry.pixels()..][..group * geometry.pixels()];
                let phases = geometry.split(big, threads);
                for rows in geometry.blocks(group) {
                    unfolded.resize(geometry.unfolded(group, rows.len()), 0.0);
                    geometry.unfold(&phases, &rows, &mut unfolded, threads);
                    let count = rows.len() * geometry.small[1];
                    let small = &small[rows.start * geometry.small[1]..];
                    let (sizes, matrices) = match by_tap {
                        true => {
                            let small = Matrix::columns(small, geometry.positions());
                            let matrices = (Matrix::rows(&unfolded, count), small);
                            ([depth, channels.small, count], matrices)
                        }
                        false => {
                            let small = Matrix::rows(small, geometry.positions());
                            let matrices = (small, Matrix::columns(&unfolded, count));
                            ([channels.small, depth, count], matrices)
                        }
                    };
                    product(sizes, &mut gradient, matrices, is_more, threads);
                    is_more = true;
                }
            }
            gradient
        };
        let groups: Vec<Vec<f32>> = starts.par_iter().map(of_group).collect();
        let depth = channels.big * geometry.taps();
        let mut gradient = vec![0.0; channels.small * depth];
        let rows = gradient.par_chunks_exact_mut(depth).enumerate();
        rows.for_each(|(channel, mut row)| {
            for group in &groups {
                let depth = group.len() / channels.small;
                let (here, rest) = row.split_at_mut(depth);
                match by_tap {
                    true => {
                        let values = group[channel..].iter().step_by(channels.small);
                        here.iter_mut()
                            .zip(values)
                            .for_each(|(to, value)| *to = *value);
                    }
                    false => here.copy_from_slice(&group[channel * depth..][..depth]),
                }
                row = rest;
            }
        });
        let kernel = geometry.kernel;
        tensor(gradient, [channels.small, channels.big, kernel, kernel])
    }

    /// How many channels of the big side are worked on at a time, and by whom.
    fn groups(&self) -> (usize, Threads) {
        let threads = current_num_threads();
        match self.channels.big < FEW_CHANNELS * threads {
            true => (self.channels.big, Threads::All),
            false => (self.channels.big.div_ceil(threads), Threads::One),
        }
    }

    /// Makes images of `[channels, values]` of those of `from`, which have `channels_from`.
    fn for_each_image(
        &self,
        from: &FlexTensor,
        channels_from: usize,
        [channels, values]: [usize; 2],
        make: impl Fn(&[f32], &mut [f32]),
    ) -> FlexTensor {
        let from = from.to_contiguous();
        let shape = from.layout().shape();
        let (batch, size) = (shape[0], channels_from * shape[2] * shape[3]);
        let mut made = vec![0.0; batch * channels * values];
        let images = from.storage::<f32>().chunks_exact(size);
        for (image, made) in images.zip(made.chunks_exact_mut(channels * values)) {
            make(image, made);
        }
        let [height, width] = match values == self.geometry.positions() {
            true => self.geometry.small,
            false => self.geometry.big,
        };
        tensor(made, [batch, channels, height, width])
    }
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
