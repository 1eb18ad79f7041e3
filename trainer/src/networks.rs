//! Fresh networks of a run, their weights drawn from the device's random stream.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
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

/// The same network on another device, with the same identities of parameters, and trained apart.
pub fn replica<M: Module>(network: &M, device: &Device) -> M {
    // Without the way through `valid`, both would share the running statistics of their norms.
    let fork = network.valid().fork(device);
    fork.map(&mut OwnMemory).train()
}

/// On GPUs, what a thread has asked for is done later, and two threads that share a tensor may
/// each take it for their own to write into.
struct OwnMemory;

impl ModuleMapper for OwnMemory {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(apart)
    }
}

/// The same numbers in memory of their own.
pub(crate) fn apart<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let device = tensor.device();
    Tensor::from_data(tensor.into_data(), &device)
}
