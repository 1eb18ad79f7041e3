//! Tensors of the reference's networks into ours and back: nothing missing, nothing left over.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use model::state::{Array, StateDict, shapes_of};
use model::{GeneratorConfig, NormKind};
use thiserror::Error;

use super::names::{reference_generator_name, reference_options};
use super::read::Tensors;
use super::write::Entry;

/// So many names are enough to recognise a network.
const NAMED: usize = 4;

/// Tensors that make no generator, or none that this program knows.
#[derive(Debug, Error)]
pub enum NetworkError {
    #[error(
        "these are the weights of {0}, not of a generator; give the generator's file, such as \
         latest_net_G.pth or latest_net_G_A.pth"
    )]
    Foreign(&'static str),
    #[error(
        "no generator is known with these {count} tensors: {names}; known are the U-Nets and \
         ResNets of pytorch-CycleGAN-and-pix2pix"
    )]
    Unknown { count: usize, names: String },
    #[error("there are several generators in it; choose one with --part: {}", .0.join(", "))]
    Several(Vec<String>),
    #[error("--part {0}: nothing in the file has this name; leave it out to see what there is")]
    NoPart(String),
    #[error("--net-g: the file holds a {0}; leave the flag out or name one of that family")]
    OtherFamily(&'static str),
    #[error(
        "a U-Net with {0} steps down; 7 (unet_128), 8 (unet_256) and 9 (unet_512) are known. If \
         layers are missing, --net-g lists them"
    )]
    Depth(usize),
    #[error(
        "a ResNet with {0} residual blocks; 6 (resnet_6blocks) and 9 (resnet_9blocks) are known. \
         If layers are missing, --net-g lists them"
    )]
    Blocks(usize),
    #[error(
        "its norm layers have weights but no running statistics (instance norm with affine=True), \
         which no network here has; train it with --norm batch or the reference's instance norm"
    )]
    AffineInstance,
    #[error("it has {found} {what}; 1 to {max} are supported")]
    OutOfRange {
        what: &'static str,
        found: usize,
        max: usize,
    },
    #[error(
        "tensor \"{0}\" is missing; is this a checkpoint of another network? --net-g says which \
         one it should be"
    )]
    Missing(String),
    #[error(
        "tensor \"{name}\" has the shape {found:?} where {expected} is needed; if it is another \
         network, say which with --net-g"
    )]
    Shape {
        name: String,
        found: Vec<usize>,
        expected: String,
    },
    #[error("read as {network} it {differences}; say what it is with --net-g and --norm")]
    Names {
        network: String,
        differences: String,
    },
    #[error("pytorch-CycleGAN-and-pix2pix has no such generator ({0}); export it for the web")]
    NoCounterpart(&'static str),
}

impl NetworkError {
    pub(super) fn unknown<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> Self {
        Self::Unknown {
            count: names.len(),
            names: listed(names),
        }
    }
}

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = if names.len() > NAMED { ", …" } else { "" };
    let names: Vec<&str> = names.take(NAMED).map(String::as_str).collect();
    format!("{}{more}", names.join(", "))
}

/// Picks the tensors that a network needs out of a file: `names` are the network's own,
/// `reference_name` tells each one's name in the file. What is left over is dropped.
pub fn pick<'a>(
    names: impl IntoIterator<Item = &'a String>,
    reference_name: impl Fn(&str) -> Option<String>,
    mut tensors: Tensors,
) -> Result<StateDict, NetworkError> {
    names
        .into_iter()
        .map(|name| {
            let theirs = reference_name(name).unwrap_or_else(|| name.clone());
            let array = tensors
                .remove(&theirs)
                .ok_or(NetworkError::Missing(theirs))?;
            Ok((name.clone(), array))
        })
        .collect()
}

/// The state of our generator from the reference's tensors, all of them and no others.
pub fn fit(config: &GeneratorConfig, mut tensors: Tensors) -> Result<StateDict, NetworkError> {
    let optional = biases_without_norm(config);
    let mut state = StateDict::new();
    let mut missing = Vec::new();
    for (name, shape) in shapes(config) {
        let theirs = counterpart(config, &name)?;
        match tensors.remove(&theirs) {
            Some(array) if array.shape != shape => {
                return Err(NetworkError::Shape {
                    name: theirs,
                    found: array.shape,
                    expected: format!("{shape:?}"),
                });
            }
            Some(array) => drop(state.insert(name, array)),
            None if optional.contains(&name) => {
                let values = vec![0.0; shape.iter().product()];
                state.insert(name, Array { shape, values });
            }
            None => missing.push(theirs),
        }
    }
    if config.norm == NormKind::Instance {
        // PyTorch 0.3 kept statistics of instance norms and never used them.
        tensors
            .retain(|name, _| !name.ends_with(".running_mean") && !name.ends_with(".running_var"));
    }
    match (missing.len(), tensors.len()) {
        (0, 0) => Ok(state),
        (lacking, left) => {
            let lacks = format!("lacks {lacking} tensors ({})", listed(missing.iter()));
            let has = format!("has {left} left over ({})", listed(tensors.keys()));
            Err(NetworkError::Names {
                network: reference_options(config),
                differences: match (lacking, left) {
                    (0, _) => has,
                    (_, 0) => lacks,
                    _ => format!("{lacks} and {has}"),
                },
            })
        }
    }
}

/// The reference's tensors from the state of our generator: what its strict loading expects.
pub fn unfit(
    config: &GeneratorConfig,
    state: StateDict,
) -> Result<BTreeMap<String, Entry>, NetworkError> {
    if config.residual {
        return Err(NetworkError::NoCounterpart("its output corrects its input"));
    }
    if config.norm_bottleneck {
        return Err(NetworkError::NoCounterpart(
            "its innermost layer has a norm",
        ));
    }
    let optional = biases_without_norm(config);
    let mut entries = BTreeMap::new();
    for (name, array) in state {
        if optional.contains(&name) {
            if array.values.iter().any(|value| *value != 0.0) {
                return Err(NetworkError::NoCounterpart(
                    "convolutions with a bias and no norm",
                ));
            }
            continue;
        }
        let theirs = counterpart(config, &name)?;
        if let Some(norm) = theirs.strip_suffix("running_mean") {
            entries.insert(format!("{norm}num_batches_tracked"), Entry::Count(0));
        }
        entries.insert(theirs, Entry::Floats(array));
    }
    Ok(entries)
}

fn counterpart(config: &GeneratorConfig, name: &str) -> Result<String, NetworkError> {
    reference_generator_name(config, name).ok_or(NetworkError::NoCounterpart("a layer of its own"))
}

fn shapes(config: &GeneratorConfig) -> BTreeMap<String, Vec<usize>> {
    shapes_of(&config.init(&Device::flex()))
}

/// Without norms our convolutions have biases, where the reference's have none.
fn biases_without_norm(config: &GeneratorConfig) -> BTreeSet<String> {
    if config.norm != NormKind::None {
        return BTreeSet::new();
    }
    let mut with_norm = config.clone();
    with_norm.norm = NormKind::Batch;
    let kept = shapes(&with_norm);
    let all = shapes(config).into_keys();
    all.filter(|name| !kept.contains_key(name)).collect()
}

#[cfg(test)]
mod tests {
    use model::GeneratorArch;

    use super::super::detect::{Given, detect};
    use super::*;

    const ARCHS: [GeneratorArch; 5] = [
        GeneratorArch::Unet128,
        GeneratorArch::Unet256,
        GeneratorArch::Unet512,
        GeneratorArch::Resnet6Blocks,
        GeneratorArch::Resnet9Blocks,
    ];

    fn config(arch: GeneratorArch, norm: NormKind, resnet_dropout: bool) -> GeneratorConfig {
        GeneratorConfig {
            in_channels: 2,
            out_channels: 5,
            resnet_dropout,
            ..GeneratorConfig::new(arch, 1, norm)
        }
    }

    /// Other numbers in every tensor, but zeros where the reference has none.
    fn state(config: &GeneratorConfig) -> StateDict {
        let optional = biases_without_norm(config);
        let named = shapes(config).into_iter().enumerate();
        let filled = named.map(|(index, (name, shape))| {
            let value = if optional.contains(&name) {
                0.0
            } else {
                index as f32
            };
            let values = vec![value; shape.iter().product()];
            (name, Array { shape, values })
        });
        filled.collect()
    }

    fn floats(entries: BTreeMap<String, Entry>) -> Tensors {
        let floats = entries.into_iter().filter_map(|(name, entry)| match entry {
            Entry::Floats(array) => Some((name, array)),
            Entry::Count(_) => None,
        });
        floats.collect()
    }

    #[test]
    fn every_generator_is_recognised_in_what_is_written_of_it() {
        for arch in ARCHS {
            let is_resnet = ARCHS[3..].contains(&arch);
            for norm in [NormKind::Batch, NormKind::Instance, NormKind::None] {
                for dropout in [false, is_resnet] {
                    let config = config(arch, norm, dropout);
                    let state = state(&config);
                    let theirs = floats(unfit(&config, state.clone()).expect("a counterpart"));
                    let (found, theirs) = detect(theirs, &Given::default()).expect("known");
                    assert_eq!(found, config);
                    assert!(fit(&found, theirs).expect("fits") == state, "{config:?}");
                }
            }
        }
    }

    #[test]
    fn a_norm_on_the_innermost_layer_is_recognised() {
        for arch in &ARCHS[..3] {
            let mut config = config(*arch, NormKind::Batch, false);
            config.norm_bottleneck = true;
            let state = state(&config);
            let named = state.iter().map(|(name, array)| {
                let theirs = reference_generator_name(&config, name).expect("a name");
                (theirs, array.clone())
            });
            let theirs: Tensors = named.collect();
            assert_eq!(theirs.len(), state.len());
            let (found, theirs) = detect(theirs, &Given::default()).expect("known");
            assert_eq!(found, config);
            assert!(fit(&found, theirs).expect("fits") == state);
        }
    }

    #[test]
    fn each_missing_tensor_and_each_stranger_is_named() {
        let config = config(GeneratorArch::Resnet6Blocks, NormKind::Instance, false);
        let whole = floats(unfit(&config, state(&config)).expect("a counterpart"));
        for name in whole.keys() {
            let mut cut = whole.clone();
            cut.remove(name);
            let refused = fit(&config, cut).expect_err(name).to_string();
            assert!(refused.contains(name), "{refused}");
        }
        let mut more = whole;
        let one = more["model.1.bias"].clone();
        more.insert("attention.weight".to_string(), one);
        let refused = fit(&config, more).expect_err("a stranger").to_string();
        assert!(
            refused.contains("has 1 left over (attention.weight)"),
            "{refused}"
        );
    }

    #[test]
    fn other_sizes_and_channels_are_refused_with_what_is_known() {
        let config = config(GeneratorArch::Resnet6Blocks, NormKind::Instance, false);
        let whole = floats(unfit(&config, state(&config)).expect("a counterpart"));
        let mut short = whole.clone();
        short.retain(|name, _| !name.starts_with("model.15."));
        let refused = detect(short, &Given::default()).expect_err("five blocks");
        assert!(matches!(refused, NetworkError::Blocks(5)), "{refused}");
        let mut wide = whole;
        let stem = wide.get_mut("model.1.weight").expect("the stem");
        stem.shape = vec![1, 9, 7, 7];
        let refused = detect(wide, &Given::default()).expect_err("nine channels");
        assert!(
            matches!(refused, NetworkError::OutOfRange { found: 9, .. }),
            "{refused}"
        );
    }
}
