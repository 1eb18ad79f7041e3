//! Fresh networks of a run, their weights drawn from the device's random stream.

use burn::tensor::Device;
use model::{Discriminator, Generator, init_weights};

use crate::config::TrainConfig;

/// `netG` of pix2pix, `netG_A` of CycleGAN: from A to B.
pub fn generator(config: &TrainConfig, device: &Device) -> Generator {
    let network = config.generator().init(device);
    init_weights(network, config.init, config.init_gain)
}

/// `netG_B` of CycleGAN: from B to A.
pub fn generator_back(config: &TrainConfig, device: &Device) -> Generator {
    let network = config.generator_back().init(device);
    init_weights(network, config.init, config.init_gain)
}

/// `netD` of pix2pix, `netD_A` of CycleGAN, which judges pictures of B.
pub fn discriminator(config: &TrainConfig, device: &Device) -> Discriminator {
    let network = config.discriminator().init(device);
    init_weights(network, config.init, config.init_gain)
}

/// `netD_B` of CycleGAN, which judges pictures of A.
pub fn discriminator_back(config: &TrainConfig, device: &Device) -> Discriminator {
    let network = config.discriminator_back().init(device);
    init_weights(network, config.init, config.init_gain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::tensor::Tensor;
    use model::{DiscriminatorArch, DiscriminatorConfig, InitType, NormKind, Patches};

    #[derive(Default)]
    struct Learning(Vec<bool>);

    impl ModuleVisitor for Learning {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().is_require_grad());
        }
    }

    #[test]
    fn freezing_a_copy_of_a_fresh_network_leaves_the_network_learning() {
        let config = DiscriminatorConfig {
            arch: DiscriminatorArch::Basic,
            in_channels: 3,
            base: 1,
            norm: NormKind::Instance,
            patches: Patches::Overlapping,
        };
        let fresh = config.init(&Device::flex().autodiff());
        let network = init_weights(fresh, InitType::Normal, 0.02);
        let (mut frozen, mut learning) = (Learning::default(), Learning::default());
        network.clone().no_grad().visit(&mut frozen);
        network.visit(&mut learning);
        assert!(!frozen.0.is_empty() && frozen.0.iter().all(|learns| !learns));
        assert!(learning.0.iter().all(|&learns| learns), "{:?}", learning.0);
    }
}
