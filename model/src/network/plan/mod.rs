//! Each network as the list of its layers, in the order in which they run. Burn's modules define
//! the same networks for training; whatever else has to know the layers of a network reads them
//! here.

mod layers;
mod patchgan;
mod resnet;
mod unet;

pub use self::layers::{Activation, Edge, Plan, PlannedLayer, Source};
use crate::image::pixels::SizeRule;
use crate::network::config::{
    BASIC_LAYERS, DiscriminatorArch, DiscriminatorConfig, Family, GeneratorArch, GeneratorConfig,
    NormKind,
};

impl GeneratorConfig {
    /// The layers of the network.
    pub fn plan(&self) -> Plan {
        let plan = Plan {
            layers: Vec::new(),
            in_channels: self.in_channels,
            adds_input: self.residual,
        };
        match self.arch.family() {
            Family::Unet { depth } => unet::planned(plan, self, depth),
            Family::Resnet { blocks } => resnet::planned(plan, self, blocks),
        }
    }
}

impl DiscriminatorConfig {
    /// The layers of the network.
    pub fn plan(&self) -> Plan {
        let plan = Plan {
            layers: Vec::new(),
            in_channels: self.in_channels,
            adds_input: false,
        };
        match self.arch {
            DiscriminatorArch::Basic => patchgan::planned(plan, self, BASIC_LAYERS),
            DiscriminatorArch::NLayers(n_layers) => patchgan::planned(plan, self, n_layers),
            DiscriminatorArch::Pixel => patchgan::planned_for_pixels(plan, self),
        }
    }
}

impl GeneratorArch {
    /// Which heights and widths the network takes.
    pub fn size_rule(self) -> SizeRule {
        let plan = GeneratorConfig::new(self, 1, NormKind::None).plan();
        SizeRule::multiple_of(plan.divisor())
    }
}
