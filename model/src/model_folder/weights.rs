//! A generator's weights as one file: f32, f16, or 8 bits per value with a scale per channel,
//! in a burnpack container. Integrity is checked before anything is decoded.

#[cfg(not(target_family = "wasm"))]
use std::fs::File;
#[cfg(not(target_family = "wasm"))]
use std::path::Path;

use burn_pack::{Bytes, DType, Tensor, Writer};
use half::f16;
use sha2::{Digest, Sha256};

use crate::model_folder::arrays::{Array, StateDict};
use crate::model_folder::manifest::{WeightsDtype, WeightsFile};
#[cfg(not(target_family = "wasm"))]
use crate::model_folder::stored_weights::StoredWeights;
use crate::model_folder::stored_weights::{PART, READ, SCALE_SUFFIX};
use crate::model_folder::weights_error::WeightsError;
#[cfg(not(target_family = "wasm"))]
use crate::model_folder::weights_source::WeightsOnDisk;
use crate::model_folder::weights_source::WeightsSource;

/// Largest magnitude of an 8-bit value.
const Q8_MAX: f32 = 127.0;

/// SHA-256 of `bytes`, as 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in bytes.chunks(PART) {
        digest.update(part);
    }
    hex(digest.finalize().as_slice())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares a weights file with its manifest entry while its bytes come.
#[derive(Debug)]
pub struct Verifier<'a> {
    file: &'a WeightsFile,
    digest: Sha256,
}

impl<'a> Verifier<'a> {
    /// Of a file that has `length` bytes.
    ///
    /// # Errors
    /// [`WeightsError::Length`].
    pub fn new(file: &'a WeightsFile, length: u64) -> Result<Self, WeightsError> {
        if length != file.bytes {
            let (expected, found) = (file.bytes, length);
            return Err(WeightsError::Length { expected, found });
        }
        let digest = Sha256::new();
        Ok(Self { file, digest })
    }

    /// Takes the file's next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(PART) {
            self.digest.update(part);
        }
    }

    /// All bytes have come.
    ///
    /// # Errors
    /// [`WeightsError::Checksum`].
    pub fn finish(self) -> Result<(), WeightsError> {
        let found = hex(self.digest.finalize().as_slice());
        if found.eq_ignore_ascii_case(&self.file.sha256) {
            return Ok(());
        }
        let expected = self.file.sha256.clone();
        Err(WeightsError::Checksum { expected, found })
    }
}

/// Checks length and SHA-256 of a weights file against its manifest entry.
///
/// # Errors
/// [`WeightsError::Length`] and [`WeightsError::Checksum`], and what the source says.
pub fn verify(source: &mut impl WeightsSource, file: &WeightsFile) -> Result<(), WeightsError> {
    let size = source.size();
    let mut verifier = Verifier::new(file, size)?;
    let mut bytes = vec![0; READ];
    for start in (0..size).step_by(READ) {
        bytes.truncate(usize::try_from(size - start).unwrap_or(READ));
        let read = source.read_at(start, &mut bytes);
        read.map_err(WeightsError::Container)?;
        verifier.update(&bytes);
    }
    verifier.finish()
}

/// Checks a weights file on disk and opens it. The file is never in memory as a whole.
///
/// # Errors
/// As [`verify`] and [`StoredWeights::open`], and [`WeightsError::Read`].
#[cfg(not(target_family = "wasm"))]
pub fn open_file(path: &Path, file: &WeightsFile) -> Result<StoredWeights, WeightsError> {
    let mut source = WeightsOnDisk::new(File::open(path)?)?;
    verify(&mut source, file)?;
    StoredWeights::open(source)
}

/// The weights file of a network, and its entry in a manifest.
///
/// # Errors
/// As [`encode`].
pub fn packed(
    state: &StateDict,
    dtype: WeightsDtype,
) -> Result<(WeightsFile, Vec<u8>), WeightsError> {
    let bytes = encode(state, dtype)?;
    let file = WeightsFile {
        path: dtype.file_name(),
        dtype,
        bytes: bytes.len() as u64,
        sha256: sha256_hex(&bytes),
    };
    Ok((file, bytes))
}

/// Packs a network's numbers.
///
/// # Errors
/// [`WeightsError::Write`] when the container cannot be written.
pub fn encode(state: &StateDict, dtype: WeightsDtype) -> Result<Vec<u8>, WeightsError> {
    let tensors = state
        .iter()
        .flat_map(|(name, array)| encode_array(name, array, dtype))
        .collect();
    let packed = Writer::new(tensors)
        .into_bytes()
        .map_err(|error| WeightsError::Write(error.to_string()))?;
    Ok(packed.to_vec())
}

fn encode_array(name: &str, array: &Array, dtype: WeightsDtype) -> Vec<Tensor> {
    let shape = array.shape.clone();
    let pack = |name: String, dtype, shape: Vec<usize>, bytes| {
        Tensor::new(name, dtype, shape, None, Bytes::from_bytes_vec(bytes))
    };
    match dtype {
        WeightsDtype::F16 => {
            let bytes = array
                .values
                .iter()
                .flat_map(|&value| f16::from_f32(value).to_le_bytes());
            vec![pack(name.to_string(), DType::F16, shape, bytes.collect())]
        }
        WeightsDtype::Q8 if shape.len() > 1 => {
            let (values, scales) = quantise(array);
            let scale_shape = vec![scales.len()];
            vec![
                pack(name.to_string(), DType::I8, shape, values),
                pack(
                    format!("{name}{SCALE_SUFFIX}"),
                    DType::F32,
                    scale_shape,
                    f32_bytes(&scales),
                ),
            ]
        }
        _ => vec![pack(
            name.to_string(),
            DType::F32,
            shape,
            f32_bytes(&array.values),
        )],
    }
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Each slice of the first dimension is divided by its largest magnitude over 127.
fn quantise(array: &Array) -> (Vec<u8>, Vec<f32>) {
    let slices = array.shape.first().copied().unwrap_or(1).max(1);
    let length = (array.values.len() / slices).max(1);
    let mut bytes = Vec::with_capacity(array.values.len());
    let mut scales = Vec::with_capacity(slices);
    for slice in array.values.chunks(length) {
        let largest = slice.iter().fold(0.0f32, |max, value| max.max(value.abs()));
        let scale = if largest > 0.0 { largest / Q8_MAX } else { 1.0 };
        scales.push(scale);
        bytes.extend(
            slice
                .iter()
                .map(|value| (value / scale).round() as i8 as u8),
        );
    }
    (bytes, scales)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: Vec<u8>) -> Result<StateDict, WeightsError> {
        StoredWeights::open(bytes)?.into_state()
    }

    fn state() -> StateDict {
        let values = |count: usize, scale: f32| {
            let value = |index: usize| ((index * 7919 % 1000) as f32 / 500.0 - 1.0) * scale;
            (0..count).map(value).collect::<Vec<_>>()
        };
        let array = |shape: &[usize], scale| Array {
            shape: shape.to_vec(),
            values: values(shape.iter().product(), scale),
        };
        StateDict::from([
            ("conv.weight".to_string(), array(&[4, 3, 4, 4], 0.05)),
            ("conv.zero".to_string(), array(&[2, 2], 0.0)),
            ("norm.gamma".to_string(), array(&[4], 1.0)),
        ])
    }

    /// Half of the last place of eleven bits, for values up to one.
    const F16_ROUNDING: f32 = 1.0 / 2048.0;

    /// Half a step of 127 for values up to one, and the last place of the product.
    const Q8_ROUNDING: f32 = 0.501 / 127.0;

    fn worst_difference(a: &StateDict, b: &StateDict) -> f32 {
        let values = |state: &StateDict| {
            let arrays = state.values().flat_map(|array| array.values.clone());
            arrays.collect::<Vec<_>>()
        };
        let (a, b) = (values(a), values(b));
        assert_eq!(a.len(), b.len());
        a.iter()
            .zip(&b)
            .fold(0.0, |worst, (a, b)| worst.max((a - b).abs()))
    }

    #[test]
    fn each_way_of_storing_keeps_names_shapes_and_values() {
        let state = state();
        for (dtype, tolerance) in [
            (WeightsDtype::F32, 0.0),
            (WeightsDtype::F16, F16_ROUNDING),
            // Only convolutions have steps; the weights of this one reach 0.05.
            (WeightsDtype::Q8, 0.05 * Q8_ROUNDING),
        ] {
            let decoded = decode(encode(&state, dtype).expect("packs")).expect("unpacks");
            assert!(decoded.keys().eq(state.keys()), "{dtype:?}");
            for (name, array) in &state {
                assert_eq!(decoded[name].shape, array.shape);
            }
            assert!(worst_difference(&state, &decoded) <= tolerance, "{dtype:?}");
        }
    }

    #[test]
    fn a_tensor_that_is_read_in_several_parts_has_all_its_values_in_their_places() {
        // Slices end neither where reading does nor where what is worked on at a time does.
        let shape = vec![3, READ / 2 - 1];
        let count: usize = shape.iter().product();
        let value = |index: usize| ((index * 7919 % 1009) as f32 - 504.0) / 504.0;
        let values: Vec<f32> = (0..count).map(value).collect();
        let state = StateDict::from([("large".to_string(), Array { shape, values })]);
        for (dtype, tolerance) in [
            (WeightsDtype::F32, 0.0),
            (WeightsDtype::F16, F16_ROUNDING),
            (WeightsDtype::Q8, Q8_ROUNDING),
        ] {
            let bytes = encode(&state, dtype).expect("packs");
            assert!(bytes.len() > READ);
            let decoded = decode(bytes).expect("unpacks");
            assert_eq!(decoded["large"].shape, state["large"].shape);
            assert!(worst_difference(&state, &decoded) <= tolerance, "{dtype:?}");
        }
    }

    #[test]
    fn a_table_that_claims_to_be_larger_than_the_file_is_refused() {
        let mut bytes = encode(&state(), WeightsDtype::F32).expect("packs");
        bytes[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
        let refused = decode(bytes).expect_err("it ends before");
        assert!(refused.to_string().contains("table"), "{refused}");
    }

    #[test]
    fn a_file_that_was_cut_at_any_place_is_refused() {
        let whole = encode(&state(), WeightsDtype::Q8).expect("packs");
        for length in 0..whole.len() {
            assert!(decode(whole[..length].to_vec()).is_err(), "{length}");
        }
        assert!(decode(b"no container at all, but long enough for a header".to_vec()).is_err());
    }

    #[test]
    fn damaged_headers_never_panic() {
        let whole = encode(&state(), WeightsDtype::Q8).expect("packs");
        for index in 0..whole.len().min(2048) {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[index] ^= flip;
                let _ = decode(damaged.clone());
            }
        }
    }

    #[test]
    fn length_and_checksum_are_checked_first() {
        let mut bytes = encode(&state(), WeightsDtype::F32).expect("packs");
        let file = WeightsFile {
            path: "x".to_string(),
            dtype: WeightsDtype::F32,
            bytes: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
        };
        assert!(verify(&mut bytes, &file).is_ok());
        let cut = verify(&mut bytes[1..].to_vec(), &file);
        assert!(matches!(cut, Err(WeightsError::Length { .. })));
        let mut altered = bytes.clone();
        altered[300] ^= 1;
        let altered = verify(&mut altered, &file);
        assert!(matches!(altered, Err(WeightsError::Checksum { .. })));
    }
}
