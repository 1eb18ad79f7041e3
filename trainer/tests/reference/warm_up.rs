//! Adam with moments. It divides a gradient by its own size, so that in its first steps a gradient
//! that is all rounding error moves a weight as far as any other, and two processors part.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use model::training::adam::Adam;

/// Lets Adam see two made-up gradients of this size, by which it changes no weight.
pub fn warm_up<M: Module>(optimizer: &mut Adam, network: M, size: f64) -> M {
    struct MadeUp(GradientsParams, f64, f64);
    impl ModuleVisitor for MadeUp {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if !tensor.is_require_grad() {
                return;
            }
            let tensor = tensor.inner();
            let shape = tensor.dims();
            let wave = |at| (self.1 * (at as f64 + self.2).cos()) as f32;
            let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(wave).collect();
            let gradient = TensorData::new(values, shape);
            let gradient = Tensor::<D>::from_data(gradient, &tensor.device());
            self.0.register(param.id, gradient);
        }
    }
    [0.0, 1.0].into_iter().fold(network, |network, phase| {
        let mut made_up = MadeUp(GradientsParams::new(), size, phase);
        network.visit(&mut made_up);
        optimizer.step(0.0, network, made_up.0)
    })
}
