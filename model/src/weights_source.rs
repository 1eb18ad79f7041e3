//! Where the bytes of a weights file lie, and which tensors are where among them. The container is
//! burn's; its own reader would have the whole file in memory wherever there is no file system.

use std::collections::BTreeMap;
#[cfg(not(target_family = "wasm"))]
use std::fs::File;
#[cfg(not(target_family = "wasm"))]
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use burn_pack::{
    DType, FORMAT_VERSION, HEADER_SIZE, Header, MAX_CBOR_RECURSION_DEPTH,
    aligned_data_section_start,
};
use serde::Deserialize;

use crate::weights::WeightsError;

/// The bytes of a file, read when they are needed.
pub trait WeightsSource {
    /// Bytes in all.
    fn size(&self) -> u64;

    /// Fills `bytes` with those that begin at `start`.
    ///
    /// # Errors
    /// A sentence's part that says why there are none: the file has gone, or ends before.
    fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), String>;
}

impl WeightsSource for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), String> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let rest = self.get(start..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(rest.ok_or("they end before")?);
        Ok(())
    }
}

/// A file on disk, which stays open.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug)]
pub struct WeightsOnDisk {
    file: File,
    size: u64,
}

#[cfg(not(target_family = "wasm"))]
impl WeightsOnDisk {
    /// Takes an open file.
    ///
    /// # Errors
    /// Its size cannot be told.
    pub fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

#[cfg(not(target_family = "wasm"))]
impl WeightsSource for WeightsOnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), String> {
        let sought = self.file.seek(SeekFrom::Start(start));
        let read = sought.and_then(|_| self.file.read_exact(bytes));
        read.map_err(|error| error.to_string())
    }
}

/// How a tensor is stored.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub dtype: DType,
    pub shape: Vec<usize>,
    /// Of the file.
    pub bytes: Range<u64>,
}

impl Entry {
    /// Numbers in it.
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }
}

#[derive(Deserialize)]
struct Metadata {
    tensors: BTreeMap<String, Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    dtype: DType,
    shape: Vec<u64>,
    /// From the start of the section of data.
    data_offsets: (u64, u64),
}

/// The tensors of a container by name, each checked to lie within the file and to have the bytes
/// of its shape.
pub(crate) fn contents(
    source: &mut impl WeightsSource,
) -> Result<BTreeMap<String, Entry>, WeightsError> {
    let refused = |problem: &str| WeightsError::Container(problem.to_owned());
    let unreadable = WeightsError::Container;
    let mut header = [0; HEADER_SIZE];
    source.read_at(0, &mut header).map_err(unreadable)?;
    let header = Header::from_bytes(&header).map_err(|error| refused(&error.to_string()))?;
    if header.version > FORMAT_VERSION {
        return Err(refused("the container is of a later version"));
    }
    // The size is a claim, for which no memory is taken before the file is known to have it.
    if HEADER_SIZE as u64 + u64::from(header.metadata_size) > source.size() {
        return Err(refused("the file ends within its table of tensors"));
    }
    let length = header.metadata_size as usize;
    let mut metadata = vec![0; length];
    let read = source.read_at(HEADER_SIZE as u64, &mut metadata);
    read.map_err(unreadable)?;
    let metadata: Metadata = ciborium::de::from_reader_with_recursion_limit(
        metadata.as_slice(),
        MAX_CBOR_RECURSION_DEPTH,
    )
    .map_err(|error| refused(&error.to_string()))?;
    let start = aligned_data_section_start(length) as u64;
    let tensors = metadata.tensors.into_iter();
    let entries = tensors.map(|(name, descriptor)| {
        let entry = entry(&name, descriptor, start, source.size())?;
        Ok((name, entry))
    });
    entries.collect()
}

fn entry(name: &str, descriptor: Descriptor, start: u64, file: u64) -> Result<Entry, WeightsError> {
    let Descriptor {
        dtype,
        shape,
        data_offsets: (first, end),
    } = descriptor;
    let size = match dtype {
        DType::F32 => 4,
        DType::F16 => 2,
        DType::I8 => 1,
        other => {
            let problem = format!("\"{name}\" is stored as {other:?}; f32, f16 and i8 are known");
            return Err(WeightsError::Container(problem));
        }
    };
    let range = first.checked_add(start).zip(end.checked_add(start));
    let range = range.filter(|(first, end)| first <= end && *end <= file);
    let Some((first, end)) = range else {
        let problem = format!("\"{name}\" lies outside the file");
        return Err(WeightsError::Container(problem));
    };
    let bytes = shape
        .iter()
        .try_fold(size, |bytes: u64, side| bytes.checked_mul(*side));
    let sides = shape.iter().map(|&side| usize::try_from(side));
    match sides.collect::<Result<Vec<usize>, _>>() {
        Ok(shape) if bytes == Some(end - first) => Ok(Entry {
            dtype,
            shape,
            bytes: first..end,
        }),
        _ => {
            let bytes = end - first;
            let problem = format!("\"{name}\" claims shape {shape:?} and has {bytes} bytes");
            Err(WeightsError::Container(problem))
        }
    }
}
