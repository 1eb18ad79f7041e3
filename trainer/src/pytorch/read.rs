//! From a file to named arrays of f32, never more memory than the file's length accounts for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use burn::tensor::{bf16, f16};
use model::state::Array;
use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::{Dtype, SafeTensors};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::archive::without_spare_records;
use super::vet::{VetError, vet};
use crate::system::files::{InFile, NamesFile};

/// How often a number of the file may be used: files hold averaged copies of a network beside it,
/// which share what did not change.
const SHARING: u64 = 4;

/// Longest file, many times the largest generator.
const MAX_BYTES: u64 = 4 << 30;

/// Floating point tensors by their names in the file.
pub type Tensors = BTreeMap<String, Array>;

/// A file whose tensors cannot be had.
pub type ReadError = InFile<ReadProblem>;

#[derive(Debug, Error)]
pub enum ReadProblem {
    #[error("cannot be read ({0}); check path and permissions")]
    Io(#[from] io::Error),
    #[error("is not a file; give the .pth or .safetensors of a generator")]
    NotAFile,
    #[error(
        "has {0} bytes, a generator's weights have no more than {MAX_BYTES}; save the generator \
         alone: torch.save(net.state_dict(), …)"
    )]
    TooLong(u64),
    #[error(transparent)]
    Vet(#[from] VetError),
    #[error("it is damaged or was cut short ({0}); copy or download it again")]
    Damaged(String),
    #[error(
        "no weights can be read from it ({0}); give the file of torch.save(net.state_dict(), …), or \
         copy it again if it is one"
    )]
    NoStateDict(String),
    #[error(
        "tensor \"{tensor}\" claims the shape {shape:?} in a file of {bytes} bytes; the file is \
         damaged, copy or download it again"
    )]
    TooLarge {
        tensor: String,
        shape: Vec<usize>,
        bytes: u64,
    },
    #[error(
        "tensor \"{0}\" holds NaN or infinite values, so its training diverged; use an earlier epoch"
    )]
    NotFinite(String),
}

/// Every floating point tensor of a `.pth` or `.safetensors` file, as f32; whole numbers, such
/// as counters of batches, are left out. Tensors in dictionaries have their paths as names,
/// `netG.model.1.weight`.
pub fn read_tensors(path: &Path) -> Result<Tensors, ReadError> {
    read(path).of_file(path)
}

fn read(path: &Path) -> Result<Tensors, ReadProblem> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(ReadProblem::NotAFile);
    }
    if metadata.len() > MAX_BYTES {
        return Err(ReadProblem::TooLong(metadata.len()));
    }
    let tensors = match Format::of(path)? {
        Format::Safetensors => read_safetensors(&fs::read(path)?),
        Format::NamedSafetensors => Err(damaged("no table of tensors at its beginning")),
        Format::Pytorch => read_pytorch(path, metadata.len()),
    }?;
    if tensors.is_empty() {
        let reason = "no floating point tensor".to_string();
        return Err(ReadProblem::NoStateDict(reason));
    }
    let mut diverged = tensors
        .iter()
        .filter(|(_, array)| !array.values.iter().all(|value| value.is_finite()));
    match diverged.next() {
        Some((tensor, _)) => Err(ReadProblem::NotFinite(tensor.clone())),
        None => Ok(tensors),
    }
}

enum Format {
    Safetensors,
    /// By its ending alone.
    NamedSafetensors,
    Pytorch,
}

impl Format {
    /// Safetensors have a JSON object after eight bytes of length.
    fn of(path: &Path) -> io::Result<Self> {
        let mut start = Vec::new();
        File::open(path)?.take(9).read_to_end(&mut start)?;
        let ending = path.extension().unwrap_or_default();
        Ok(match start.get(8) == Some(&b'{') {
            true => Self::Safetensors,
            false if ending.eq_ignore_ascii_case("safetensors") => Self::NamedSafetensors,
            false => Self::Pytorch,
        })
    }
}

fn damaged(reason: impl ToString) -> ReadProblem {
    ReadProblem::Damaged(reason.to_string())
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors, ReadProblem> {
    // The library compares every shape with the bytes that are there.
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let floats = file.tensors().into_iter().filter_map(|(name, view)| {
        let values = match view.dtype() {
            Dtype::F32 => floats(view.data(), f32::from_le_bytes),
            Dtype::F64 => floats(view.data(), |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => floats(view.data(), |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => floats(view.data(), |bytes| bf16::from_le_bytes(bytes).to_f32()),
            _ => return None,
        };
        let shape = view.shape().to_vec();
        Some((name, Array { shape, values }))
    });
    Ok(floats.collect())
}

fn read_pytorch(path: &Path, length: u64) -> Result<Tensors, ReadProblem> {
    let copy = without_spare_records(path).map_err(damaged)?;
    let readable = copy.as_ref().map_or(path, NamedTempFile::path);
    let file = File::open(readable).map_err(damaged)?;
    vet(file)?;
    let reader = PytorchReader::new(readable).map_err(|error| match error {
        PytorchError::InvalidFormat(reason) => ReadProblem::NoStateDict(reason),
        error => damaged(error),
    })?;
    let mut left = length.saturating_mul(SHARING);
    let mut tensors = Tensors::new();
    for (name, tensor) in reader
        .into_tensors()
        .into_iter()
        .collect::<BTreeMap<_, _>>()
    {
        let decode: fn(&[u8]) -> Vec<f32> = match tensor.dtype() {
            DType::F32 => |bytes| floats(bytes, f32::from_ne_bytes),
            DType::F64 => |bytes| floats(bytes, |bytes| f64::from_ne_bytes(bytes) as f32),
            DType::F16 => |bytes| floats(bytes, |bytes| f16::from_ne_bytes(bytes).to_f32()),
            DType::BF16 => |bytes| floats(bytes, |bytes| bf16::from_ne_bytes(bytes).to_f32()),
            _ => continue,
        };
        // A view can repeat a number as often as it likes, so shapes need a bound of their own.
        let size = tensor.byte_len() as u64;
        left = left
            .checked_sub(size)
            .ok_or_else(|| ReadProblem::TooLarge {
                tensor: name.clone(),
                shape: tensor.shape().to_vec(),
                bytes: length,
            })?;
        let bytes = tensor.read().map_err(damaged)?;
        let (shape, values) = (tensor.shape().to_vec(), decode(&bytes));
        tensors.insert(name, Array { shape, values });
    }
    Ok(tensors)
}

fn floats<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| decode(*chunk)).collect()
}
