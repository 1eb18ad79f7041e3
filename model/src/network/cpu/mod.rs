//! Layers as they are trained on a CPU, each an operation of burn's autodiff.
//!
//! A convolution is one matrix product each for outputs, inputs' gradients and weights' gradients. Burn
//! computes the last as convolutions whose kernels are as large as feature channels, which costs more
//! than all the rest of a step.

mod geometry;
mod lowered;
mod norm;
mod pointwise;
mod product;
#[cfg(test)]
mod tests;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Device, Tensor};

use crate::network::geometry::StridePadding;
use geometry::Geometry;
use lowered::{Kind, Lowered};
pub(crate) use norm::batch_norm;
pub(crate) use pointwise::{leaky_relu, tanh};

/// Whether networks can be nowhere else: then burn's own layers are left out of the module, and what is
/// not tracked goes through ours as well.
pub(crate) const ALONE: bool = cfg!(all(target_family = "wasm", not(feature = "gpu-training")));

/// Whether this is the processor, with or without autodiff.
pub fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// `x`, `[batch, in, height, width]`, through weights `[out, in, kernel, kernel]`; `None` unless
/// both are tracked on the CPU.
pub(crate) fn convolution(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    step: StridePadding,
) -> Option<Tensor<4>> {
    let [_, _, height, width] = x.dims();
    let big = [height, width];
    tracked(x, weight, Kind::Convolution, (step, big))
}

/// `x` through weights `[in, out, kernel, kernel]` of a transposed convolution that makes images
/// of `big` height and width; `None` unless both are tracked on the CPU.
pub(crate) fn transposed(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    step: StridePadding,
    big: [usize; 2],
) -> Option<Tensor<4>> {
    tracked(x, weight, Kind::Transposed, (step, big))
}

fn tracked(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    kind: Kind,
    (step, big): (StridePadding, [usize; 2]),
) -> Option<Tensor<4>> {
    let geometry = Geometry::new(step, weight.dims()[2], big);
    let x = x.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let weight = weight.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let nodes = [x.node(), weight.node()];
    let (x, weight) = (x.into_primitive(), weight.into_primitive());
    let lowered = Lowered::new(kind, geometry, &weight);
    let output = lowered.forward(&x, &weight);
    let output = match Convolution
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => prepared.finish((x, weight, lowered), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Convolution;

impl Backward<Flex, 2> for Convolution {
    type State = (FlexTensor, FlexTensor, Lowered);

    fn backward(
        self,
        operation: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x, of_weight] = operation.parents;
        let (x, weight, lowered) = operation.state;
        let output = gradients.consume::<Flex>(&operation.node);
        if let Some(of_x) = of_x {
            let gradient = lowered.input_gradient(&output, &weight);
            gradients.register::<Flex>(of_x.id, gradient);
        }
        if let Some(of_weight) = of_weight {
            let gradient = lowered.weight_gradient(&x, &output);
            gradients.register::<Flex>(of_weight.id, gradient);
        }
    }
}
