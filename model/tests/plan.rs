//! The plan of every network that can be configured is that of the module that burn trains.

use std::collections::BTreeMap;

use burn::tensor::Device;
use model::DiscriminatorArch;
use model::generator::GeneratorNetwork;
use model::plan::PlannedLayer;
use model::state::shapes_of;
use model::{
    Decoder, DiscriminatorConfig, Generator, GeneratorArch, GeneratorConfig, NormKind, Patches,
    Plan, Upsample,
};

const NORMS: [NormKind; 3] = [NormKind::Batch, NormKind::Instance, NormKind::None];

fn tensors(layer: &PlannedLayer) -> Vec<(String, Vec<usize>)> {
    let channels = vec![layer.channels[1]];
    let mut tensors = vec![(layer.conv_tensor("weight"), layer.weight_shape().to_vec())];
    if layer.bias {
        tensors.push((layer.conv_tensor("bias"), channels.clone()));
    }
    if layer.norm == Some(NormKind::Batch) {
        let leaves = ["gamma", "beta", "running_mean", "running_var"];
        tensors.extend(leaves.map(|leaf| (layer.norm_tensor(leaf), channels.clone())));
    }
    tensors
}

fn shapes(plan: &Plan) -> BTreeMap<String, Vec<usize>> {
    plan.layers.iter().flat_map(tensors).collect()
}

fn generators() -> Vec<GeneratorConfig> {
    let mut configs = Vec::new();
    for arch in [
        GeneratorArch::Unet512,
        GeneratorArch::Unet256,
        GeneratorArch::Unet128,
        GeneratorArch::Resnet9Blocks,
        GeneratorArch::Resnet6Blocks,
    ] {
        for norm in NORMS {
            for (in_channels, out_channels, base) in [(3, 3, 2), (1, 8, 1), (6, 1, 3)] {
                configs.push(GeneratorConfig {
                    in_channels,
                    out_channels,
                    ..GeneratorConfig::new(arch, base, norm)
                });
            }
        }
    }
    let options = |config: GeneratorConfig| {
        Upsample::ALL.into_iter().flat_map(move |upsample| {
            let config = config.clone();
            [false, true].into_iter().flat_map(move |option| {
                let config = config.clone();
                [Decoder::Mirrored, Decoder::Listed].map(|decoder| GeneratorConfig {
                    upsample,
                    norm_bottleneck: option,
                    input_bias: option,
                    resnet_dropout: option,
                    decoder,
                    ..config.clone()
                })
            })
        })
    };
    configs.into_iter().flat_map(options).collect()
}

/// Whether dropout follows each layer that may have it, in the order in which they run.
fn dropouts(net_g: &Generator) -> Vec<bool> {
    match &net_g.network {
        GeneratorNetwork::Unet(unet) => unet.ups.iter().rev().map(|up| up.dropout).collect(),
        GeneratorNetwork::Resnet(resnet) => {
            resnet.blocks.iter().map(|block| block.dropout).collect()
        }
    }
}

#[test]
fn generators_have_the_tensors_that_their_plans_say() {
    for config in generators() {
        let net_g = config.init(&Device::flex());
        let plan = config.plan();
        assert_eq!(shapes(&plan), shapes_of(&net_g), "{config:?}");
        let may_drop = |layer: &&PlannedLayer| {
            layer.path.starts_with("unet.ups") || layer.path.ends_with(".first")
        };
        let planned: Vec<bool> = plan
            .layers
            .iter()
            .filter(may_drop)
            .map(|layer| layer.dropout)
            .collect();
        assert_eq!(planned, dropouts(&net_g), "{config:?}");
    }
}

#[test]
fn discriminators_have_the_tensors_that_their_plans_say() {
    let archs = (1..=5).map(DiscriminatorArch::NLayers);
    let others = [DiscriminatorArch::Basic, DiscriminatorArch::Pixel];
    for arch in archs.chain(others) {
        for norm in NORMS {
            for patches in [Patches::Overlapping, Patches::Listed] {
                let config = DiscriminatorConfig {
                    arch,
                    in_channels: 6,
                    base: 3,
                    norm,
                    patches,
                };
                let net_d = config.init(&Device::flex());
                assert_eq!(shapes(&config.plan()), shapes_of(&net_d), "{config:?}");
            }
        }
    }
}

#[test]
fn generators_take_the_sizes_that_their_strides_and_reflections_divide() {
    for (arch, divisor) in [
        (GeneratorArch::Unet512, 512),
        (GeneratorArch::Unet256, 256),
        (GeneratorArch::Unet128, 128),
        // Four would do for the strides, but a reflected edge needs two pixels at a quarter of the size.
        (GeneratorArch::Resnet9Blocks, 8),
        (GeneratorArch::Resnet6Blocks, 8),
    ] {
        assert_eq!(arch.size_rule().divisor(), divisor);
    }
}
