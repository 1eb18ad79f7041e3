//! Initial weights of networks that are trained from scratch.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Distribution, Tensor};

const STD: f64 = 0.02;

/// Draws convolution weights from N(0, 0.02), norm scales from N(1, 0.02) and sets shifts and
/// biases to zero (arXiv 1611.07004, section 6.2). Draws from the device's random stream: seed
/// it with `Device::seed` first.
pub fn init_normal<M: Module>(module: M) -> M {
    module.map(&mut NormalInit::default())
}

#[derive(Default)]
struct NormalInit {
    path: Vec<String>,
}

impl ModuleMapper for NormalInit {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mean = match self.path.last().map(String::as_str) {
            Some("weight") => 0.0,
            Some("gamma") => 1.0,
            _ => return param,
        };
        let id = param.id;
        let drawn = Tensor::random(
            param.lazy_shape(),
            Distribution::Normal(mean, STD),
            &param.lazy_device(),
        );
        param.transform_for_load(drawn, id)
    }
}
