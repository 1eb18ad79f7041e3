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

use crate::model_folder::weights_error::WeightsError;

/// Longest table of tensors; those of the largest networks here have 20 thousand bytes, and what
/// is read of it takes a multiple of this.
const MAX_TABLE_BYTES: u32 = 1 << 20;

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

/// The tensors of a container by name, each checked to lie within the file, to have the bytes of
/// its shape, and to share none of them with another: expanded, they take no more than a multiple
/// of the file.
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
    if header.metadata_size > MAX_TABLE_BYTES {
        return Err(refused(
            "its table of tensors is longer than any network needs",
        ));
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
    let entries = entries.collect::<Result<_, WeightsError>>()?;
    refuse_overlaps(&entries)?;
    Ok(entries)
}

fn refuse_overlaps(entries: &BTreeMap<String, Entry>) -> Result<(), WeightsError> {
    let mut ranges: Vec<_> = entries
        .iter()
        .filter(|(_, entry)| !entry.bytes.is_empty())
        .map(|(name, entry)| (entry.bytes.start, entry.bytes.end, name))
        .collect();
    ranges.sort_unstable();
    let overlap = ranges.windows(2).find(|pair| pair[0].1 > pair[1].0);
    match overlap {
        Some(pair) => {
            let (one, other) = (pair[0].2, pair[1].2);
            let problem = format!("\"{one}\" and \"{other}\" share bytes of the file");
            Err(WeightsError::Container(problem))
        }
        None => Ok(()),
    }
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
    let lengths = shape.iter().map(|&length| usize::try_from(length));
    match lengths.collect::<Result<Vec<usize>, _>>() {
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

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::model_folder::stored_weights::StoredWeights;

    #[derive(Serialize)]
    struct Table {
        tensors: BTreeMap<String, Listed>,
    }

    #[derive(Serialize)]
    struct Listed {
        dtype: DType,
        shape: Vec<u64>,
        data_offsets: (u64, u64),
    }

    /// A container whose table names vectors of f32 at these bytes of `length` zeros.
    fn container(vectors: &[(u64, u64)], length: usize) -> Vec<u8> {
        let listed = vectors.iter().enumerate().map(|(index, &data_offsets)| {
            let (first, end) = data_offsets;
            let listed = Listed {
                dtype: DType::F32,
                shape: vec![(end - first) / 4],
                data_offsets,
            };
            (format!("vector {index}"), listed)
        });
        let tensors = listed.collect();
        let mut table = Vec::new();
        ciborium::into_writer(&Table { tensors }, &mut table).expect("CBOR");
        let mut file = Header::new(table.len() as u32).into_bytes().to_vec();
        file.extend(&table);
        file.resize(aligned_data_section_start(table.len()) + length, 0);
        file
    }

    #[test]
    fn tensors_that_share_bytes_are_refused_before_any_is_expanded() {
        let beside = container(&[(0, 400), (400, 800), (800, 800), (800, 1000)], 1000);
        let opened = StoredWeights::open(beside).expect("each has bytes of its own");
        assert_eq!(opened.values(), 250);
        for shared in [
            // A thousand times the file.
            vec![(0, 1000); 1000],
            vec![(0, 600), (400, 1000)],
            vec![(0, 1000), (400, 600)],
        ] {
            let refused = StoredWeights::open(container(&shared, 1000)).expect_err("shared");
            assert!(refused.to_string().contains("share bytes"), "{refused}");
        }
        assert!(StoredWeights::open(container(&[(0, 1004)], 1000)).is_err());
    }

    #[test]
    fn a_table_that_no_network_needs_is_refused_before_it_is_read() {
        let many: Vec<_> = (0..40_000)
            .map(|index| (4 * index, 4 * index + 4))
            .collect();
        let refused = StoredWeights::open(container(&many, 160_000)).expect_err("too long");
        assert!(refused.to_string().contains("longer than any"), "{refused}");
    }

    #[test]
    fn a_tensor_of_another_shape_is_refused_before_it_takes_memory() {
        /// Says so if somebody reads tensors of it.
        struct Untouched(Vec<u8>, u64);

        impl WeightsSource for Untouched {
            fn size(&self) -> u64 {
                self.0.size()
            }

            fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), String> {
                match start < self.1 {
                    true => self.0.read_at(start, bytes),
                    false => Err("it was read".to_string()),
                }
            }
        }

        let file = container(&[(0, 1000)], 1000);
        let start = file.len() as u64 - 1000;
        let mut weights = StoredWeights::open(Untouched(file, start)).expect("a table");
        let message = |shape: &[usize], weights: &mut StoredWeights| {
            let taken = weights.take("vector 0", shape);
            taken.expect_err("refused").to_string()
        };
        assert!(message(&[4], &mut weights).contains("[250]"));
        assert!(message(&[250], &mut weights).contains("it was read"));
    }
}
