//! Weights that follow from the names of their tensors, as fixtures/perceptual/make.py has them.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::state::Array;
use serde_json::Value;
use trainer::pytorch::{Entry, state_dict_bytes};

pub fn fixture(path: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(path)
}

/// What the Python libraries said.
pub fn numbers() -> Value {
    let json = std::fs::read(fixture("perceptual/perceptual.json")).expect("the numbers are there");
    serde_json::from_slice(&json).expect("JSON")
}

/// Numbers in [0, 1) that follow from a name.
pub fn hashed(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let mut crc = flate2::Crc::new();
    crc.update(name.as_bytes());
    let start = crc.sum();
    (0..count as u32).map(move |index| {
        let mut x = index.wrapping_mul(0x9E37_79B1).wrapping_add(start);
        x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        f64::from(x ^ (x >> 16)) / 2f64.powi(32)
    })
}

fn bounds(name: &str, shape: &[usize]) -> (f64, f64) {
    if name.starts_with("lin") {
        return (0.0, 1.0);
    }
    if shape.len() > 1 {
        let inputs: usize = shape[1..].iter().product();
        let bound = (6.0 / inputs as f64).sqrt();
        return (-bound, bound);
    }
    match name.ends_with("bn.weight") || name.ends_with("running_var") {
        true => (0.9, 1.1),
        false => (-0.1, 0.1),
    }
}

pub type Weights = BTreeMap<String, Array>;

/// The tensors that the Python library's network has: `lpips` or `fid`.
pub fn weights(network: &str) -> Weights {
    let numbers = numbers();
    let shapes = numbers[network]["shapes"].as_object().expect("shapes");
    let made = shapes.iter().map(|(name, shape)| {
        let shape: Vec<usize> = serde_json::from_value(shape.clone()).expect("a shape");
        let (low, high) = bounds(name, &shape);
        let values = hashed(name, shape.iter().product());
        let values = values.map(|value| (low + (high - low) * value) as f32);
        let values = values.collect();
        (name.clone(), Array { shape, values })
    });
    made.collect()
}

/// Writes a `.pth` and gives its path.
pub fn write(folder: &Path, name: &str, weights: Weights) -> PathBuf {
    let entries = weights.into_iter();
    let entries = entries.map(|(name, array)| (name, Entry::Floats(array)));
    let path = folder.join(name);
    let bytes = state_dict_bytes(&entries.collect()).expect("bytes");
    std::fs::write(&path, bytes).expect("a file");
    path
}
