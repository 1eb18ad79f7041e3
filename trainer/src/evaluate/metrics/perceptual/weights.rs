//! Weights files of the networks that judge: tensors by name, taken one by one, none left over.
//! What networks they make is not known here.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use model::state::{Array, StateError};
use thiserror::Error;

use crate::pytorch::{ReadError, Tensors, read_tensors};

/// Shortest side of an image of which AlexNet's second pooling leaves a pixel.
pub(super) const SMALLEST_SIDE: usize = 31;

/// Why images cannot be judged by a network.
#[derive(Debug, Error)]
pub enum PerceptualError {
    #[error("{flag} {source}; it takes {expected}")]
    Read {
        flag: &'static str,
        source: Box<ReadError>,
        expected: &'static str,
    },
    #[error("{flag} {files}: {source}; it takes {expected}")]
    State {
        flag: &'static str,
        files: String,
        source: Box<StateError>,
        expected: &'static str,
    },
    #[error(
        "--lpips-weights and --fid-weights judge grey and RGB images, these have {0} channels; \
         leave the flags out"
    )]
    Channels(usize),
    #[error(
        "--lpips-weights: the network needs images of at least {side} × {side} pixels, this one \
         has {width} × {height}; raise --size",
        side = SMALLEST_SIDE
    )]
    TooSmall { width: usize, height: usize },
}

/// A kind of weights file.
#[derive(Clone, Copy)]
pub(super) struct WeightsKind {
    pub flag: &'static str,
    pub expected: &'static str,
}

/// Tensors of one or more files.
pub(super) struct NamedWeights {
    tensors: Tensors,
    device: Device,
}

impl NamedWeights {
    pub fn new(tensors: Tensors, device: &Device) -> Self {
        let device = device.clone();
        Self { tensors, device }
    }

    /// Gives tensors other names; leaves those out that get none.
    pub fn renamed(self, name: impl Fn(&str) -> Option<String>) -> Self {
        let tensors = self.tensors.into_iter();
        let renamed = tensors.filter_map(|(old, array)| Some((name(&old)?, array)));
        Self {
            tensors: renamed.collect(),
            device: self.device,
        }
    }

    /// Takes a tensor that must be there, of this shape.
    pub fn take<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Tensor<D>, StateError> {
        let values = self.take_values(name, &shape)?;
        Ok(self.tensor(values, shape))
    }

    /// As [`take`](Self::take), its numbers.
    pub fn take_values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StateError> {
        let Array {
            shape: found,
            values,
        } = self
            .tensors
            .remove(name)
            .ok_or_else(|| StateError::Missing(name.to_string()))?;
        match found == shape {
            true => Ok(values),
            false => Err(StateError::Shape {
                name: name.to_string(),
                expected: shape.to_vec(),
                found,
            }),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    /// Refuses tensors that nobody took: they are of another network.
    pub fn finish(self) -> Result<(), StateError> {
        match self.tensors.into_keys().next() {
            Some(name) => Err(StateError::Unknown(name)),
            None => Ok(()),
        }
    }
}

/// Makes a network of the tensors in `files`.
pub(super) fn load<T>(
    kind: WeightsKind,
    files: &[PathBuf],
    device: &Device,
    make: impl FnOnce(NamedWeights) -> Result<T, StateError>,
) -> Result<T, PerceptualError> {
    let WeightsKind { flag, expected } = kind;
    let mut tensors = Tensors::new();
    for file in files {
        let found = read_tensors(file).map_err(|source| PerceptualError::Read {
            flag,
            source: source.into(),
            expected,
        })?;
        tensors.extend(found);
    }
    make(NamedWeights::new(tensors, device)).map_err(|source| {
        let named = |file: &PathBuf| Path::display(file).to_string();
        PerceptualError::State {
            flag,
            files: files.iter().map(named).collect::<Vec<_>>().join(" and "),
            source: source.into(),
            expected,
        }
    })
}
