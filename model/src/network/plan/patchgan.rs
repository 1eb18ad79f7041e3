//! The plans of [PatchGANs](crate::network::patchgan) and of the [PixelGAN](crate::network::pixelgan).

use super::layers::{Activation, Plan, PlannedLayer};
use crate::network::config::{DiscriminatorConfig, Patches};
use crate::network::geometry::ConvGeometry;

/// The widest layers have `8 · base` feature maps.
const WIDEST_FACTOR: usize = 8;

pub(super) fn planned(mut plan: Plan, config: &DiscriminatorConfig, n_layers: usize) -> Plan {
    let is_listed = config.patches == Patches::Listed;
    for index in 0..=n_layers {
        let stride = if index == n_layers && !is_listed {
            1
        } else {
            2
        };
        let conv = ConvGeometry::convolution(4, stride, 1);
        let width = config.base * WIDEST_FACTOR.min(1 << index);
        let layer = plan.next(format!("patchgan.layers.{index}"), conv, width);
        plan.layers.push(activated(match index {
            0 => layer,
            _ => layer.normalised(config.norm),
        }));
    }
    let kernel = if is_listed { 3 } else { 4 };
    let conv = ConvGeometry::convolution(kernel, 1, 1);
    plan.layers.push(PlannedLayer {
        is_head: true,
        ..plan.next("patchgan.head".to_owned(), conv, 1)
    });
    plan
}

pub(super) fn planned_for_pixels(mut plan: Plan, config: &DiscriminatorConfig) -> Plan {
    let conv = ConvGeometry::convolution(1, 1, 0);
    let first = plan.next("pixelgan.first".to_owned(), conv, config.base);
    plan.layers.push(activated(first));
    let second = plan.next("pixelgan.second".to_owned(), conv, 2 * config.base);
    plan.layers.push(activated(second.normalised(config.norm)));
    plan.layers.push(PlannedLayer {
        is_head: true,
        bias: config.norm.needs_conv_bias(),
        ..plan.next("pixelgan.head".to_owned(), conv, 1)
    });
    plan
}

fn activated(layer: PlannedLayer) -> PlannedLayer {
    PlannedLayer {
        after: Activation::LeakyRelu,
        ..layer
    }
}
