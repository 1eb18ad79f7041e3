//! Changes to files that leave them nearly valid, and what repairs their checksums afterwards.

use flate2::Crc;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x10000,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

const WORDS: [&str; 12] = [
    "",
    "\u{1b}[2J",
    "../../x",
    "x",
    "unet_128",
    "unet_512",
    "resnet_9blocks",
    "batch",
    "none",
    "running",
    "q8",
    "F64",
];

/// One to four changes of bytes: values where lengths and offsets may lie, parts that are
/// missing, twice there, or in another place.
pub fn bytes(file: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..=4) {
        if file.is_empty() {
            return;
        }
        let at = match rng.random_bool(0.5) {
            // Most of what leads a reader stands at the beginning.
            true => rng.random_range(0..file.len().min(256)),
            false => rng.random_range(0..file.len()),
        };
        let end = (at + rng.random_range(1..=64)).min(file.len());
        match rng.random_range(0..8) {
            0 => file[at] ^= 1 << rng.random_range(0..8),
            1 => file[at] = rng.random(),
            2..=4 => number(&mut file[at..], rng),
            5 => drop(file.drain(at..end)),
            6 => {
                let part = file[at..end].to_vec();
                let to = rng.random_range(0..=file.len());
                file.splice(to..to, part);
            }
            _ => file.truncate(at),
        }
    }
}

fn number(place: &mut [u8], rng: &mut ChaCha8Rng) {
    let number = *NUMBERS.choose(rng).unwrap_or(&0);
    let length = [1, 2, 4, 8][rng.random_range(0..4)];
    let bytes = match rng.random_bool(0.5) {
        true => number.to_le_bytes().to_vec(),
        false => number.to_be_bytes()[8 - length..].to_vec(),
    };
    let length = length.min(place.len());
    place[..length].copy_from_slice(&bytes[..length]);
}

/// One to three values of a JSON text, as they are or as bytes.
pub fn json(file: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.1) {
        return bytes(file, rng);
    }
    let Ok(mut root) = serde_json::from_slice::<Value>(file) else {
        return;
    };
    for _ in 0..rng.random_range(1..=3) {
        let value = any_value(&mut root, rng);
        *value = strange(value, rng);
    }
    *file = root.to_string().into_bytes();
}

fn any_value<'a>(value: &'a mut Value, rng: &mut ChaCha8Rng) -> &'a mut Value {
    let count = match &*value {
        Value::Object(map) => map.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if count == 0 || rng.random_bool(0.1) {
        return value;
    }
    let index = rng.random_range(0..count);
    match value {
        Value::Object(map) => {
            let inner = map.values_mut().nth(index).expect("one of them");
            any_value(inner, rng)
        }
        Value::Array(items) => any_value(&mut items[index], rng),
        other => other,
    }
}

/// Of the same type, as often as not.
fn strange(value: &Value, rng: &mut ChaCha8Rng) -> Value {
    let number = *NUMBERS.choose(rng).unwrap_or(&0);
    let kind = match value {
        Value::Number(_) if rng.random_bool(0.7) => 0,
        Value::String(_) if rng.random_bool(0.7) => 2,
        _ => rng.random_range(0..5),
    };
    match kind {
        0 => json!(number),
        1 => json!([-1.0, 1e-300, 1e300, 0.5, -0.0][rng.random_range(0..5)]),
        2 => json!(WORDS.choose(rng)),
        3 => [json!(null), json!([]), json!({}), json!(true)][rng.random_range(0..4)].clone(),
        _ => json!(vec![number; rng.random_range(0..300)]),
    }
}

pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Each chunk of a PNG gets the checksum of what it holds.
pub fn repair_png(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let Some(end) = at.checked_add(length).and_then(|end| end.checked_add(8)) else {
            return;
        };
        if end + 4 > file.len() {
            return;
        }
        let sum = crc(&file[at + 4..end]);
        file[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

/// Each block of a tar that looks like a header gets the sum of its bytes.
pub fn repair_tar(file: &mut [u8]) {
    for block in file.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}
