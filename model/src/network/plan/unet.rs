//! The plan of a [U-Net](crate::network::unet).

use super::layers::{Activation, Plan, PlannedLayer, Source};
use crate::network::config::{Decoder, GeneratorConfig};
use crate::network::geometry::ConvGeometry;

/// The widest layers have `8 · base` feature maps.
const WIDEST_FACTOR: usize = 8;
/// Up blocks from this level inwards have dropout, the innermost excepted.
const FIRST_DROPOUT_LEVEL: usize = 4;
/// Innermost up blocks that have dropout where the paper's listing is taken at its word.
const LISTED_DROPOUTS: usize = 3;

/// Level 0 is the outermost.
pub(super) fn planned(mut plan: Plan, config: &GeneratorConfig, depth: usize) -> Plan {
    let width = |level: usize| config.base * WIDEST_FACTOR.min(1 << level);
    let bias = config.norm.needs_conv_bias();
    let is_listed = config.decoder == Decoder::Listed;
    for level in 0..depth {
        let is_innermost = level + 1 == depth;
        let is_normalised = level > 0 && (!is_innermost || config.norm_bottleneck);
        let conv = ConvGeometry::convolution(4, 2, 1);
        plan.layers.push(PlannedLayer {
            before: match level {
                0 => Activation::Identity,
                _ => Activation::LeakyRelu,
            },
            bias: bias || level == 0 && config.input_bias,
            norm: is_normalised.then_some(config.norm),
            ..plan.next(format!("unet.downs.{level}"), conv, width(level))
        });
    }
    for level in (0..depth).rev() {
        let is_innermost = level + 1 == depth;
        let out_channels = match (level, is_listed) {
            (0, false) => config.out_channels,
            (_, false) => width(level - 1),
            (_, true) if is_innermost => width(level),
            (_, true) => 2 * width(level),
        };
        let inputs = match is_innermost {
            true => vec![Source::Layer(level)],
            false => vec![Source::Layer(level), plan.output()],
        };
        let conv = ConvGeometry::up(config.upsample, 4);
        let path = format!("unet.ups.{level}");
        let up = PlannedLayer {
            before: Activation::Relu,
            ..plan.next_after(inputs, path, conv, out_channels)
        };
        plan.layers.push(match level == 0 && !is_listed {
            true => PlannedLayer {
                after: Activation::Tanh,
                ..up
            },
            false => PlannedLayer {
                dropout: match is_listed {
                    true => level + LISTED_DROPOUTS >= depth,
                    false => level >= FIRST_DROPOUT_LEVEL && !is_innermost,
                },
                ..up.normalised(config.norm)
            },
        });
    }
    if is_listed {
        let conv = ConvGeometry::convolution(3, 1, 1);
        plan.layers.push(PlannedLayer {
            is_head: true,
            before: Activation::Relu,
            after: Activation::Tanh,
            ..plan.next("unet.head".to_owned(), conv, config.out_channels)
        });
    }
    plan
}
