//! Whether the numbers of a network are numbers. What to do if not is decided elsewhere.

use burn::module::Module;
use burn::tensor::Tensor;

use super::traversal::each_tensor;

/// Whether no weight and no running statistic of `network` is NaN or infinite. Waits for the
/// device once.
pub fn is_finite<M: Module>(network: &M) -> bool {
    // For each tensor, zero, but NaN if it holds something that is not finite.
    let mut zeros = Vec::new();
    each_tensor(&network.valid(), &mut |_, values| {
        zeros.push((values * 0.0).sum())
    });
    if zeros.is_empty() {
        return true;
    }
    let sum = Tensor::cat(zeros, 0).sum();
    sum.into_scalar::<f32>().is_finite()
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::{GeneratorArch, GeneratorConfig, NormKind};

    /// Replaces the last number of one tensor.
    struct Spoil {
        tensors_before: usize,
        number: f32,
    }

    impl ModuleMapper for Spoil {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let is_wanted = self.tensors_before == 0;
            self.tensors_before = self.tensors_before.wrapping_sub(1);
            if !is_wanted {
                return param;
            }
            param.map(|tensor| {
                let (shape, device) = (tensor.dims(), tensor.device());
                let mut values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
                values.pop();
                values.push(self.number);
                Tensor::from_data(TensorData::new(values, shape), &device)
            })
        }
    }

    #[test]
    fn one_number_that_is_none_is_found_in_every_weight_and_statistic() {
        let config = GeneratorConfig::new(GeneratorArch::Unet128, 1, NormKind::Batch);
        let network = || config.init(&Device::flex());
        let tensors = crate::model_folder::state::state_of(&network());
        assert!(tensors.keys().any(|name| name.ends_with("running_var")));
        let spoilt = |tensors_before, number| {
            let mut spoil = Spoil {
                tensors_before,
                number,
            };
            network().map(&mut spoil)
        };
        for tensors_before in 0..tensors.len() {
            assert!(is_finite(&spoilt(tensors_before, f32::MAX)));
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                assert!(
                    !is_finite(&spoilt(tensors_before, bad)),
                    "{bad} in {tensors_before}"
                );
            }
        }
    }
}
