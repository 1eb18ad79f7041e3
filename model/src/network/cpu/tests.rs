//! Against burn's own operations.

use super::geometry::BLOCK;
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
const KERNELS: [[usize; 3]; 6] = [
    [4, 2, 1],
    [4, 1, 1],
    [3, 1, 1],
    [3, 2, 1],
    [7, 1, 0],
    [1, 1, 0],
];

#[test]
fn convolutions_have_the_outputs_and_gradients_of_burns() {
    for [kernel, stride, padding] in KERNELS {
        for [height, width] in [[8, 8], [9, 12], [7, 33]] {
            let step = StridePadding { stride, padding };
            compare(
                [[2, 3, height, width], [5, 3, kernel, kernel]],
                |x, weight| convolution(x, weight, step),
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
    let step = StridePadding {
        stride: 2,
        padding: 1,
    };
    let [channels, side] = [24, 70];
    assert!(Geometry::new(step, 4, [side, side]).positions() * channels * 16 > BLOCK);
    compare(
        [[1, channels, side, side], [7, channels, 4, 4]],
        |x, weight| convolution(x, weight, step),
        |x, weight| conv2d(x, weight, None, ConvOptions::new([2, 2], [1, 1], [1, 1], 1)),
    );
}

#[test]
fn transposed_convolutions_have_the_outputs_and_gradients_of_burns() {
    for (kernel, padding_out) in [(4, 0), (3, 1)] {
        for [height, width] in [[1, 1], [4, 4], [3, 9]] {
            let step = StridePadding {
                stride: 2,
                padding: 1,
            };
            let big = [2 * height, 2 * width];
            compare(
                [[2, 5, height, width], [5, 3, kernel, kernel]],
                |x, weight| transposed(x, weight, step, big),
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
    let step = StridePadding {
        stride: 2,
        padding: 1,
    };
    assert!(convolution(&plain, &plain, step).is_none());
    assert!(leaky_relu(&plain, 0.2).is_none());
}
