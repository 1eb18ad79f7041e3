//! One convolution, or its transpose, as matrix products.
//!
//! Both are the same three products with the roles of their sides exchanged, so everything here speaks
//! of the `big` side, which has the pixels, and the `small` side, which has the windows, whichever of
//! them is the input.

use std::ops::Range;

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;
use rayon::prelude::*;

use super::product::{Matrix, product};
use super::sides::{Sides, Workers};

/// Maps for each thread that are too few to part them.
const FEW_MAPS: usize = 4;

/// Which side is the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// A convolution reads the big side.
    Down,
    /// A transposed one reads the small side.
    Up,
}

/// One convolution of known sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    way: Way,
    sides: Sides,
    maps: Maps,
}

/// Feature maps of both sides.
#[derive(Clone, Copy, Debug)]
struct Maps {
    small: usize,
    big: usize,
}

impl Maps {
    /// Weights have the small side's maps first, in either way.
    fn of(weight: &FlexTensor) -> Self {
        let shape = weight.layout().shape();
        Self {
            small: shape[0],
            big: shape[1],
        }
    }
}

impl Step {
    pub(super) fn new(way: Way, sides: Sides, weight: &FlexTensor) -> Self {
        let maps = Maps::of(weight);
        Self { way, sides, maps }
    }

    pub(super) fn forward(&self, x: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        match self.way {
            Way::Down => self.small_from_big(x, weight),
            Way::Up => self.big_from_small(x, weight),
        }
    }

    pub(super) fn input_gradient(&self, output: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        match self.way {
            Way::Down => self.big_from_small(output, weight),
            Way::Up => self.small_from_big(output, weight),
        }
    }

    /// Each window of the big side times the weights.
    fn small_from_big(&self, big: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (sides, maps) = (self.sides, self.maps);
        let depth = maps.big * sides.area();
        let windows = sides.windows();
        let weight = weight.to_contiguous();
        let weight: &[f32] = weight.storage();
        let blocks = sides.blocks(maps.big);
        self.for_each_picture(big, maps.big, [maps.small, windows], |big, small| {
            let phases = sides.split(big, Workers::All);
            let of_block = |unfolded: &mut Vec<f32>, rows: &Range<usize>, workers| {
                unfolded.resize(sides.unfolded(maps.big, rows.len()), 0.0);
                sides.unfold(&phases, rows, unfolded, workers);
                let count = rows.len() * sides.small[1];
                let mut sums = vec![0.0; maps.small * count];
                let matrices = (Matrix::rows(weight, depth), Matrix::rows(unfolded, count));
                let sizes = [maps.small, count, depth];
                product(sizes, &mut sums, matrices, false, workers);
                sums
            };
            let blocks: Vec<Vec<f32>> = match blocks.len() < rayon::current_num_threads() {
                true => {
                    let mut unfolded = Vec::new();
                    let of_block = |rows| of_block(&mut unfolded, rows, Workers::All);
                    blocks.iter().map(of_block).collect()
                }
                false => {
                    let of_block = |unfolded: &mut _, rows| of_block(unfolded, rows, Workers::One);
                    blocks.par_iter().map_init(Vec::new, of_block).collect()
                }
            };
            small
                .par_chunks_exact_mut(windows)
                .enumerate()
                .for_each(|(map, small)| {
                    let mut small = small;
                    for block in &blocks {
                        let count = block.len() / maps.small;
                        let (here, rest) = small.split_at_mut(count);
                        here.copy_from_slice(&block[map * count..][..count]);
                        small = rest;
                    }
                });
        })
    }

    /// Each small pixel times the weights, added up where windows overlap.
    fn big_from_small(&self, small: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (sides, maps) = (self.sides, self.maps);
        let depth = maps.big * sides.area();
        let windows = sides.windows();
        let weight = weight.to_contiguous();
        let weight: &[f32] = weight.storage();
        let (group, workers) = self.groups();
        self.for_each_picture(
            small,
            maps.small,
            [maps.big, sides.pixels()],
            |small, big| {
                let groups = big.par_chunks_mut(group * sides.pixels()).enumerate();
                groups.for_each(|(index, big)| {
                    let weight = &weight[index * group * sides.area()..];
                    let group = big.len() / sides.pixels();
                    let mut phases = vec![0.0; group * sides.phase_values()];
                    let mut unfolded = Vec::new();
                    for rows in sides.blocks(group) {
                        let count = rows.len() * sides.small[1];
                        unfolded.resize(sides.unfolded(group, rows.len()), 0.0);
                        let at = rows.start * sides.small[1];
                        let small = Matrix::rows(&small[at..], windows);
                        let matrices = (Matrix::columns(weight, depth), small);
                        let sizes = [group * sides.area(), count, maps.small];
                        product(sizes, &mut unfolded, matrices, false, workers);
                        sides.fold(&unfolded, &rows, &mut phases, workers);
                    }
                    sides.join(&phases, big, workers);
                });
            },
        )
    }

    pub(super) fn weight_gradient(&self, x: &FlexTensor, output: &FlexTensor) -> FlexTensor {
        let (big, small) = match self.way {
            Way::Down => (x, output),
            Way::Up => (output, x),
        };
        let (sides, maps) = (self.sides, self.maps);
        let (big, small) = (big.to_contiguous(), small.to_contiguous());
        let (big, small): (&[f32], &[f32]) = (big.storage(), small.storage());
        let (group, workers) = self.groups();
        let starts: Vec<usize> = (0..maps.big).step_by(group).collect();
        let of_group = |first: &usize| {
            let group = group.min(maps.big - first);
            let depth = group * sides.area();
            let mut gradient = vec![0.0; maps.small * depth];
            let mut unfolded = Vec::new();
            let mut is_more = false;
            let pictures = big.chunks_exact(maps.big * sides.pixels());
            for (big, small) in pictures.zip(small.chunks_exact(maps.small * sides.windows())) {
                let big = &big[first * sides.pixels()..][..group * sides.pixels()];
                let phases = sides.split(big, workers);
                for rows in sides.blocks(group) {
                    unfolded.resize(sides.unfolded(group, rows.len()), 0.0);
                    sides.unfold(&phases, &rows, &mut unfolded, workers);
                    let count = rows.len() * sides.small[1];
                    let small = &small[rows.start * sides.small[1]..];
                    let small = Matrix::rows(small, sides.windows());
                    let matrices = (small, Matrix::columns(&unfolded, count));
                    let sizes = [maps.small, depth, count];
                    product(sizes, &mut gradient, matrices, is_more, workers);
                    is_more = true;
                }
            }
            gradient
        };
        let groups: Vec<Vec<f32>> = starts.par_iter().map(of_group).collect();
        let mut gradient = Vec::with_capacity(maps.small * maps.big * sides.area());
        for map in 0..maps.small {
            for group in &groups {
                let depth = group.len() / maps.small;
                gradient.extend_from_slice(&group[map * depth..][..depth]);
            }
        }
        let kernel = sides.kernel;
        tensor(gradient, [maps.small, maps.big, kernel, kernel])
    }

    /// How many maps of the big side are worked on at a time, and by whom.
    fn groups(&self) -> (usize, Workers) {
        let threads = rayon::current_num_threads();
        match self.maps.big < FEW_MAPS * threads {
            true => (self.maps.big, Workers::All),
            false => (self.maps.big.div_ceil(threads), Workers::One),
        }
    }

    /// Makes pictures of `[maps, values]` of those of `from`, which have `maps_from`.
    fn for_each_picture(
        &self,
        from: &FlexTensor,
        maps_from: usize,
        [maps, values]: [usize; 2],
        make: impl Fn(&[f32], &mut [f32]),
    ) -> FlexTensor {
        let from = from.to_contiguous();
        let shape = from.layout().shape();
        let (batch, size) = (shape[0], maps_from * shape[2] * shape[3]);
        let mut made = vec![0.0; batch * maps * values];
        let pictures = from.storage::<f32>().chunks_exact(size);
        for (picture, made) in pictures.zip(made.chunks_exact_mut(maps * values)) {
            make(picture, made);
        }
        let [height, width] = match values == self.sides.windows() {
            true => self.sides.small,
            false => self.sides.big,
        };
        tensor(made, [batch, maps, height, width])
    }
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
