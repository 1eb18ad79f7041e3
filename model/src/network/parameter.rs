//! Parameters of networks, and their values.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor};

/// The values behind one another.
pub(crate) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.dims().iter().product::<usize>();
    tensor.reshape([count])
}

/// A parameter of one value throughout. Burn's `Initializer` would bring the code of all its ways to
/// draw weights.
pub(crate) fn constant<const D: usize>(
    value: f32,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    let make = move |device: &Device, require_grad: bool| {
        device.memory_persistent_allocations((), |()| {
            let tensor = Tensor::full(shape, value, device);
            match require_grad {
                true => tensor.require_grad(),
                false => tensor,
            }
        })
    };
    Param::uninitialized(ParamId::new(), make, device.clone(), true, shape.into())
}
