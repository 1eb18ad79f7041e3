//! A transposed convolution as a plain one and an interleave (arXiv 1609.07009).
//!
//! Burn computes the weights' gradient of a transposed convolution as a convolution whose kernel is
//! a feature map. GPUs have fast kernels for neither it nor the transposed convolution itself; for
//! plain convolutions they do, backward too.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};

/// `x`, `[batch, in, height, width]`, through weights `[in, out, kernel, kernel]` of a transposed
/// convolution of stride 2 that doubles height and width: of kernel 4 and padding 1, or of kernel 3,
/// padding 1 and one row and column more.
///
/// A pixel of the output sees two by two pixels of the input. Which weights it sees them with
/// depends on whether its row and column are even or odd: four kernels of 2×2.
pub(crate) fn transposed(x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
    let [batch, _, height, width] = x.dims();
    let [input, output, kernel, _] = weight.dims();
    // The fourth row and column of a 3×3 kernel are zero.
    let weight = match kernel {
        4 => weight,
        _ => weight.pad((0, 1, 0, 1), PadMode::Constant(0.0)),
    };
    // Output 2i + k - 1 takes input i with weight k: from the last weight to the first, odd ones
    // belong to even outputs.
    let weight = weight
        .flip([2, 3])
        .reshape([input, output, 2, 2, 2, 2])
        .permute([3, 5, 1, 0, 2, 4])
        .reshape([4 * output, input, 2, 2]);
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let all = conv2d(x, weight, None, options);
    // Odd outputs see the input one pixel further on.
    let parity = |number: usize| {
        let (row, column) = (number / 2, number % 2);
        all.clone()
            .narrow(1, number * output, output)
            .narrow(2, row, height)
            .narrow(3, column, width)
    };
    Tensor::cat((0..4).map(parity).collect(), 1)
        .reshape([batch, 2, 2, output, height, width])
        .permute([0, 3, 4, 1, 5, 2])
        .reshape([batch, output, 2 * height, 2 * width])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test fails by panicking")]

    use burn::tensor::module::conv_transpose2d;
    use burn::tensor::ops::ConvTransposeOptions;
    use burn::tensor::{Device, TensorData, Tolerance};

    use super::*;

    fn values<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|at| ((at * 37 + 11) % 64) as f32 / 32.0 - 1.0);
        Tensor::from_data(TensorData::new(values.collect(), shape), device)
    }

    #[test]
    fn outputs_and_gradients_are_those_of_a_transposed_convolution() {
        let device = Device::flex().autodiff();
        for (kernel, more) in [(3, 1), (4, 0)] {
            let results = [false, true].map(|by_parity| {
                let x = values([2, 3, 5, 4], &device).require_grad();
                let weight = values([3, 2, kernel, kernel], &device).require_grad();
                let output = match by_parity {
                    true => transposed(x.clone(), weight.clone()),
                    false => {
                        let options =
                            ConvTransposeOptions::new([2, 2], [1, 1], [more, more], [1, 1], 1);
                        conv_transpose2d(x.clone(), weight.clone(), None, options)
                    }
                };
                let loss = (output.clone() * values(output.dims(), &device)).sum();
                let gradients = loss.backward();
                let of =
                    |tensor: &Tensor<4>| tensor.grad(&gradients).expect("a gradient").into_data();
                [output.into_data(), of(&x), of(&weight)]
            });
            let [expected, found] = results;
            for (expected, found) in expected.iter().zip(&found) {
                found.assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-4));
            }
        }
    }
}
