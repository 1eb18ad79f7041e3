//! The generator `netG`: the network behind one type.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::network::config::{Family, GeneratorConfig};
use crate::network::mode::Mode;
use crate::network::resnet::Resnet;
use crate::network::unet::Unet;

impl GeneratorConfig {
    /// The network on `device`, all weights zero: load them or call
    /// [`init_weights`](crate::init_weights).
    pub fn init(&self, device: &Device) -> Generator {
        Generator {
            network: match self.arch.family() {
                Family::Unet { depth } => GeneratorNetwork::Unet(Unet::new(self, depth, device)),
                Family::Resnet { blocks } => {
                    GeneratorNetwork::Resnet(Resnet::new(self, blocks, device))
                }
            },
            residual: self.residual,
        }
    }
}

/// The families of generators.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program holds one or two")]
pub enum GeneratorNetwork {
    /// Encoder and decoder with skip connections.
    Unet(Unet),
    /// Residual blocks at a quarter of the size.
    Resnet(Resnet),
}

/// `netG`: translates `real_A` into `fake_B`.
#[derive(Module, Debug)]
pub struct Generator {
    /// The layers.
    pub network: GeneratorNetwork,
    /// Whether the output is a correction of the input.
    pub residual: bool,
}

impl Generator {
    /// # Shapes
    /// `[batch, in_channels, height, width]` to `[batch, out_channels, height, width]`, both in
    /// `[-1, 1]`; height and width follow
    /// [`GeneratorArch::size_rule`](crate::GeneratorArch::size_rule).
    pub fn forward(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        match self.residual {
            true => (self.translate(real_a.clone(), mode) + real_a).clamp(-1.0, 1.0),
            false => self.translate(real_a, mode),
        }
    }

    fn translate(&self, real_a: Tensor<4>, mode: Mode) -> Tensor<4> {
        match &self.network {
            GeneratorNetwork::Unet(unet) => unet.forward(real_a, mode),
            GeneratorNetwork::Resnet(resnet) => resnet.forward(real_a, mode),
        }
    }
}
