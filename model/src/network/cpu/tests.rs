//! Against burn's own operations.

use std::process::Command;

use super::geometry::BLOCK;
use super::*;
use burn::tensor::TensorData;
use burn::tensor::activation;
use burn::tensor::module::{batch_norm_train, conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tolerance};

use crate::vector::Instructions;

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
fn hyperbolic_tangents_have_the_outputs_and_gradients_of_burns() {
    compare(
        [[2, 3, 5, 7], [1, 1, 1, 1]],
        |x, _| tanh(&(x.clone() * 3.0)),
        |x, _| activation::tanh(x * 3.0),
    );
}

#[test]
fn batch_norms_have_the_outputs_and_gradients_of_burns() {
    // Fewer values than lanes, some left over, and more than one part.
    for [height, width] in [[2, 2], [5, 9], [80, 70]] {
        let affine = |weight: &Tensor<4>| {
            let gamma: Tensor<1> = weight.clone().reshape([3]);
            (gamma.clone(), gamma * 0.5 + 0.25)
        };
        compare(
            [[2, 3, height, width], [1, 3, 1, 1]],
            |x, weight| {
                let (gamma, beta) = affine(weight);
                Some(batch_norm(x, &gamma, &beta, 1e-5)?.output)
            },
            |x, weight| {
                let (gamma, beta) = affine(&weight);
                batch_norm_train(x, gamma, beta, 1e-5).output
            },
        );
    }
}

#[test]
fn instructions_in_use_are_those_that_the_environment_names() {
    if let Ok(named) = std::env::var(Instructions::VARIABLE)
        && !named.is_empty()
    {
        assert_eq!(Instructions::in_use().name(), named);
    }
}

#[test]
fn all_of_this_holds_with_every_set_of_instructions_that_the_processor_has() {
    for instructions in Instructions::available() {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .env(Instructions::VARIABLE, instructions.name())
            .args(["network::cpu", "--skip", "every_set_of_instructions"])
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}", instructions.name());
        assert!(!said.contains(" 0 passed"), "{said}");
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
    assert!(tanh(&plain).is_none());
    let vector = plain.clone().reshape([16]).narrow(0, 0, 1);
    assert!(batch_norm(&plain, &vector, &vector, 1e-5).is_none());
}
