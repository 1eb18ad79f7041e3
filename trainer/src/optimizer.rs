//! Adam as the papers use it, gradients in the form that it takes fastest, and its state from a
//! checkpoint.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{
    Adam, AdamConfig, AdamState, GradientsParams, LearningRate, ModuleOptimizer, Optimizer,
    RecordState, StateSink, StateSource,
};
use burn::tensor::{Device, Tensor};

/// Adam with the momentum of the papers (arXiv 1611.07004, section 3.3) and PyTorch's epsilon.
pub fn adam() -> ModuleOptimizer {
    let adam = AdamConfig::new()
        .with_beta_1(0.5)
        .with_beta_2(0.999)
        .with_epsilon(1e-8)
        .build();
    ModuleOptimizer::from(RestorableAdam(adam))
}

/// Burn restores the state of an optimizer on its default device, which may be a GPU that the run
/// does not use. Here it waits on the CPU until a step takes it to where the weights are.
#[derive(Clone)]
struct RestorableAdam(Adam);

#[derive(Clone)]
struct RestorableState<const D: usize>(AdamState<D>);

impl Optimizer for RestorableAdam {
    type State<const D: usize> = RestorableState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, state) = self.0.step(lr, tensor, grad, state.map(|state| state.0));
        (tensor, state.map(RestorableState))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RestorableState(Adam::to_device(state.0, device))
    }
}

impl<const D: usize> RecordState for RestorableState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _default: &Device) -> Option<Self> {
        AdamState::state_unflatten(prefix, source, &Device::flex()).map(Self)
    }
}

/// The gradients of `loss` for the parameters of `network`, and of no other.
pub fn gradients_of<M: Module>(network: &M, loss: &Tensor<1>) -> GradientsParams {
    let mut gradients = GradientsParams::from_grads(loss.backward(), network);
    network.visit(&mut Contiguous(&mut gradients));
    gradients
}

/// Gradients of convolution weights come as transposed views, through which the optimizer's many
/// passes would walk slowly on a CPU; flattening copies them once into order.
struct Contiguous<'a>(&'a mut GradientsParams);

impl ModuleVisitor for Contiguous<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.0.remove::<D>(param.id) {
            let shape = gradient.dims();
            let count: usize = shape.iter().product();
            self.0
                .register(param.id, gradient.reshape([count]).reshape(shape));
        }
    }
}
