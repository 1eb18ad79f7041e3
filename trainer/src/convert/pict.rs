//! `.pict` files, in which pix2pix-tensorflow's web demo has its generators: a byte for each weight,
//! which stands for one of 256 numbers.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use model::config::Family;
use model::geometry::ConvKind;
use model::plan::PlannedLayer;
use model::state::{Array, StateDict};
use model::{GeneratorArch, GeneratorConfig, NormKind};
use serde::Deserialize;
use thiserror::Error;

use crate::config::names::generators;
use crate::system::files::{InFile, NamesFile};

/// Longest file, many times the demo's.
const MAX_BYTES: u64 = 1 << 30;
const CODES: usize = 256;

/// A file whose generator cannot be had.
pub type PictError = InFile<PictProblem>;

#[derive(Debug, Error)]
pub enum PictProblem {
    #[error("cannot be read ({0}); check path and permissions")]
    Io(#[from] io::Error),
    #[error("has {0} bytes, more than any such generator; is it another kind of file?")]
    TooLong(u64),
    #[error("is damaged or no .pict file ({0}); download it again")]
    Damaged(String),
    #[error("has no generator of pix2pix-tensorflow: {0}")]
    OtherNetwork(String),
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    shape: Vec<usize>,
}

/// Whether a file's name says that it is one.
pub fn is_pict(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    ending.eq_ignore_ascii_case("pict")
}

/// The generator of a file, whose batch norms use the image's own statistics.
///
/// # Errors
/// [`PictProblem`].
pub fn read_pict(path: &Path) -> Result<(GeneratorConfig, StateDict), PictError> {
    read(path).of_file(path)
}

fn read(path: &Path) -> Result<(GeneratorConfig, StateDict), PictProblem> {
    let length = fs::metadata(path)?.len();
    if length > MAX_BYTES {
        return Err(PictProblem::TooLong(length));
    }
    let mut tensors = tensors(&fs::read(path)?)?;
    let config = config(&tensors)?;
    let mut state = StateDict::new();
    for layer in config.plan().layers {
        convert(&layer, &mut tensors, &mut state)?;
    }
    Ok((config, state))
}

/// Three parts, each after its length: names and shapes as JSON, the numbers, and the codes.
fn tensors(mut bytes: &[u8]) -> Result<BTreeMap<String, Array>, PictProblem> {
    let damaged = |what: &str| PictProblem::Damaged(what.to_string());
    let mut part = || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        Some(part)
    };
    let (Some(entries), Some(numbers), Some(mut codes)) = (part(), part(), part()) else {
        return Err(damaged("it ends too early"));
    };
    if !bytes.is_empty() {
        return Err(damaged("it goes on behind its weights"));
    }
    let entries: Vec<Entry> = serde_json::from_slice(entries)
        .map_err(|error| PictProblem::Damaged(format!("its list of tensors: {error}")))?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let numbers: Vec<f32> = numbers
        .iter()
        .map(|&four| f32::from_le_bytes(four))
        .collect();
    if numbers.len() != CODES || !numbers.iter().all(|number| number.is_finite()) {
        return Err(damaged("its code book"));
    }
    let mut tensors = BTreeMap::new();
    for Entry { name, shape } in entries {
        let count = shape
            .iter()
            .try_fold(1usize, |all, &side| all.checked_mul(side));
        let taken = count.and_then(|count| codes.split_at_checked(count));
        let Some((taken, rest)) = taken else {
            return Err(damaged("it has fewer weights than its list of tensors"));
        };
        codes = rest;
        let values = taken.iter().map(|&code| numbers[usize::from(code)]);
        let values = values.collect();
        tensors.insert(name, Array { shape, values });
    }
    match codes.is_empty() {
        true => Ok(tensors),
        false => Err(damaged("it has more weights than its list of tensors")),
    }
}

/// Depth and widths, by the shapes of the outermost layers.
fn config(tensors: &BTreeMap<String, Array>) -> Result<GeneratorConfig, PictProblem> {
    let depth = (1..).take_while(|&level| tensors.contains_key(&kernel("encoder", level)));
    let depth = depth.count();
    let arch =
        |arch: &GeneratorArch| matches!(arch.family(), Family::Unet { depth: own } if own == depth);
    let Some(arch) = generators().find(arch) else {
        let found = format!("it has {depth} layers named encoder, U-Nets have 7, 8 or 9");
        return Err(PictProblem::OtherNetwork(found));
    };
    let side = |part: &str, at: usize| {
        let name = kernel(part, 1);
        let side = tensors.get(&name).and_then(|kernel| kernel.shape.get(at));
        side.copied()
            .ok_or(PictProblem::OtherNetwork(format!("{name} is missing")))
    };
    Ok(GeneratorConfig {
        in_channels: side("encoder", 2)?,
        out_channels: side("decoder", 2)?,
        norm_bottleneck: true,
        input_bias: true,
        ..GeneratorConfig::new(arch, side("encoder", 3)?, NormKind::Batch)
    })
}

fn kernel(part: &str, level: usize) -> String {
    match part {
        "encoder" => format!("generator/encoder_{level}/conv2d/kernel"),
        _ => format!("generator/decoder_{level}/conv2d_transpose/kernel"),
    }
}

/// Takes the tensors of one layer. A bias before a norm is left behind: the norm would take it away.
fn convert(
    layer: &PlannedLayer,
    tensors: &mut BTreeMap<String, Array>,
    state: &mut StateDict,
) -> Result<(), PictProblem> {
    let (part, level) = match layer.conv.kind {
        ConvKind::Convolution => ("encoder", layer.level),
        _ => ("decoder", layer.level + 1),
    };
    let [first, second, height, width] = layer.weight_shape();
    let channels = layer.channels[1];
    let kernel_name = kernel(part, level);
    let mut take = |name: String, shape: &[usize]| match tensors.remove(&name) {
        Some(array) if array.shape == shape => Ok(array),
        Some(Array { shape: found, .. }) => Err(PictProblem::OtherNetwork(format!(
            "{name} has shape {found:?}, not {shape:?}"
        ))),
        None => Err(PictProblem::OtherNetwork(format!("{name} is missing"))),
    };
    let kernel = take(kernel_name.clone(), &[height, width, second, first])?;
    let mut values = Vec::with_capacity(kernel.values.len());
    for a in 0..first {
        // There a skip's channels come after the decoder's own, here before.
        let a = match layer.inputs.len() {
            1 => a,
            _ => (a + first / 2) % first,
        };
        for b in 0..second {
            let at = |tap: usize| kernel.values[(tap * second + b) * first + a];
            values.extend((0..height * width).map(at));
        }
    }
    let shape = layer.weight_shape().to_vec();
    state.insert(layer.conv_tensor("weight"), Array { shape, values });
    if layer.bias {
        let name = kernel_name.replace("kernel", "bias");
        state.insert(layer.conv_tensor("bias"), take(name, &[channels])?);
    }
    if layer.norm.is_some() {
        let scope = format!("generator/{part}_{level}/batch_normalization");
        for leaf in ["gamma", "beta"] {
            let tensor = take(format!("{scope}/{leaf}"), &[channels])?;
            state.insert(layer.norm_tensor(leaf), tensor);
        }
        for (leaf, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
            let (shape, values) = (vec![channels], vec![value; channels]);
            state.insert(layer.norm_tensor(leaf), Array { shape, values });
        }
    }
    Ok(())
}
