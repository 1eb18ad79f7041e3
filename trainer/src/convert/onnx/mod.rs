//! From a run or a model folder to an `.onnx` file, and from such a file to a generator.

mod graph;
mod messages;
pub mod read;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use model::state::{StateDict, StateError};
use model::{Manifest, SizeRule, Tensors};
use serde_json::json;
use thiserror::Error;

use self::graph::{INPUT, OUTPUT, operators};
use self::messages::{Graph, Length, Model, Value};
use crate::config::words::at_least_one;
use crate::convert::export::{Naming, TOOL};
use crate::convert::trained::{TrainedError, trained_generator};
use crate::data::direction::Direction;
use crate::run_folder::{RunFolderError, write_whole};

/// A protocol buffer ends below 2 GiB; the graph beside the weights has less than a MiB.
const MAX_WEIGHTS: usize = (1 << 31) - (1 << 20);

/// A generator that cannot be written as ONNX.
#[derive(Debug, Error)]
pub enum OnnxError {
    #[error(transparent)]
    Trained(#[from] TrainedError),
    #[error("{path}: the weights do not fit the manifest's generator: {source}; export it again")]
    State { path: PathBuf, source: StateError },
    #[error(
        "--size {asked}: this network takes heights and widths that are multiples of {divisor}; \
         give --size {nearest}, or --size dynamic for all of them"
    )]
    Size {
        asked: usize,
        divisor: usize,
        nearest: usize,
    },
    #[error(
        "{path}: weights of {bytes} bytes do not go into an .onnx file, which ends at 2 GiB; \
         give --precision f16, which halves them, or train with a smaller --base"
    )]
    TooLarge { path: PathBuf, bytes: usize },
    #[error(transparent)]
    File(#[from] RunFolderError),
}

/// What convolutions compute in, and how their weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnnxPrecision {
    /// 4 bytes per value
    #[default]
    F32,
    /// 2 bytes per value; norms, input and output stay f32
    F16,
}

/// Heights and widths that a model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnnxSize {
    /// All that the network takes.
    #[default]
    Dynamic,
    /// One for both.
    Fixed(usize),
}

impl FromStr for OnnxSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "dynamic" {
            return Ok(Self::Dynamic);
        }
        let side = at_least_one::<u16>(text);
        let side = side.map_err(|problem| format!("{problem}, or the word dynamic"))?;
        Ok(Self::Fixed(usize::from(side)))
    }
}

/// What an `.onnx` file is to be like.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnnxOptions {
    pub precision: OnnxPrecision,
    pub size: OnnxSize,
}

/// Writes the generator of `source`, the folder of a run (its latest checkpoint, the generator of
/// `direction`) or of a model, to the file `output`, and gives the file's length.
pub fn export_onnx(
    source: &Path,
    direction: Option<Direction>,
    naming: &Naming,
    options: &OnnxOptions,
    output: &Path,
) -> Result<u64, OnnxError> {
    let (mut manifest, state) = trained_generator(source, direction)?;
    naming.describe(&mut manifest);
    if let Some(name) = &naming.name {
        manifest.name.clone_from(name);
    }
    let bytes = onnx_bytes(source, &manifest, state, options)?;
    write_whole(output, &bytes)?;
    Ok(bytes.len() as u64)
}

/// The `.onnx` file of the generator that `manifest` describes and `state` belongs to; errors name
/// `source`.
pub fn onnx_bytes(
    source: &Path,
    manifest: &Manifest,
    state: StateDict,
    options: &OnnxOptions,
) -> Result<Vec<u8>, OnnxError> {
    let path = || source.to_path_buf();
    let generator = &manifest.generator;
    let size = side_lengths(options.size, generator.config.arch.size_rule())?;
    let width = match options.precision {
        OnnxPrecision::F32 => 4,
        OnnxPrecision::F16 => 2,
    };
    let bytes = width * state.values().map(|it| it.values.len()).sum::<usize>();
    if bytes > MAX_WEIGHTS {
        return Err(OnnxError::TooLarge {
            path: path(),
            bytes,
        });
    }
    let plan = generator.config.plan();
    let tensors = Tensors {
        weights: state.into(),
        stats: generator.norm_stats,
    };
    let tensors = tensors.layers(&plan, |layer| layer);
    let tensors = tensors.map_err(|source| OnnxError::State {
        path: path(),
        source,
    })?;
    let operators = operators(&plan, tensors, options.precision);
    let value = |name, channels| Value {
        name,
        shape: [
            Length::Named("batch"),
            Length::Fixed(channels),
            size[0],
            size[1],
        ],
    };
    let model = Model {
        producer: TOOL,
        graph: Graph {
            name: manifest.name.clone(),
            nodes: operators.nodes,
            constants: operators.constants,
            input: value(INPUT, generator.config.in_channels),
            output: value(OUTPUT, generator.config.out_channels),
        },
        properties: properties(manifest),
    };
    Ok(model.encoded())
}

/// Height and width.
fn side_lengths(size: OnnxSize, rule: SizeRule) -> Result<[Length; 2], OnnxError> {
    match size {
        OnnxSize::Dynamic => Ok(["height", "width"].map(Length::Named)),
        OnnxSize::Fixed(side) if rule.padded(side) == side => Ok([Length::Fixed(side); 2]),
        OnnxSize::Fixed(asked) => Err(OnnxError::Size {
            asked,
            divisor: rule.divisor(),
            nearest: rule.padded(asked),
        }),
    }
}

/// What the manifest says to those who have the file alone, under the manifest's names.
fn properties(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let (input, output) = (&manifest.input, &manifest.output);
    let multiple = manifest.generator.config.arch.size_rule().divisor();
    let properties = [
        ("name", manifest.name.clone()),
        ("title", manifest.title.clone()),
        ("task", manifest.task.clone()),
        ("license", manifest.license.clone()),
        ("range", json!(input.range).to_string()),
        ("multiple_of", multiple.to_string()),
        ("input_encoding", json!(input.encoding).to_string()),
        ("output_encoding", json!(output.encoding).to_string()),
    ];
    let said = properties.into_iter();
    said.filter(|(_, value)| !value.is_empty()).collect()
}
