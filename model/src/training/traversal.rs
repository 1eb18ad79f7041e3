//! Goes through the tensors of networks, and through their gradients, as vectors. Burn's visitors and
//! mappers are compiled once for each rank, which costs a browser's module more than what is done in
//! them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::network::parameter::flat;

/// Hands each tensor of `network` to `look`.
pub(super) fn each_tensor<M: Module>(network: &M, look: &mut dyn FnMut(ParamId, Tensor<1>)) {
    network.visit(&mut Look(look));
}

struct Look<'a>(&'a mut dyn FnMut(ParamId, Tensor<1>));

impl ModuleVisitor for Look<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        (self.0)(param.id, flat(param.val()));
    }
}

/// `network` with what `change` makes of each tensor.
pub(super) fn with_each_tensor<M: Module>(
    network: M,
    change: &mut dyn FnMut(ParamId, Tensor<1>) -> Tensor<1>,
) -> M {
    network.map(&mut Change(change))
}

struct Change<'a>(&'a mut dyn FnMut(ParamId, Tensor<1>) -> Tensor<1>);

impl ModuleMapper for Change<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        param.map(|tensor| {
            let shape = tensor.dims();
            (self.0)(id, flat(tensor)).reshape(shape)
        })
    }
}

/// Replaces the gradients of the parameters of `network` by what `change` makes of them, in turn.
pub(super) fn with_each_gradient<M: Module>(
    network: &M,
    gradients: &mut GradientsParams,
    change: &mut dyn FnMut(Tensor<1>) -> Tensor<1>,
) {
    network.visit(&mut ChangeGradients { gradients, change });
}

struct ChangeGradients<'a> {
    gradients: &'a mut GradientsParams,
    change: &'a mut dyn FnMut(Tensor<1>) -> Tensor<1>,
}

impl ModuleVisitor for ChangeGradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let shape = gradient.dims();
            let changed = (self.change)(flat(gradient)).reshape(shape);
            self.gradients.register(param.id, changed);
        }
    }
}
