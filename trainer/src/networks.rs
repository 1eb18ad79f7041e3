//! Fresh networks of a run, their weights drawn from the device's random stream.

use burn::module::Module;
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

/// The same network on another device, with the same identities of parameters, and trained apart.
pub fn replica<M: Module>(network: &M, device: &Device) -> M {
    // Without the way through `valid`, both would share the running statistics of their norms.
    network.valid().fork(device).train()
}
