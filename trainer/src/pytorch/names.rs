//! The names that the reference gives the tensors of our networks. It numbers layers in the
//! order in which they run, those without tensors included.

use model::discriminator::{BASIC_LAYERS, DiscriminatorArch, Patches};
use model::generator::{Decoder, Family};
use model::{DiscriminatorConfig, GeneratorConfig, Upsample};

/// Where residual blocks start in a ResNet: after padding, stem and two steps down.
pub(super) const FIRST_BLOCK: usize = 10;

/// The reference's name of a generator's tensor, for the name that it has here; `None` for a
/// name that no generator of this configuration has, and for networks that the reference lacks.
pub fn reference_generator_name(config: &GeneratorConfig, name: &str) -> Option<String> {
    if config.decoder != Decoder::Mirrored || config.upsample != Upsample::default() {
        return None;
    }
    let path: Vec<&str> = name.split('.').collect();
    match (config.arch.family(), path.as_slice()) {
        (Family::Unet { depth }, ["unet", path @ ..]) => unet(config, depth, path),
        (Family::Resnet { blocks }, ["resnet", path @ ..]) => resnet(config, blocks, path),
        _ => None,
    }
}

/// As [`reference_generator_name`], for discriminators.
pub fn reference_discriminator_name(config: &DiscriminatorConfig, name: &str) -> Option<String> {
    if config.patches != Patches::Overlapping {
        return None;
    }
    let path: Vec<&str> = name.split('.').collect();
    match (config.arch, path.as_slice()) {
        (DiscriminatorArch::Basic, ["patchgan", path @ ..]) => patchgan(BASIC_LAYERS, path),
        (DiscriminatorArch::NLayers(n_layers), ["patchgan", path @ ..]) => patchgan(n_layers, path),
        (DiscriminatorArch::Pixel, ["pixelgan", path @ ..]) => match path {
            ["first", rest @ ..] => layer("net.", 0, rest),
            ["second", rest @ ..] => layer("net.", 2, rest),
            ["head", leaf] => Some(format!("net.5.{leaf}")),
            _ => None,
        },
        _ => None,
    }
}

/// What the reference's scripts must be told to build the same network.
pub fn reference_options(config: &GeneratorConfig) -> String {
    let word = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    };
    let arch = word(serde_json::to_value(config.arch));
    let norm = word(serde_json::to_value(config.norm));
    let (input, output, base) = (config.in_channels, config.out_channels, config.base);
    let channels = format!("--ngf {base} --input_nc {input} --output_nc {output}");
    let is_resnet = matches!(config.arch.family(), Family::Resnet { .. });
    // In a U-Net dropout moves no layer to another number.
    let dropout = match is_resnet && !config.resnet_dropout {
        true => " --no_dropout",
        false => "",
    };
    format!("--netG {arch} --norm {norm} {channels}{dropout}")
}

/// Where the level `level` of a U-Net starts: its blocks lie in each other.
pub(super) fn unet_level(level: usize) -> String {
    match level {
        0 => "model.model.".to_string(),
        _ => format!("model.model.1.model.{}", "3.model.".repeat(level - 1)),
    }
}

fn unet(config: &GeneratorConfig, depth: usize, path: &[&str]) -> Option<String> {
    let [side, level, rest @ ..] = path else {
        return None;
    };
    let level: usize = level.parse().ok()?;
    let innermost = level + 1 == depth;
    let convolution = match (*side, level) {
        _ if level >= depth => return None,
        ("downs", 0) => 0,
        ("downs", _) => 1,
        ("ups", _) if innermost => 3 + usize::from(config.norm_bottleneck),
        ("ups", 0) => 3,
        ("ups", _) => 5,
        _ => return None,
    };
    layer(&unet_level(level), convolution, rest)
}

fn resnet(config: &GeneratorConfig, blocks: usize, path: &[&str]) -> Option<String> {
    let after_blocks = FIRST_BLOCK + blocks;
    match path {
        ["stem", rest @ ..] => layer("model.", 1, rest),
        ["downs", index, rest @ ..] => layer("model.", 4 + 3 * below(index, 2)?, rest),
        ["blocks", index, half, rest @ ..] => {
            let block = FIRST_BLOCK + below(index, blocks)?;
            let convolution = match *half {
                "first" => 1,
                "second" => 5 + usize::from(config.resnet_dropout),
                _ => return None,
            };
            layer(&format!("model.{block}.conv_block."), convolution, rest)
        }
        ["ups", index, rest @ ..] => layer("model.", after_blocks + 3 * below(index, 2)?, rest),
        ["head", leaf] => Some(format!("model.{}.{leaf}", after_blocks + 7)),
        _ => None,
    }
}

fn patchgan(n_layers: usize, path: &[&str]) -> Option<String> {
    match path {
        ["layers", "0", rest @ ..] => layer("model.", 0, rest),
        ["layers", index, rest @ ..] => layer("model.", 3 * below(index, n_layers + 1)? - 1, rest),
        ["head", leaf] => Some(format!("model.{}.{leaf}", 3 * n_layers + 2)),
        _ => None,
    }
}

fn below(index: &str, end: usize) -> Option<usize> {
    index.parse().ok().filter(|index| *index < end)
}

/// A tensor of a convolution, or of the norm that follows it.
fn layer(prefix: &str, convolution: usize, rest: &[&str]) -> Option<String> {
    let (index, leaf) = match rest {
        ["conv", leaf @ ("weight" | "bias")] => (convolution, *leaf),
        ["norm", "batch", "gamma"] => (convolution + 1, "weight"),
        ["norm", "batch", "beta"] => (convolution + 1, "bias"),
        ["norm", "batch", leaf @ ("running_mean" | "running_var")] => (convolution + 1, *leaf),
        _ => return None,
    };
    Some(format!("{prefix}{index}.{leaf}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::tensor::Device;
    use model::NormKind;
    use model::state::shapes_of;

    use super::*;

    #[test]
    fn each_tensor_of_each_discriminator_has_a_name_of_its_own() {
        let patchgans = (1..=5).map(|n| {
            (
                DiscriminatorArch::NLayers(n),
                format!("model.{}.weight", 3 * n + 2),
            )
        });
        let others = [
            (DiscriminatorArch::Basic, "model.11.weight".to_string()),
            (DiscriminatorArch::Pixel, "net.5.weight".to_string()),
        ];
        for (arch, last) in patchgans.chain(others) {
            for norm in [NormKind::Batch, NormKind::Instance] {
                let config = DiscriminatorConfig {
                    arch,
                    in_channels: 6,
                    base: 1,
                    norm,
                    patches: Patches::default(),
                };
                let ours = shapes_of(&config.init(&Device::flex()));
                let theirs: BTreeSet<String> = ours
                    .keys()
                    .map(|name| reference_discriminator_name(&config, name).expect("a name"))
                    .collect();
                assert_eq!(theirs.len(), ours.len(), "{arch:?}");
                assert!(theirs.contains(&last), "{arch:?}: {theirs:?}");
            }
        }
    }

    #[test]
    fn networks_that_the_reference_lacks_have_no_names_there() {
        let plain = GeneratorConfig::new(model::GeneratorArch::Unet128, 1, NormKind::Batch);
        let name = "unet.downs.0.conv.weight";
        assert!(reference_generator_name(&plain, name).is_some());
        let resized = GeneratorConfig {
            upsample: Upsample::Resize,
            ..plain.clone()
        };
        assert_eq!(reference_generator_name(&resized, name), None);
        let listed = GeneratorConfig {
            decoder: Decoder::Listed,
            ..plain.clone()
        };
        assert_eq!(reference_generator_name(&listed, name), None);
        for stranger in [
            "",
            "unet",
            "unet.downs.7.conv.weight",
            "resnet.stem.conv.weight",
            "unet.downs.x.conv.weight",
        ] {
            assert_eq!(reference_generator_name(&plain, stranger), None);
        }
    }
}
