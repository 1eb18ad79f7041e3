//! One convolution, or its transpose, as matrix products.
//!
//! Both are the same three products with the roles of their sides exchanged, so everything here speaks
//! of the `big` side, which has the pixels, and the `small` side, which has the windows, whichever of
//! them is the input.

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use super::product::{Matrix, product};
use super::sides::Sides;

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
        self.for_each_picture(
            big,
            maps.big,
            [maps.small, windows],
            |big, small: &mut [f32]| {
                let phases = sides.split(big);
                sides.blocks(maps.big, |rows, unfolded| {
                    sides.unfold(&phases, &rows, unfolded);
                    let count = rows.len() * sides.small[1];
                    let matrices = (Matrix::rows(weight, depth), Matrix::rows(unfolded, count));
                    let at = rows.start * sides.small[1];
                    product(
                        [maps.small, count, depth],
                        &mut small[at..],
                        windows,
                        matrices,
                        false,
                    );
                });
            },
        )
    }

    /// Each small pixel times the weights, added up where windows overlap.
    fn big_from_small(&self, small: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        let (sides, maps) = (self.sides, self.maps);
        let depth = maps.big * sides.area();
        let windows = sides.windows();
        let weight = weight.to_contiguous();
        let weight: &[f32] = weight.storage();
        let pixels = sides.big[0] * sides.big[1];
        self.for_each_picture(
            small,
            maps.small,
            [maps.big, pixels],
            |small, big: &mut [f32]| {
                let mut phases = vec![0.0; maps.big * sides.phase_values()];
                sides.blocks(maps.big, |rows, unfolded| {
                    let count = rows.len() * sides.small[1];
                    let at = rows.start * sides.small[1];
                    let matrices = (
                        Matrix::columns(weight, depth),
                        Matrix::rows(&small[at..], windows),
                    );
                    product([depth, count, maps.small], unfolded, count, matrices, false);
                    sides.fold(unfolded, &rows, &mut phases);
                });
                sides.join(&phases, big);
            },
        )
    }

    pub(super) fn weight_gradient(&self, x: &FlexTensor, output: &FlexTensor) -> FlexTensor {
        let (big, small) = match self.way {
            Way::Down => (x, output),
            Way::Up => (output, x),
        };
        let (sides, maps) = (self.sides, self.maps);
        let depth = maps.big * sides.area();
        let windows = sides.windows();
        let (big, small) = (big.to_contiguous(), small.to_contiguous());
        let pictures = big.storage::<f32>().chunks_exact(maps.big * sides.pixels());
        let smalls = small.storage::<f32>().chunks_exact(maps.small * windows);
        let mut gradient = vec![0.0; maps.small * depth];
        let mut is_more = false;
        for (big, small) in pictures.zip(smalls) {
            let phases = sides.split(big);
            sides.blocks(maps.big, |rows, unfolded| {
                sides.unfold(&phases, &rows, unfolded);
                let count = rows.len() * sides.small[1];
                let at = rows.start * sides.small[1];
                let matrices = (
                    Matrix::rows(&small[at..], windows),
                    Matrix::columns(unfolded, count),
                );
                product(
                    [maps.small, depth, count],
                    &mut gradient,
                    depth,
                    matrices,
                    is_more,
                );
                is_more = true;
            });
        }
        let kernel = sides.kernel;
        tensor(gradient, [maps.small, maps.big, kernel, kernel])
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
