//! Which generator a file holds, told from the names and shapes of its tensors.

use std::collections::BTreeSet;

use model::config::Family;
use model::{GeneratorArch, GeneratorConfig, NormKind};

use super::fit::NetworkError;
use super::read::Tensors;

/// Architectures whose names the reference knows.
const KNOWN: [GeneratorArch; 5] = [
    GeneratorArch::Unet128,
    GeneratorArch::Unet256,
    GeneratorArch::Unet512,
    GeneratorArch::Resnet6Blocks,
    GeneratorArch::Resnet9Blocks,
];
/// What `torch.nn.DataParallel` puts before every name.
const DATA_PARALLEL: &str = "module.";
/// Where residual blocks start in a ResNet: after padding, stem and two steps down.
const FIRST_BLOCK: usize = 10;
const MAX_CHANNELS: usize = 8;
const MAX_BASE: usize = 256;

/// What is known without the file; the rest is told from it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub arch: Option<GeneratorArch>,
    pub norm: Option<NormKind>,
    /// Which network, in a file that holds several: the name before its tensors.
    pub part: Option<String>,
}

/// Finds the generator in a file: its configuration, and its tensors under the reference's names.
pub fn detect(tensors: Tensors, given: &Given) -> Result<(GeneratorConfig, Tensors), NetworkError> {
    let tensors = choose(without(tensors, DATA_PARALLEL), given)?;
    let config = configure(&tensors, given)?;
    Ok((config, tensors))
}

/// Removes `prefix` if every name has it.
fn without(tensors: Tensors, prefix: &str) -> Tensors {
    match tensors.keys().all(|name| name.starts_with(prefix)) {
        true => below(&tensors, prefix),
        false => tensors,
    }
}

fn below(tensors: &Tensors, prefix: &str) -> Tensors {
    let found = tensors.iter().filter_map(|(name, array)| {
        let name = name.strip_prefix(prefix)?;
        Some((name.to_string(), array.clone()))
    });
    found.collect()
}

/// The tensors of the one generator in the file, which may lie below a name of their own, such
/// as `state_dict` or `netG_A`.
fn choose(tensors: Tensors, given: &Given) -> Result<Tensors, NetworkError> {
    let names = |part: &str| without(below(&tensors, &format!("{part}.")), DATA_PARALLEL);
    if let Some(part) = &given.part {
        let chosen = names(part);
        return match chosen.is_empty() {
            true => Err(NetworkError::NoPart(part.clone())),
            false => Ok(chosen),
        };
    }
    if kind(&tensors) == Kind::Generator {
        return Ok(tensors);
    }
    let firsts: BTreeSet<&str> = tensors
        .keys()
        .filter_map(|name| Some(name.split_once('.')?.0))
        .collect();
    let mut found: Vec<(&str, Tensors)> = firsts
        .into_iter()
        .map(|first| (first, names(first)))
        .filter(|(_, part)| kind(part) == Kind::Generator)
        .collect();
    match (found.pop(), found.as_slice()) {
        (Some((_, only)), []) => Ok(only),
        (Some((last, _)), others) => {
            let parts = others.iter().map(|(part, _)| (*part).to_string());
            Err(NetworkError::Several(
                parts.chain([last.to_string()]).collect(),
            ))
        }
        (None, _) => Err(foreign(&tensors)),
    }
}

/// What the names and the kernel of the first layer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Generator,
    Other(&'static str),
    Unknown,
}

fn kind(tensors: &Tensors) -> Kind {
    let has = |name: &str, kernel: usize| {
        let shape = tensors.get(name).map(|array| array.shape.as_slice());
        matches!(shape, Some([_, _, height, width]) if [*height, *width] == [kernel, kernel])
    };
    if has("model.model.0.weight", 4) && has("model.model.1.model.1.weight", 4) {
        return Kind::Generator;
    }
    if has("model.1.weight", 7) && has("model.4.weight", 3) {
        return Kind::Generator;
    }
    match () {
        () if has("model.0.weight", 4) => Kind::Other("a PatchGAN discriminator (netD)"),
        () if has("net.0.weight", 1) => Kind::Other("a pixel discriminator (netD)"),
        () if has("features.0.weight", 3) => Kind::Other("a VGG classifier"),
        () if has("conv1.weight", 7) => Kind::Other("a ResNet classifier"),
        () => Kind::Unknown,
    }
}

fn foreign(tensors: &Tensors) -> NetworkError {
    let firsts = tensors
        .keys()
        .filter_map(|name| Some(name.split_once('.')?.0));
    let parts = firsts
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|first| kind(&below(tensors, &format!("{first}."))));
    let kinds = [kind(tensors)].into_iter().chain(parts);
    let other = kinds.into_iter().find_map(|kind| match kind {
        Kind::Other(name) => Some(name),
        Kind::Generator | Kind::Unknown => None,
    });
    match other {
        Some(network) => NetworkError::Foreign(network),
        None => NetworkError::unknown(tensors.keys()),
    }
}

fn configure(tensors: &Tensors, given: &Given) -> Result<GeneratorConfig, NetworkError> {
    let is_unet = tensors.contains_key("model.model.0.weight");
    let arch = match given.arch {
        Some(arch) => arch,
        None => arch_of(tensors, is_unet)?,
    };
    if matches!(arch.family(), Family::Unet { .. }) != is_unet {
        let family = if is_unet { "U-Net" } else { "ResNet" };
        return Err(NetworkError::OtherFamily(family));
    }
    let (conv, norm) = match is_unet {
        true => ("model.model.1.model.1", "model.model.1.model.2"),
        false => ("model.1", "model.2"),
    };
    let norm = match given.norm {
        Some(norm) => norm,
        None => norm_of(tensors, conv, norm)?,
    };
    let (first, last) = match arch.family() {
        Family::Unet { .. } => ("model.model.0", "model.model.3".to_string()),
        Family::Resnet { blocks } => ("model.1", format!("model.{}", FIRST_BLOCK + blocks + 7)),
    };
    let [base, in_channels, ..] = four(tensors, &format!("{first}.weight"))?;
    let last = four(tensors, &format!("{last}.weight"))?;
    let config = GeneratorConfig {
        in_channels: within("input channels", in_channels, MAX_CHANNELS)?,
        // A transposed convolution counts its input first.
        out_channels: within("output channels", last[usize::from(is_unet)], MAX_CHANNELS)?,
        norm_bottleneck: match arch.family() {
            Family::Unet { depth } => {
                let up = format!("{}4.weight", unet_level(depth - 1));
                four(tensors, &up).is_ok()
            }
            Family::Resnet { .. } => false,
        },
        resnet_dropout: four(tensors, "model.10.conv_block.6.weight").is_ok(),
        ..GeneratorConfig::new(arch, within("feature maps", base, MAX_BASE)?, norm)
    };
    Ok(config)
}

fn within(what: &'static str, found: usize, max: usize) -> Result<usize, NetworkError> {
    match (1..=max).contains(&found) {
        true => Ok(found),
        false => Err(NetworkError::OutOfRange { what, found, max }),
    }
}

fn four(tensors: &Tensors, name: &str) -> Result<[usize; 4], NetworkError> {
    let array = tensors
        .get(name)
        .ok_or_else(|| NetworkError::Missing(name.to_string()))?;
    <[usize; 4]>::try_from(array.shape.as_slice()).map_err(|_| NetworkError::Shape {
        name: name.to_string(),
        found: array.shape.clone(),
        expected: "four dimensions".to_string(),
    })
}

fn arch_of(tensors: &Tensors, is_unet: bool) -> Result<GeneratorArch, NetworkError> {
    let family = match is_unet {
        true => Family::Unet {
            depth: (1..)
                .take_while(|level| {
                    tensors.contains_key(&format!("{}1.weight", unet_level(*level)))
                })
                .count()
                + 1,
        },
        false => Family::Resnet {
            blocks: (FIRST_BLOCK..)
                .take_while(|block| {
                    tensors.contains_key(&format!("model.{block}.conv_block.1.weight"))
                })
                .count(),
        },
    };
    let known = KNOWN.into_iter().find(|arch| arch.family() == family);
    known.ok_or(match family {
        Family::Unet { depth } => NetworkError::Depth(depth),
        Family::Resnet { blocks } => NetworkError::Blocks(blocks),
    })
}

/// Where the level `level` of a U-Net starts: its blocks lie in each other.
fn unet_level(level: usize) -> String {
    match level {
        0 => "model.model.".to_string(),
        _ => format!("model.model.1.model.{}", "3.model.".repeat(level - 1)),
    }
}

/// From the first convolution that a norm follows, and that norm.
fn norm_of(tensors: &Tensors, conv: &str, norm: &str) -> Result<NormKind, NetworkError> {
    let has = |layer: &str, leaf: &str| tensors.contains_key(&format!("{layer}.{leaf}"));
    let is_norm = |layer: &str| {
        let weight = tensors.get(&format!("{layer}.weight"));
        weight.is_some_and(|array| array.shape.len() == 1)
    };
    match (is_norm(norm), has(norm, "running_mean"), has(conv, "bias")) {
        (true, true, _) => Ok(NormKind::Batch),
        (true, false, _) => Err(NetworkError::AffineInstance),
        // The reference gives convolutions a bias only where an instance norm follows.
        (false, _, true) => Ok(NormKind::Instance),
        (false, _, false) => Ok(NormKind::None),
    }
}
