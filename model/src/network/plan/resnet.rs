//! The plan of a [ResNet](crate::network::resnet).

use super::layers::{Activation, Edge, Plan, PlannedLayer};
use crate::network::config::GeneratorConfig;
use crate::network::geometry::ConvGeometry;

/// Steps down, and as many up again.
const SCALES: usize = 2;

pub(super) fn planned(mut plan: Plan, config: &GeneratorConfig, blocks: usize) -> Plan {
    let wide = ConvGeometry::convolution(7, 1, 3);
    let same = ConvGeometry::convolution(3, 1, 1);
    let width = |scale: usize| config.base << scale;
    let layer = |plan: &Plan, path: String, conv: ConvGeometry, width: usize| PlannedLayer {
        after: Activation::Relu,
        ..plan.next(path, conv, width).normalised(config.norm)
    };
    plan.layers.push(PlannedLayer {
        edge: Edge::Reflection,
        ..layer(&plan, "resnet.stem".to_owned(), wide, width(0))
    });
    for scale in 0..SCALES {
        let (path, conv) = (
            format!("resnet.downs.{scale}"),
            ConvGeometry::convolution(3, 2, 1),
        );
        plan.layers.push(layer(&plan, path, conv, width(scale + 1)));
    }
    for block in 0..blocks {
        let input = plan.output();
        plan.layers.push(PlannedLayer {
            edge: Edge::Reflection,
            dropout: config.resnet_dropout,
            ..layer(
                &plan,
                format!("resnet.blocks.{block}.first"),
                same,
                width(SCALES),
            )
        });
        plan.layers.push(PlannedLayer {
            edge: Edge::Reflection,
            after: Activation::Identity,
            adds: Some(input),
            ..layer(
                &plan,
                format!("resnet.blocks.{block}.second"),
                same,
                width(SCALES),
            )
        });
    }
    for index in 0..SCALES {
        let (path, conv) = (
            format!("resnet.ups.{index}"),
            ConvGeometry::up(config.upsample, 3),
        );
        plan.layers
            .push(layer(&plan, path, conv, width(SCALES - 1 - index)));
    }
    plan.layers.push(PlannedLayer {
        is_head: true,
        edge: Edge::Reflection,
        after: Activation::Tanh,
        ..plan.next("resnet.head".to_owned(), wide, config.out_channels)
    });
    plan
}
