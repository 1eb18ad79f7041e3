//! From an `.onnx` file to a generator: nodes and tensors of the file, what they compute, and which
//! network's plan that is. Nothing is taken from names.

mod file;
mod network;
mod norms;
mod operators;
mod problem;
mod shape_arithmetic;
mod signal;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use model::norm::NORM_EPSILON;
use model::plan::PlannedLayer;
use model::state::{Array, StateDict};
use model::{GeneratorArch, GeneratorConfig, NormKind, NormStats};

use self::file::Tensor;
use self::network::network;
use self::operators::{Found, vector, walk};
pub use self::problem::OnnxProblem;
use self::signal::{Norm, Statistics};
use crate::system::files::{InFile, NamesFile};

/// A protocol buffer ends there.
const MAX_BYTES: u64 = 1 << 31;
/// How often a number of the file may be used: exporters keep equal tensors once.
const SHARING: usize = 4;

/// A file whose generator cannot be had.
pub type OnnxReadError = InFile<OnnxProblem>;

/// What an `.onnx` file holds.
pub struct OnnxGenerator {
    pub config: GeneratorConfig,
    pub stats: NormStats,
    pub state: StateDict,
    /// What the file says of itself.
    pub properties: BTreeMap<String, String>,
}

/// Whether a file's name says that it is one.
pub fn is_onnx(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    ending.eq_ignore_ascii_case("onnx")
}

/// The generator of a file. `arch` and `norm` are known beforehand, or found from it.
///
/// # Errors
/// [`OnnxProblem`].
pub fn read_onnx(
    path: &Path,
    arch: Option<GeneratorArch>,
    norm: Option<NormKind>,
) -> Result<OnnxGenerator, OnnxReadError> {
    read(path, arch, norm).of_file(path)
}

fn read(
    path: &Path,
    arch: Option<GeneratorArch>,
    norm: Option<NormKind>,
) -> Result<OnnxGenerator, OnnxProblem> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let bytes = whole(file, length, MAX_BYTES)?;
    let model = file::model(&bytes)?;
    let found = walk(model.graph)?;
    let network = network(&found, arch, norm)?;
    let mut left = SHARING * bytes.len();
    let mut state = StateDict::new();
    let layers = network.config.plan().layers;
    for (index, layer) in layers.iter().enumerate() {
        let norm = network.norms.get(index).copied().flatten();
        let tensors = (&found, index, norm);
        convert(layer, tensors, &mut state, &mut left)?;
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(OnnxGenerator {
        config: network.config,
        stats: network.stats,
        state,
        properties: model.properties.into_iter().map(owned).collect(),
    })
}

/// The bytes of a file that says to have `length`; a pipe says 0.
fn whole(file: impl Read, length: u64, most: u64) -> Result<Vec<u8>, OnnxProblem> {
    if length > most {
        return Err(OnnxProblem::TooLong(length));
    }
    let mut bytes = Vec::new();
    let room = bytes.try_reserve_exact(length as usize);
    room.map_err(io::Error::other)?;
    // One byte more tells a longer one.
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        length if length > most => Err(OnnxProblem::TooLong(length)),
        _ => Ok(bytes),
    }
}

/// Takes the tensors of one layer.
fn convert(
    layer: &PlannedLayer,
    (found, index, norm): (&Found<'_>, usize, Option<&Norm>),
    state: &mut StateDict,
    left: &mut usize,
) -> Result<(), OnnxProblem> {
    let theirs = &found.layers[index];
    let channels = layer.channels[1];
    let refused = |reason: &str| OnnxProblem::Node {
        node: theirs.name.to_owned(),
        operator: theirs.operator.to_owned(),
        reason: reason.to_owned(),
    };
    let used = left.checked_sub(theirs.weight.stored());
    *left = used.ok_or_else(|| refused("more layers share their weights than in any generator"))?;
    let weight = theirs.weight.floats();
    let values = weight.ok_or_else(|| refused("weights that are f32 or f16 expected"))?;
    let shape = theirs.weight.shape.clone();
    state.insert(layer.conv_tensor("weight"), Array { shape, values });
    let bias = |tensor: &Tensor<'_>| vector(tensor).filter(|values| values.len() == channels);
    let bias = match &theirs.bias {
        Some(tensor) => bias(tensor).ok_or_else(|| refused("a bias for each channel expected"))?,
        None => vec![0.0; channels],
    };
    let mut insert = |name: String, values: Vec<f32>| {
        let shape = vec![values.len()];
        state.insert(name, Array { shape, values });
    };
    if layer.norm == Some(NormKind::Batch) {
        for (leaf, values) in batch_norm(norm, bias, channels) {
            insert(layer.norm_tensor(leaf), values);
        }
    } else if layer.bias {
        insert(layer.conv_tensor("bias"), bias);
    }
    Ok(())
}

/// The tensors of a batch norm that takes in the bias before it. One that a convolution has taken in
/// leaves nothing but the bias to do.
fn batch_norm(
    norm: Option<&Norm>,
    bias: Vec<f32>,
    channels: usize,
) -> [(&'static str, Vec<f32>); 4] {
    let all = |value: f32| vec![value; channels];
    let Some(norm) = norm else {
        let neutral = (1.0 + NORM_EPSILON as f32).sqrt();
        return [
            ("gamma", all(neutral)),
            ("beta", bias),
            ("running_mean", all(0.0)),
            ("running_var", all(1.0)),
        ];
    };
    let (mean, variance) = match &norm.statistics {
        Statistics::Running { mean, variance } => {
            let rest = mean.iter().zip(&bias).map(|(mean, bias)| mean - bias);
            (rest.collect(), variance.clone())
        }
        // What they take of the image takes the bias away.
        Statistics::OfBatch | Statistics::OfImage => (all(0.0), all(1.0)),
    };
    [
        ("gamma", norm.scale.clone().unwrap_or_else(|| all(1.0))),
        ("beta", norm.shift.clone().unwrap_or_else(|| all(0.0))),
        ("running_mean", mean),
        ("running_var", variance),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit_whatever_length_it_says_to_have() {
        assert_eq!(whole(&b"abc"[..], 0, 3).expect("three bytes"), b"abc");
        for length in [0, 3, 4] {
            let found = whole(io::repeat(0), length, 3);
            assert!(matches!(found, Err(OnnxProblem::TooLong(4))));
        }
    }
}
