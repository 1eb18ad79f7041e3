//! Adam as the papers use it, and gradients in the form that it takes fastest.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;

/// Adam with the momentum of the papers (arXiv 1611.07004, section 3.3) and PyTorch's epsilon.
pub fn adam() -> ModuleOptimizer {
    AdamConfig::new()
        .with_beta_1(0.5)
        .with_beta_2(0.999)
        .with_epsilon(1e-8)
        .init()
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
