//! The names that the reference gives the tensors of our networks. It numbers layers in the
//! order in which they run, those without tensors included.

use model::Patches;
use model::config::{Decoder, Family};
use model::geometry::ConvKind;
use model::plan::{Activation, Edge, PlannedLayer};
use model::{DiscriminatorArch, DiscriminatorConfig, GeneratorConfig, Plan, Upsample};

/// The reference's name of a generator's tensor, for the name that it has here; `None` for a
/// name that no generator of this configuration has, and for networks that the reference lacks.
pub fn reference_generator_name(config: &GeneratorConfig, name: &str) -> Option<String> {
    let has_other_tensors = config.decoder != Decoder::Mirrored || config.input_bias;
    if has_other_tensors || config.upsample != Upsample::default() {
        return None;
    }
    match config.arch.family() {
        Family::Unet { .. } => counterpart(&config.plan(), "model.model.", name),
        Family::Resnet { .. } => counterpart(&config.plan(), "model.", name),
    }
}

/// As [`reference_generator_name`], for discriminators.
pub fn reference_discriminator_name(config: &DiscriminatorConfig, name: &str) -> Option<String> {
    match (config.patches, config.arch) {
        (Patches::Listed, _) => None,
        (_, DiscriminatorArch::Pixel) => counterpart(&config.plan(), "net.", name),
        _ => counterpart(&config.plan(), "model.", name),
    }
}

/// Follows the layers into rows that lie in each other: those of a residual block, or of a U-Net's
/// level, in the row around it. `root` is the name of the outermost.
fn counterpart(plan: &Plan, root: &str, name: &str) -> Option<String> {
    let joins = |layer: &PlannedLayer| layer.inputs.len() > 1;
    let is_unet = plan.layers.iter().any(joins);
    // The name of each row, and the number of its next layer.
    let mut rows = vec![(root.to_owned(), 0)];
    for (index, layer) in plan.layers.iter().enumerate() {
        let (outer, number) = rows.last()?;
        let is_down = layer.conv.kind == ConvKind::Convolution;
        let is_added = |other: &PlannedLayer| other.adds == layer.inputs.first().copied();
        if is_unet && is_down && index > 0 {
            rows.push((format!("{outer}{number}.model."), 0));
        } else if plan.layers.iter().any(is_added) {
            rows.push((format!("{outer}{number}.conv_block."), 0));
        }
        let (row, next) = rows.last_mut()?;
        *next += usize::from(layer.before != Activation::Identity);
        *next += usize::from(layer.edge == Edge::Reflection);
        if let Some((after_conv, leaf)) = within(layer, name) {
            return Some(format!("{row}{}.{leaf}", *next + after_conv));
        }
        *next += 1 + usize::from(layer.norm.is_some());
        *next += usize::from(layer.after != Activation::Identity);
        *next += usize::from(layer.dropout);
        if layer.adds.is_some() || is_unet && !is_down {
            rows.pop();
            rows.last_mut().into_iter().for_each(|outer| outer.1 += 1);
        }
    }
    None
}

/// Whether a tensor is one of the convolution's or of the norm that follows it, and its name there.
fn within<'a>(layer: &PlannedLayer, name: &'a str) -> Option<(usize, &'a str)> {
    let rest = name.strip_prefix(layer.path.as_str())?.strip_prefix('.')?;
    match rest.split_once('.') {
        None if layer.is_head => Some((0, rest)),
        Some(("conv", leaf @ ("weight" | "bias"))) => Some((0, leaf)),
        Some(("norm", "batch.gamma")) => Some((1, "weight")),
        Some(("norm", "batch.beta")) => Some((1, "bias")),
        Some(("norm", "batch.running_mean")) => Some((1, "running_mean")),
        Some(("norm", "batch.running_var")) => Some((1, "running_var")),
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
        let biased = GeneratorConfig {
            input_bias: true,
            ..plain.clone()
        };
        assert_eq!(reference_generator_name(&biased, name), None);
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
