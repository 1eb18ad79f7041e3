//! From a file to named arrays of f32, never more memory than the file's length accounts for.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::tensor::{bf16, f16};
use model::state::Array;
use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::{Dtype, SafeTensors};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::archive::without_spare_records;
use super::vet::{VetError, vet};

/// How often a number of the file may be used: files hold averaged copies of a network beside it,
/// which share what did not change.
const SHARING: u64 = 4;

/// Longest file, many times the largest generator.
const MAX_BYTES: u64 = 4 << 30;

/// Floating point tensors by their names in the file.
pub type Tensors = BTreeMap<String, Array>;

/// A file whose tensors cannot be had.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("{path}: cannot be read ({source}); check path and permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: is not a file; give the .pth or .safetensors of a generator")]
    NotAFile { path: PathBuf },
    #[error(
        "{path}: has {bytes} bytes, a generator's weights have no more than {MAX_BYTES}; save the \
         generator alone: torch.save(net.state_dict(), …)"
    )]
    TooLong { path: PathBuf, bytes: u64 },
    #[error("{path}: {source}")]
    Vet { path: PathBuf, source: VetError },
    #[error("{path}: it is damaged or was cut short ({reason}); copy or download it again")]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "{path}: no weights can be read from it ({reason}); give the file of \
         torch.save(net.state_dict(), …), or copy it again if it is one"
    )]
    NoStateDict { path: PathBuf, reason: String },
    #[error(
        "{path}: tensor \"{tensor}\" claims the shape {shape:?} in a file of {bytes} bytes; the \
         file is damaged, copy or download it again"
    )]
    TooLarge {
        path: PathBuf,
        tensor: String,
        shape: Vec<usize>,
        bytes: u64,
    },
    #[error(
        "{path}: tensor \"{tensor}\" holds NaN or infinite values, so its training diverged; use \
         an earlier epoch"
    )]
    NotFinite { path: PathBuf, tensor: String },
}

/// Every floating point tensor of a `.pth` or `.safetensors` file, as f32; whole numbers, such
/// as counters of batches, are left out. Tensors in dictionaries have their paths as names,
/// `netG.model.1.weight`.
pub fn read_tensors(path: &Path) -> Result<Tensors, ReadError> {
    let io = |source| ReadError::Io {
        path: path.to_path_buf(),
        source,
    };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        let path = path.to_path_buf();
        return Err(ReadError::NotAFile { path });
    }
    if metadata.len() > MAX_BYTES {
        return Err(ReadError::TooLong {
            path: path.to_path_buf(),
            bytes: metadata.len(),
        });
    }
    let mut file = File::open(path).map_err(io)?;
    let tensors = match Format::of(path, &mut file).map_err(io)? {
        Format::Safetensors => read_safetensors(path, &fs::read(path).map_err(io)?),
        Format::NamedSafetensors => Err(damaged(path, "no table of tensors at its beginning")),
        Format::Pytorch => read_pytorch(path, metadata.len()),
    }?;
    if tensors.is_empty() {
        return Err(no_state_dict(path, "no floating point tensor".to_string()));
    }
    let diverged = tensors
        .iter()
        .find(|(_, array)| !array.values.iter().all(|value| value.is_finite()));
    match diverged {
        Some((tensor, _)) => Err(ReadError::NotFinite {
            path: path.to_path_buf(),
            tensor: tensor.clone(),
        }),
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
    fn of(path: &Path, file: &mut File) -> std::io::Result<Self> {
        let mut start = Vec::new();
        file.take(9).read_to_end(&mut start)?;
        let ending = path.extension().unwrap_or_default();
        Ok(match start.get(8) == Some(&b'{') {
            true => Self::Safetensors,
            false if ending.eq_ignore_ascii_case("safetensors") => Self::NamedSafetensors,
            false => Self::Pytorch,
        })
    }
}

fn damaged(path: &Path, reason: impl ToString) -> ReadError {
    ReadError::Damaged {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn no_state_dict(path: &Path, reason: String) -> ReadError {
    ReadError::NoStateDict {
        path: path.to_path_buf(),
        reason,
    }
}

fn read_safetensors(path: &Path, bytes: &[u8]) -> Result<Tensors, ReadError> {
    // The library compares every shape with the bytes that are there.
    let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(path, error))?;
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

fn read_pytorch(path: &Path, length: u64) -> Result<Tensors, ReadError> {
    let copy = without_spare_records(path).map_err(|error| damaged(path, error))?;
    let readable = copy.as_ref().map_or(path, NamedTempFile::path);
    let file = File::open(readable).map_err(|error| damaged(path, error))?;
    vet(file).map_err(|source| ReadError::Vet {
        path: path.to_path_buf(),
        source,
    })?;
    let reader = PytorchReader::new(readable).map_err(|error| match error {
        PytorchError::InvalidFormat(reason) => no_state_dict(path, reason),
        error => damaged(path, error),
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
        left = left.checked_sub(size).ok_or_else(|| ReadError::TooLarge {
            path: path.to_path_buf(),
            tensor: name.clone(),
            shape: tensor.shape().to_vec(),
            bytes: length,
        })?;
        let bytes = tensor.read().map_err(|error| damaged(path, error))?;
        let (shape, values) = (tensor.shape().to_vec(), decode(&bytes));
        tensors.insert(name, Array { shape, values });
    }
    Ok(tensors)
}

fn floats<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| decode(*chunk)).collect()
}
