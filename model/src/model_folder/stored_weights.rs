//! Tensors as a weights file holds them, each read and expanded when its turn comes: a network
//! that is made layer by layer never has all of them twice.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use burn_pack::DType;

use crate::model_folder::arrays::{Array, StateDict, StateError};
use crate::model_folder::weights_error::WeightsError;
use crate::model_folder::weights_source::{Entry, WeightsSource, contents};

/// Suffix of the tensor that holds the scales of an 8-bit tensor.
pub(crate) const SCALE_SUFFIX: &str = ".scale";
/// Bytes that are worked on in one call: a browser's faster code for a function begins with the
/// next call of it.
pub(crate) const PART: usize = 1 << 16;
/// Bytes that are read at a time.
pub(crate) const READ: usize = 6 << 20;

/// A network's tensors by name.
pub struct StoredWeights(Stored);

enum Stored {
    Expanded(StateDict),
    Packed {
        source: Box<dyn WeightsSource>,
        tensors: BTreeMap<String, Packed>,
    },
}

struct Packed {
    tensor: Entry,
    /// One for each slice of the first dimension of 8-bit values.
    scales: Option<Entry>,
}

impl fmt::Debug for StoredWeights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

impl From<StateDict> for StoredWeights {
    fn from(state: StateDict) -> Self {
        Self(Stored::Expanded(state))
    }
}

impl StoredWeights {
    /// What a container holds; only its table is read.
    ///
    /// # Errors
    /// [`WeightsError::Container`] for anything that is no such container.
    pub fn open(mut source: impl WeightsSource + 'static) -> Result<Self, WeightsError> {
        let mut entries = contents(&mut source)?;
        let quantised = entries.iter().filter(|(_, entry)| entry.dtype == DType::I8);
        let quantised: Vec<String> = quantised.map(|(name, _)| name.clone()).collect();
        let mut tensors = BTreeMap::new();
        for name in quantised {
            let scales = entries.remove(&format!("{name}{SCALE_SUFFIX}"));
            let scales = scales.filter(|scales| scales.dtype == DType::F32);
            let Some((tensor, scales)) = entries.remove(&name).zip(scales) else {
                return Err(WeightsError::Container(format!("\"{name}\" has no scales")));
            };
            let slices = tensor.shape.first().copied().unwrap_or(0);
            if slices == 0 || scales.values() != slices {
                let (scales, shape) = (scales.values(), &tensor.shape);
                let problem = format!("\"{name}\" has {scales} scales for shape {shape:?}");
                return Err(WeightsError::Container(problem));
            }
            let scales = Some(scales);
            tensors.insert(name, Packed { tensor, scales });
        }
        tensors.extend(entries.into_iter().map(|(name, tensor)| {
            let scales = None;
            (name, Packed { tensor, scales })
        }));
        let source = Box::new(source);
        Ok(Self(Stored::Packed { source, tensors }))
    }

    /// Expands a tensor of the shape `expected` and forgets it. One of another shape is refused
    /// before it takes memory.
    ///
    /// # Errors
    /// It is missing or misshapen, has values that are not finite, or its file has gone.
    pub fn take(&mut self, name: &str, expected: &[usize]) -> Result<Array, StateError> {
        let misshapen = |found: &[usize]| StateError::Shape {
            name: name.to_owned(),
            expected: expected.to_vec(),
            found: found.to_vec(),
        };
        let Some(found) = self.shape(name) else {
            return Err(StateError::Missing(name.to_owned()));
        };
        if found != expected {
            return Err(misshapen(found));
        }
        let expanded = self.expand(name);
        let array = expanded.map_err(|error| StateError::Unreadable(error.to_string()))?;
        let array = array.ok_or_else(|| StateError::Missing(name.to_owned()))?;
        if array.values.len() != expected.iter().product::<usize>() {
            return Err(misshapen(&array.shape));
        }
        match array.values.chunks(PART).all(are_finite) {
            true => Ok(array),
            false => Err(StateError::NotFinite(name.to_owned())),
        }
    }

    /// Compares names and shapes with those that a network has, and expands nothing.
    ///
    /// # Errors
    /// Missing, unknown or misshapen tensors.
    pub fn check_shapes(&self, shapes: &BTreeMap<String, Vec<usize>>) -> Result<(), StateError> {
        for (name, expected) in shapes {
            match self.shape(name) {
                None => return Err(StateError::Missing(name.clone())),
                Some(found) if found != expected => {
                    return Err(StateError::Shape {
                        name: name.clone(),
                        expected: expected.clone(),
                        found: found.to_vec(),
                    });
                }
                Some(_) => {}
            }
        }
        let mut names = self.names().into_iter();
        match names.find(|name| !shapes.contains_key(*name)) {
            Some(name) => Err(StateError::Unknown(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Whether a tensor is stored in 8 bits.
    pub(crate) fn has_8_bits(&self, name: &str) -> bool {
        match &self.0 {
            Stored::Expanded(_) => false,
            Stored::Packed { tensors, .. } => {
                let packed = tensors.get(name);
                packed.is_some_and(|packed| packed.scales.is_some())
            }
        }
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        match &self.0 {
            Stored::Expanded(state) => state.get(name).map(|array| array.shape.as_slice()),
            Stored::Packed { tensors, .. } => {
                let packed = tensors.get(name);
                packed.map(|packed| packed.tensor.shape.as_slice())
            }
        }
    }

    fn expand(&mut self, name: &str) -> Result<Option<Array>, WeightsError> {
        match &mut self.0 {
            Stored::Expanded(state) => Ok(state.remove(name)),
            Stored::Packed { source, tensors } => {
                let packed = tensors.remove(name);
                let expanded = packed.map(|packed| packed.expand(source.as_mut()));
                expanded.transpose().map_err(|error| {
                    WeightsError::Container(format!("\"{name}\" cannot be read: {error}"))
                })
            }
        }
    }

    /// Numbers in all tensors, of which none is expanded for it.
    pub fn values(&self) -> usize {
        self.values_where(|_| true)
    }

    /// Numbers in the tensors whose names `counts` says yes to.
    pub fn values_where(&self, counts: impl Fn(&str) -> bool) -> usize {
        let shapes = self.names().into_iter().filter(|name| counts(name));
        let shapes = shapes.filter_map(|name| self.shape(name));
        shapes.map(|shape| shape.iter().product::<usize>()).sum()
    }

    /// Names of the tensors that have not been taken.
    pub fn names(&self) -> Vec<&str> {
        match &self.0 {
            Stored::Expanded(state) => state.keys().map(String::as_str).collect(),
            Stored::Packed { tensors, .. } => tensors.keys().map(String::as_str).collect(),
        }
    }

    /// Expands all tensors.
    #[cfg(test)]
    pub(crate) fn into_state(mut self) -> Result<StateDict, WeightsError> {
        let names = self.names();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut state = StateDict::new();
        for name in names {
            if let Some(array) = self.expand(&name)? {
                state.insert(name, array);
            }
        }
        Ok(state)
    }
}

impl Packed {
    fn expand(self, source: &mut dyn WeightsSource) -> Result<Array, String> {
        let scales = match &self.scales {
            Some(scales) => expanded(scales, source, add_f32)?,
            None => Vec::new(),
        };
        let Entry { dtype, shape, .. } = &self.tensor;
        let slice = self.tensor.values() / shape.first().copied().unwrap_or(1).max(1);
        let values = match dtype {
            DType::I8 => expanded(&self.tensor, source, |values, part| {
                add_scaled(values, part, &scales, slice);
            }),
            DType::F16 => expanded(&self.tensor, source, add_f16),
            _ => expanded(&self.tensor, source, add_f32),
        };
        Ok(Array {
            values: values?,
            shape: self.tensor.shape,
        })
    }
}

/// The numbers that `add` makes of a tensor's bytes.
fn expanded(
    tensor: &Entry,
    source: &mut dyn WeightsSource,
    add: impl Fn(&mut Vec<f32>, &[u8]),
) -> Result<Vec<f32>, String> {
    let Range { start, end } = tensor.bytes;
    let mut values = Vec::with_capacity(tensor.values());
    let mut bytes = vec![0; READ.min((end - start) as usize)];
    for start in (start..end).step_by(READ) {
        bytes.truncate((end - start) as usize);
        source.read_at(start, &mut bytes)?;
        for part in bytes.chunks(PART) {
            add(&mut values, part);
        }
    }
    Ok(values)
}

/// Of magnitudes as integers, which are compared four at a time.
#[inline(never)]
fn are_finite(values: &[f32]) -> bool {
    let magnitudes = values.iter().map(|value| value.abs().to_bits());
    magnitudes.fold(0, u32::max) < f32::INFINITY.to_bits()
}

#[inline(never)]
fn add_f32(values: &mut Vec<f32>, part: &[u8]) {
    let numbers = part.as_chunks::<4>().0;
    values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
}

#[inline(never)]
fn add_f16(values: &mut Vec<f32>, part: &[u8]) {
    let numbers = part.as_chunks::<2>().0;
    values.extend(
        numbers
            .iter()
            .map(|bytes| from_f16(u16::from_le_bytes(*bytes))),
    );
}

/// `values` so far tell which slices the `part` belongs to.
#[inline(never)]
fn add_scaled(values: &mut Vec<f32>, mut part: &[u8], scales: &[f32], slice: usize) {
    while !part.is_empty() {
        let scale = scales.get(values.len() / slice).copied().unwrap_or(0.0);
        let rest = slice - values.len() % slice;
        let (same, others) = part.split_at(rest.min(part.len()));
        values.extend(same.iter().map(|&byte| f32::from(byte as i8) * scale));
        part = others;
    }
}

/// Without a branch, so that it is done four at a time.
fn from_f16(bits: u16) -> f32 {
    /// What the exponents' biases differ by.
    const SCALE: f32 = f32::from_bits((127 + 127 - 15) << 23);
    const INFINITE: u32 = 0x7c00 << 13;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    let finite = (f32::from_bits(magnitude) * SCALE).to_bits();
    let value = match magnitude < INFINITE {
        true => finite,
        false => magnitude | f32::INFINITY.to_bits(),
    };
    f32::from_bits(value | u32::from(bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn sixteen_bits_become_the_same_numbers_as_the_half_crate_makes() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (from_f16(bits), f16::from_bits(bits).to_f32());
            let same = ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan();
            assert!(same, "{bits:#06x}: {ours} for {theirs}");
        }
    }
}
