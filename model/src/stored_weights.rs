//! Tensors as a weights file holds them, each expanded when its turn comes: a network that is made
//! layer by layer never has all of them twice.

use std::collections::BTreeMap;

use burn_pack::{Bytes, DType, Tensor};
use half::f16;

use crate::state::{Array, StateDict};
use crate::weights::WeightsError;

/// Suffix of the tensor that holds the scales of an 8-bit tensor.
pub(crate) const SCALE_SUFFIX: &str = ".scale";
/// Bytes that are worked on in one call: a browser's faster code for a function begins with the
/// next call of it.
pub(crate) const PART: usize = 1 << 16;

/// A network's tensors by name.
#[derive(Debug, Default)]
pub struct StoredWeights(BTreeMap<String, Stored>);

#[derive(Debug)]
enum Stored {
    Expanded(Array),
    Packed {
        shape: Vec<usize>,
        dtype: DType,
        data: Bytes,
        scales: Option<Bytes>,
    },
}

impl From<StateDict> for StoredWeights {
    fn from(state: StateDict) -> Self {
        let stored = state.into_iter();
        Self(
            stored
                .map(|(name, array)| (name, Stored::Expanded(array)))
                .collect(),
        )
    }
}

impl StoredWeights {
    /// What a container holds.
    pub(crate) fn new(tensors: Vec<Tensor>) -> Result<Self, WeightsError> {
        let mut stored = BTreeMap::new();
        let mut quantised = Vec::new();
        for tensor in tensors {
            let (name, dtype, shape, _, data) =
                tensor.into_parts().map_err(|error| container(&error))?;
            let shape = shape.to_vec();
            let size = match dtype {
                DType::F32 => 4,
                DType::F16 => 2,
                DType::I8 => 1,
                other => {
                    let problem =
                        format!("\"{name}\" is stored as {other:?}; f32, f16 and i8 are known");
                    return Err(WeightsError::Container(problem));
                }
            };
            let mut sides = shape.iter();
            let bytes = sides.try_fold(size, |count: usize, side| count.checked_mul(*side));
            if bytes != Some(data.len()) {
                let problem = format!(
                    "\"{name}\" claims shape {shape:?} and has {} bytes",
                    data.len()
                );
                return Err(WeightsError::Container(problem));
            }
            if dtype == DType::I8 {
                quantised.push(name.clone());
            }
            let packed = Stored::Packed {
                shape,
                dtype,
                data,
                scales: None,
            };
            stored.insert(name, packed);
        }
        for name in quantised {
            let found = stored.remove(&format!("{name}{SCALE_SUFFIX}"));
            let Some(Stored::Packed {
                data: found,
                dtype: DType::F32,
                ..
            }) = found
            else {
                return Err(WeightsError::Container(format!("\"{name}\" has no scales")));
            };
            if let Some(Stored::Packed { scales, .. }) = stored.get_mut(&name) {
                *scales = Some(found);
            }
        }
        Ok(Self(stored))
    }

    /// Expands a tensor and forgets it; `None` if there is none of this name.
    ///
    /// # Errors
    /// [`WeightsError::Container`] if it contradicts itself, or its file has gone.
    pub fn take(&mut self, name: &str) -> Result<Option<Array>, WeightsError> {
        self.0
            .remove(name)
            .map(|stored| stored.expand(name))
            .transpose()
    }

    /// Numbers in all tensors.
    pub fn values(&self) -> usize {
        let shape = |stored: &Stored| match stored {
            Stored::Expanded(array) => array.values.len(),
            Stored::Packed { shape, .. } => shape.iter().product(),
        };
        self.0.values().map(shape).sum()
    }

    /// Name of a tensor that has not been taken.
    pub fn left(&self) -> Option<&str> {
        self.0.keys().next().map(String::as_str)
    }

    /// Expands all tensors.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn into_state(self) -> Result<StateDict, WeightsError> {
        let stored = self.0.into_iter();
        let expanded = stored.map(|(name, stored)| {
            let array = stored.expand(&name)?;
            Ok((name, array))
        });
        expanded.collect()
    }
}

impl Stored {
    fn expand(self, name: &str) -> Result<Array, WeightsError> {
        let (shape, dtype, data, scales) = match self {
            Self::Expanded(array) => return Ok(array),
            Self::Packed {
                shape,
                dtype,
                data,
                scales,
            } => (shape, dtype, data, scales),
        };
        let bytes = bytes_of(name, &data)?;
        let values = match &scales {
            Some(scales) => {
                let scales = floats(DType::F32, bytes_of(name, scales)?);
                dequantised(name, &shape, bytes, &scales)?
            }
            None => floats(dtype, bytes),
        };
        Ok(Array { shape, values })
    }
}

fn container(error: &dyn std::fmt::Display) -> WeightsError {
    WeightsError::Container(error.to_string())
}

/// What a tensor's bytes are, read from their file now if they come from one: it may have gone.
fn bytes_of<'a>(name: &str, data: &'a Bytes) -> Result<&'a [u8], WeightsError> {
    let failed = |error| WeightsError::Container(format!("\"{name}\" cannot be read: {error}"));
    data.read(Default::default()).map_err(failed)
}

fn dequantised(
    name: &str,
    shape: &[usize],
    values: &[u8],
    scales: &[f32],
) -> Result<Vec<f32>, WeightsError> {
    let slices = shape.first().copied().unwrap_or(0);
    if slices == 0 || scales.len() != slices {
        let problem = format!("\"{name}\" has {} scales for shape {shape:?}", scales.len());
        return Err(WeightsError::Container(problem));
    }
    let length = (values.len() / slices).max(1);
    let mut expanded = Vec::with_capacity(values.len());
    for (slice, scale) in values.chunks(length).zip(scales) {
        expanded.extend(slice.iter().map(|&byte| f32::from(byte as i8) * scale));
    }
    Ok(expanded)
}

/// Numbers of f32 or f16.
fn floats(dtype: DType, data: &[u8]) -> Vec<f32> {
    let (size, add): (usize, AddPart) = match dtype {
        DType::F16 => (2, add_f16),
        _ => (4, add_f32),
    };
    let mut values = Vec::with_capacity(data.len() / size);
    for part in data.chunks(PART) {
        add(&mut values, part);
    }
    values
}

type AddPart = fn(&mut Vec<f32>, &[u8]);

fn add_f32(values: &mut Vec<f32>, data: &[u8]) {
    let numbers = data.as_chunks::<4>().0;
    values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
}

fn add_f16(values: &mut Vec<f32>, data: &[u8]) {
    let numbers = data.as_chunks::<2>().0;
    values.extend(
        numbers
            .iter()
            .map(|bytes| f16::from_le_bytes(*bytes).to_f32()),
    );
}
