//! Checkpoints of pytorch-CycleGAN-and-pix2pix: reading their tensors, without executing
//! anything in them, and finding the tensors of our networks among them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::GeneratorConfig;
use model::generator::Family;
use model::state::{Array, StateDict};
use thiserror::Error;

/// A checkpoint that cannot be used.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Missing, damaged, or not a checkpoint.
    #[error("{path}: cannot be read as a PyTorch or safetensors file ({reason})")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A tensor that the network needs is not there.
    #[error("tensor \"{0}\" is missing; is this a checkpoint of another network?")]
    Missing(String),
}

/// Every f32 tensor of a `.pth` or `.safetensors` file by its name; others, such as counters of
/// batches, are left out.
///
/// # Errors
/// [`ImportError::Read`].
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Array>, ImportError> {
    let is_safetensors = path
        .extension()
        .is_some_and(|extension| extension == "safetensors");
    let tensors = match is_safetensors {
        true => read_safetensors(path),
        false => read_pytorch(path),
    };
    tensors.map_err(|reason| ImportError::Read {
        path: path.to_path_buf(),
        reason,
    })
}

fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Array>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let file = safetensors::SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let floats = file.tensors().into_iter();
    let floats = floats.filter(|(_, view)| view.dtype() == safetensors::Dtype::F32);
    Ok(floats
        .map(|(name, view)| (name, array(view.shape(), view.data())))
        .collect())
}

fn read_pytorch(path: &Path) -> Result<BTreeMap<String, Array>, String> {
    let reader = pytorch_reader::PytorchReader::new(path).map_err(|error| error.to_string())?;
    let mut arrays = BTreeMap::new();
    for (name, tensor) in reader.into_tensors() {
        if tensor.dtype() == pytorch_reader::DType::F32 {
            let bytes = tensor.read().map_err(|error| error.to_string())?;
            arrays.insert(name, array(tensor.shape(), &bytes));
        }
    }
    Ok(arrays)
}

fn array(shape: &[usize], bytes: &[u8]) -> Array {
    let values = bytes
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    Array {
        shape: shape.to_vec(),
        values: values.collect(),
    }
}

/// Picks the tensors that a network needs out of a checkpoint: `names` are the network's own,
/// `reference_name` tells each one's name in the checkpoint.
///
/// # Errors
/// [`ImportError::Missing`].
pub fn pick<'a>(
    names: impl IntoIterator<Item = &'a String>,
    reference_name: impl Fn(&str) -> Option<String>,
    mut tensors: BTreeMap<String, Array>,
) -> Result<StateDict, ImportError> {
    names
        .into_iter()
        .map(|name| {
            let theirs = reference_name(name).unwrap_or_else(|| name.clone());
            let array = tensors
                .remove(&theirs)
                .ok_or(ImportError::Missing(theirs))?;
            Ok((name.clone(), array))
        })
        .collect()
}

/// The reference's name of a generator's tensor, for the name that it has here; `None` for a
/// name that no generator of this configuration has.
///
/// The reference nests a U-Net's blocks in each other, so that the name of a layer tells how
/// deep it lies.
pub fn reference_generator_name(config: &GeneratorConfig, name: &str) -> Option<String> {
    let mut parts = name.strip_prefix("unet.")?.splitn(3, '.');
    let (side, level, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let level: usize = level.parse().ok()?;
    let Family::Unet { depth } = config.arch.family() else {
        return None;
    };
    let innermost = depth - 1;
    let index = match (side, rest.starts_with("norm."), level) {
        ("downs", false, 0) => 0,
        ("downs", false, _) => 1,
        ("downs", true, _) => 2,
        ("ups", false, 0) => 3,
        ("ups", false, level) if level == innermost => 3,
        ("ups", true, level) if level == innermost => 4,
        ("ups", false, _) => 5,
        ("ups", true, _) => 6,
        _ => return None,
    };
    let mut path = String::from("model.model.");
    if level > 0 {
        path.push_str("1.model.");
        path.push_str(&"3.model.".repeat(level - 1));
    }
    Some(format!("{path}{index}.{}", leaf(rest)?))
}

/// As [`reference_generator_name`], for the `basic` discriminator.
pub fn reference_discriminator_name(name: &str) -> Option<String> {
    let rest = name.strip_prefix("patchgan.")?;
    if let Some(leaf) = rest.strip_prefix("head.") {
        return Some(format!("model.11.{leaf}"));
    }
    let (layer, rest) = rest.strip_prefix("layers.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let convolution = if layer == 0 { 0 } else { 3 * layer - 1 };
    let index = convolution + usize::from(rest.starts_with("norm."));
    Some(format!("model.{index}.{}", leaf(rest)?))
}

fn leaf(rest: &str) -> Option<&'static str> {
    Some(match rest {
        "conv.weight" | "norm.batch.gamma" => "weight",
        "conv.bias" | "norm.batch.beta" => "bias",
        "norm.batch.running_mean" => "running_mean",
        "norm.batch.running_var" => "running_var",
        _ => return None,
    })
}
