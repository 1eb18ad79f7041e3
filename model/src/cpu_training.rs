//! Layers as they are trained on a CPU.
//!
//! A convolution is one matrix product each for outputs, inputs'
//! gradients and weights' gradients. Burn computes the last as convolutions whose kernels are as
//! large as feature maps, which costs more than all the rest of a step.
//!
//! A convolution and its transpose are the same three products with the roles of both sides
//! exchanged, so everything here speaks of the `big` side, which has the pixels, and the `small`
//! side, which has the windows, whichever of them is the input.

use std::ops::Range;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use gemm::Parallelism;
use rayon::prelude::*;

use crate::blocks::Windows;

/// Values of the unfolded matrix that are in memory at once: few enough for a cache.
const BLOCK: usize = 1 << 18;

/// Values that one thread computes at a time.
const PIECE: usize = 1 << 14;

/// Which side is the input.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A convolution reads the big side.
    Down,
    /// A transposed one reads the small side.
    Up,
}

/// `x`, `[batch, in, height, width]`, through weights `[out, in, kernel, kernel]`; `None` unless
/// both are tracked on the CPU.
pub(crate) fn convolution(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    windows: Windows,
) -> Option<Tensor<4>> {
    let [_, _, height, width] = x.dims();
    let big = [height, width];
    tracked(x, weight, Way::Down, (windows, big))
}

/// `x` through weights `[in, out, kernel, kernel]` of a transposed convolution that makes pictures
/// of `big` height and width; `None` unless both are tracked on the CPU.
pub(crate) fn transposed(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    windows: Windows,
    big: [usize; 2],
) -> Option<Tensor<4>> {
    tracked(x, weight, Way::Up, (windows, big))
}

fn tracked(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    way: Way,
    (windows, big): (Windows, [usize; 2]),
) -> Option<Tensor<4>> {
    let sides = Sides::new(windows, weight.dims()[2], big);
    let x = x.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let weight = weight.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let nodes = [x.node(), weight.node()];
    let (x, weight) = (x.into_primitive(), weight.into_primitive());
    let step = Step {
        way,
        sides,
        maps: Maps::of(&weight),
    };
    let output = step.forward(&x, &weight);
    let output = match Convolution
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish((x, weight, step), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Convolution;

impl Backward<Flex, 2> for Convolution {
    type State = (FlexTensor, FlexTensor, Step);

    fn backward(
        self,
        operation: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x, of_weight] = operation.parents;
        let (x, weight, step) = operation.state;
        let output = gradients.consume::<Flex>(&operation.node);
        if let Some(of_x) = of_x {
            let gradient = step.input_gradient(&output, &weight);
            gradients.register::<Flex>(of_x.id, gradient);
        }
        if let Some(of_weight) = of_weight {
            let gradient = step.weight_gradient(&x, &output);
            gradients.register::<Flex>(of_weight.id, gradient);
        }
    }
}

/// `x` where it is positive, elsewhere `slope` times that; `None` unless it is tracked on the CPU.
/// Burn makes masks, copies and products of it, each of which walks through memory.
pub(crate) fn leaky_relu(x: &Tensor<4>, slope: f32) -> Option<Tensor<4>> {
    let x = x.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let node = x.node();
    let x = x.into_primitive().to_contiguous();
    let output = rectified(&x, &x, slope);
    let prepared = LeakyRelu.prepare::<NoCheckpointing>([node]);
    let output = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((x, slope), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct LeakyRelu;

impl Backward<Flex, 1> for LeakyRelu {
    type State = (FlexTensor, f32);

    fn backward(
        self,
        operation: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x] = operation.parents;
        let (x, slope) = operation.state;
        let output = gradients.consume::<Flex>(&operation.node).to_contiguous();
        if let Some(of_x) = of_x {
            gradients.register::<Flex>(of_x.id, rectified(&output, &x, slope));
        }
    }
}

/// `values` where `sign` is positive, elsewhere `slope` times them; both are contiguous.
fn rectified(values: &FlexTensor, sign: &FlexTensor, slope: f32) -> FlexTensor {
    let shape = values.layout().shape().clone();
    let (values, signs): (&[f32], &[f32]) = (values.storage(), sign.storage());
    let mut rectified = vec![0.0; values.len()];
    rectified
        .par_chunks_mut(PIECE)
        .zip(values.par_chunks(PIECE).zip(signs.par_chunks(PIECE)))
        .for_each(|(rectified, (values, signs))| {
            for ((to, value), sign) in rectified.iter_mut().zip(values).zip(signs) {
                *to = if *sign > 0.0 { *value } else { *value * slope };
            }
        });
    FlexTensor::from_data(TensorData::new(rectified, shape))
}

/// One convolution of known sizes.
#[derive(Clone, Copy, Debug)]
struct Step {
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
    fn forward(&self, x: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
        match self.way {
            Way::Down => self.small_from_big(x, weight),
            Way::Up => self.big_from_small(x, weight),
        }
    }

    fn input_gradient(&self, output: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
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

    fn weight_gradient(&self, x: &FlexTensor, output: &FlexTensor) -> FlexTensor {
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

/// Heights and widths, and how windows lie on the big side.
///
/// The big side is split into phases, the pixels that lie a stride apart, so that the values that
/// all windows of a row have at one place of the kernel lie beside each other.
#[derive(Clone, Copy, Debug)]
struct Sides {
    kernel: usize,
    stride: usize,
    padding: usize,
    big: [usize; 2],
    small: [usize; 2],
    /// Of one phase.
    phase: [usize; 2],
}

impl Sides {
    fn new(windows: Windows, kernel: usize, big: [usize; 2]) -> Self {
        let Windows { stride, padding } = windows;
        let padded = big.map(|side| side + 2 * padding);
        Self {
            kernel,
            stride,
            padding,
            big,
            small: padded.map(|side| (side - kernel) / stride + 1),
            phase: padded.map(|side| side.div_ceil(stride)),
        }
    }

    /// Places of the kernel.
    fn area(&self) -> usize {
        self.kernel * self.kernel
    }

    fn windows(&self) -> usize {
        self.small[0] * self.small[1]
    }

    fn pixels(&self) -> usize {
        self.big[0] * self.big[1]
    }

    /// Values of all phases of a map.
    fn phase_values(&self) -> usize {
        self.stride * self.stride * self.phase[0] * self.phase[1]
    }

    /// Calls `work` for rows of windows that fit into a block, with room for them unfolded:
    /// `[maps, kernel, kernel, rows, width]`.
    fn blocks(&self, maps: usize, mut work: impl FnMut(Range<usize>, &mut [f32])) {
        let [height, width] = self.small;
        let values = maps * self.area() * width;
        let most = (BLOCK / values).clamp(1, height);
        let mut unfolded = vec![0.0; values * most];
        for start in (0..height).step_by(most) {
            let rows = start..(start + most).min(height);
            let used = values * rows.len();
            work(rows, &mut unfolded[..used]);
        }
    }

    /// Where the row `y` of the big side lies in the phases of a map: its start, and the distance
    /// between phases of neighbouring columns.
    fn row(&self, y: usize) -> (usize, usize) {
        let [height, width] = self.phase;
        let (y, phase) = (
            (y + self.padding) / self.stride,
            (y + self.padding) % self.stride,
        );
        let size = height * width;
        (phase * self.stride * size + y * width, size)
    }

    /// Pixels, `[maps, height, width]`, as phases, `[maps, stride, stride, phase height, phase
    /// width]`, with zeros where there are no pixels.
    fn split(&self, pixels: &[f32]) -> Vec<f32> {
        let maps = pixels.len() / self.pixels();
        let mut phases = vec![0.0; maps * self.phase_values()];
        let each = phases.par_chunks_exact_mut(self.phase_values());
        each.zip(pixels.par_chunks_exact(self.pixels()))
            .for_each(|(phases, pixels)| {
                for (y, row) in pixels.chunks_exact(self.big[1]).enumerate() {
                    let (start, size) = self.row(y);
                    for (column, values) in self.columns() {
                        let from = start + column.phase * size + column.first;
                        let to = &mut phases[from..from + values];
                        let row = row[column.offset..].iter().step_by(self.stride);
                        to.iter_mut().zip(row).for_each(|(to, value)| *to = *value);
                    }
                }
            });
        phases
    }

    /// The pixels of phases.
    fn join(&self, phases: &[f32], pixels: &mut [f32]) {
        let each = pixels.par_chunks_exact_mut(self.pixels());
        each.zip(phases.par_chunks_exact(self.phase_values()))
            .for_each(|(pixels, phases)| {
                for (y, row) in pixels.chunks_exact_mut(self.big[1]).enumerate() {
                    let (start, size) = self.row(y);
                    for (column, values) in self.columns() {
                        let from = start + column.phase * size + column.first;
                        let row = row[column.offset..].iter_mut().step_by(self.stride);
                        row.zip(&phases[from..from + values])
                            .for_each(|(to, value)| *to = *value);
                    }
                }
            });
    }

    /// For each phase of columns, which pixels of a row it has, and how many.
    fn columns(&self) -> impl Iterator<Item = (Column, usize)> + '_ {
        (0..self.stride.min(self.big[1])).map(|offset| {
            let column = Column {
                offset,
                phase: (offset + self.padding) % self.stride,
                first: (offset + self.padding) / self.stride,
            };
            (column, (self.big[1] - offset).div_ceil(self.stride))
        })
    }

    /// Where, in the phases of a map, the values begin that the windows of a row have at a place
    /// of the kernel.
    fn place(&self, y: usize, x: usize, row: usize) -> usize {
        let [height, width] = self.phase;
        let phase = (y % self.stride) * self.stride + x % self.stride;
        (phase * height + row + y / self.stride) * width + x / self.stride
    }

    /// For each place of the kernel, the values that windows have there.
    fn unfold(&self, phases: &[f32], rows: &Range<usize>, unfolded: &mut [f32]) {
        let width = self.small[1];
        let each = unfolded.par_chunks_exact_mut(self.area() * rows.len() * width);
        each.zip(phases.par_chunks_exact(self.phase_values()))
            .for_each(|(unfolded, phases)| {
                self.for_each_run(rows, |at, run| {
                    unfolded[run * width..][..width].copy_from_slice(&phases[at..at + width]);
                });
            });
    }

    /// Adds what windows have at each place of the kernel to the phases.
    fn fold(&self, unfolded: &[f32], rows: &Range<usize>, phases: &mut [f32]) {
        let width = self.small[1];
        let each = unfolded.par_chunks_exact(self.area() * rows.len() * width);
        each.zip(phases.par_chunks_exact_mut(self.phase_values()))
            .for_each(|(unfolded, phases)| {
                self.for_each_run(rows, |at, run| {
                    let values = &unfolded[run * width..][..width];
                    let sums = phases[at..at + width].iter_mut();
                    sums.zip(values).for_each(|(sum, value)| *sum += value);
                });
            });
    }

    /// Calls `work` with where a row of values lies in the phases, and which row it is unfolded.
    fn for_each_run(&self, rows: &Range<usize>, mut work: impl FnMut(usize, usize)) {
        let mut run = 0;
        for y in 0..self.kernel {
            for x in 0..self.kernel {
                for row in rows.clone() {
                    work(self.place(y, x, row), run);
                    run += 1;
                }
            }
        }
    }
}

/// The pixels of a row that belong to one phase of columns.
struct Column {
    /// The first of them.
    offset: usize,
    /// Number of the phase.
    phase: usize,
    /// Where the first of them lies in a row of the phase.
    first: usize,
}

/// A matrix in memory.
struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Whose rows lie `stride` values apart.
    fn rows(values: &'a [f32], stride: usize) -> Self {
        Self {
            values,
            row_stride: stride,
            column_stride: 1,
        }
    }

    /// Whose columns do.
    fn columns(values: &'a [f32], stride: usize) -> Self {
        Self {
            values,
            row_stride: 1,
            column_stride: stride,
        }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = (rows - 1) * self.row_stride + (columns - 1) * self.column_stride;
        last < self.values.len()
    }
}

/// `left`, `[rows, depth]`, times `right`, `[depth, columns]`, into rows that lie `stride` apart; added to
/// what is there, if wanted.
fn product(
    [rows, columns, depth]: [usize; 3],
    into: &mut [f32],
    stride: usize,
    (left, right): (Matrix<'_>, Matrix<'_>),
    add: bool,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns));
    assert!((rows - 1) * stride + columns <= into.len());
    // SAFETY: all that is read and written lies in the slices, as was just checked, and `into`
    // overlaps neither of the others.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            into.as_mut_ptr(),
            1,
            stride as isize,
            add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::Rayon(0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::activation;
    use burn::tensor::module::{conv_transpose2d, conv2d};
    use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
    use burn::tensor::{Device, Tolerance};

    /// Values that differ, as a leaf of a graph.
    fn leaf(shape: [usize; 4]) -> Tensor<4> {
        let count: usize = shape.iter().product();
        let value = |at: usize| ((at * 37 + 11) % 97) as f32 / 48.5 - 1.0;
        let data = TensorData::new((0..count).map(value).collect(), shape);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    /// Has `ours` the output and the gradients that `burn` has?
    fn compare(
        shapes: [[usize; 4]; 2],
        ours: impl Fn(&Tensor<4>, &Tensor<4>) -> Option<Tensor<4>>,
        burn: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
    ) {
        let [x, weight] = shapes.map(leaf);
        let with_gradients = |output: Tensor<4>| {
            // Every output counts by a different weight.
            let gradients = (output.clone() * leaf(output.dims()).detach())
                .sum()
                .backward();
            let of = |leaf: &Tensor<4>| leaf.grad(&gradients);
            let tensors = [Some(output.inner()), of(&x), of(&weight)];
            tensors.map(|tensor| tensor.map(Tensor::into_data))
        };
        let output = ours(&x, &weight).expect("tracked on the CPU");
        let expected = with_gradients(burn(x.clone(), weight.clone()));
        for (found, expected) in with_gradients(output).iter().zip(&expected) {
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    found.assert_approx_eq(expected, Tolerance::<f32>::rel_abs(1e-4, 1e-4));
                }
                (found, expected) => assert_eq!(found.is_some(), expected.is_some()),
            }
        }
    }

    /// The convolutions of all networks, and some that leave pixels over.
    const WINDOWS: [[usize; 3]; 6] = [
        [4, 2, 1],
        [4, 1, 1],
        [3, 1, 1],
        [3, 2, 1],
        [7, 1, 0],
        [1, 1, 0],
    ];

    #[test]
    fn convolutions_have_the_outputs_and_gradients_of_burns() {
        for [kernel, stride, padding] in WINDOWS {
            for [height, width] in [[8, 8], [9, 12], [7, 33]] {
                let windows = Windows { stride, padding };
                compare(
                    [[2, 3, height, width], [5, 3, kernel, kernel]],
                    |x, weight| convolution(x, weight, windows),
                    |x, weight| {
                        let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
                        conv2d(x, weight, None, options)
                    },
                );
            }
        }
    }

    #[test]
    fn a_convolution_of_several_blocks_is_the_same() {
        let windows = Windows {
            stride: 2,
            padding: 1,
        };
        let [maps, side] = [24, 70];
        assert!(Sides::new(windows, 4, [side, side]).windows() * maps * 16 > BLOCK);
        compare(
            [[1, maps, side, side], [7, maps, 4, 4]],
            |x, weight| convolution(x, weight, windows),
            |x, weight| conv2d(x, weight, None, ConvOptions::new([2, 2], [1, 1], [1, 1], 1)),
        );
    }

    #[test]
    fn transposed_convolutions_have_the_outputs_and_gradients_of_burns() {
        for (kernel, padding_out) in [(4, 0), (3, 1)] {
            for [height, width] in [[1, 1], [4, 4], [3, 9]] {
                let windows = Windows {
                    stride: 2,
                    padding: 1,
                };
                let big = [2 * height, 2 * width];
                compare(
                    [[2, 5, height, width], [5, 3, kernel, kernel]],
                    |x, weight| transposed(x, weight, windows, big),
                    |x, weight| {
                        let out = [padding_out; 2];
                        let options = ConvTransposeOptions::new([2, 2], [1, 1], out, [1, 1], 1);
                        conv_transpose2d(x, weight, None, options)
                    },
                );
            }
        }
    }

    #[test]
    fn rectifiers_have_the_outputs_and_gradients_of_burns() {
        for slope in [0.0, 0.2] {
            compare(
                [[2, 3, 5, 7], [1, 1, 1, 1]],
                |x, _| leaky_relu(x, slope),
                |x, _| activation::leaky_relu(x, f64::from(slope)),
            );
        }
    }

    #[test]
    fn tensors_that_nobody_tracks_are_left_to_burn() {
        let tracked = leaf([1, 1, 4, 4]);
        let plain = tracked.clone().inner();
        let windows = Windows {
            stride: 2,
            padding: 1,
        };
        assert!(convolution(&plain, &plain, windows).is_none());
        assert!(leaky_relu(&plain, 0.2).is_none());
    }
}
