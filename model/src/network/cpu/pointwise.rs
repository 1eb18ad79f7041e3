//! Activations, each a pass through memory. Burn makes masks, copies and products of a rectifier, and
//! calls the system's hyperbolic tangent for each value, on one thread.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};

use crate::network::activation::tanh_of;
use crate::vector::Instructions;
use crate::vector::threads::*;

/// Values that one thread computes at a time.
const PIECE: usize = 1 << 14;

/// `x` where it is positive, elsewhere `slope` times that; `None` unless it is tracked on the CPU.
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

/// `values` where `sign` is positive, elsewhere `slope` times them.
fn rectified(values: &FlexTensor, sign: &FlexTensor, slope: f32) -> FlexTensor {
    of_both(values, sign, move |value, sign| {
        value * if sign > 0.0 { 1.0 } else { slope }
    })
}

/// The hyperbolic tangent of `x`; `None` unless it is tracked on the CPU.
pub(crate) fn tanh(x: &Tensor<4>) -> Option<Tensor<4>> {
    let x = x.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let node = x.node();
    let x = x.into_primitive().to_contiguous();
    let output = of_both(&x, &x, |x, _| tanh_of(x));
    let prepared = Tanh.prepare::<NoCheckpointing>([node]);
    let output = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(output.clone(), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct Tanh;

impl Backward<Flex, 1> for Tanh {
    type State = FlexTensor;

    fn backward(
        self,
        operation: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x] = operation.parents;
        let gradient = gradients.consume::<Flex>(&operation.node).to_contiguous();
        if let Some(of_x) = of_x {
            let gradient = of_both(&gradient, &operation.state, |gradient, tanh| {
                gradient * (1.0 - tanh * tanh)
            });
            gradients.register::<Flex>(of_x.id, gradient);
        }
    }
}

/// `result` of each two values of tensors of the same shape, both contiguous.
fn of_both(
    one: &FlexTensor,
    other: &FlexTensor,
    result: impl Fn(f32, f32) -> f32 + Copy + Sync,
) -> FlexTensor {
    let shape = one.layout().shape().clone();
    let (one, other): (&[f32], &[f32]) = (one.storage(), other.storage());
    let mut results = vec![0.0; one.len()];
    results
        .par_chunks_mut(PIECE)
        .zip(one.par_chunks(PIECE).zip(other.par_chunks(PIECE)))
        .for_each(|(to, (one, other))| {
            Instructions::in_use().run(
                #[inline(always)]
                || {
                    #[expect(
                        clippy::redundant_locals,
                        reason = "a copy is known not to change: several at a time, without a branch"
                    )]
                    let result = result;
                    for ((to, one), other) in to.iter_mut().zip(one).zip(other) {
                        *to = result(*one, *other);
                    }
                },
            );
        });
    FlexTensor::from_data(TensorData::new(results, shape))
}
