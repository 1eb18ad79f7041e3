//! Writes named arrays as `torch.save` writes a state dict: an uncompressed zip with a pickle
//! and one file per tensor, which `torch.load(weights_only=True)` reads.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use model::state::Array;
use thiserror::Error;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Folder of everything in the archive; `torch.load` takes any.
const ROOT: &str = "archive";
/// As `torch.save` aligns, so that files can be mapped into memory.
const ALIGNMENT: u16 = 64;
/// Version of the archive's layout, since PyTorch 1.6.
const ARCHIVE_VERSION: &[u8] = b"3\n";
const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R";

#[derive(Debug, Error)]
#[error("the .pth file cannot be written: {0}")]
pub struct WriteError(#[from] zip::result::ZipError);

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

/// A value of a state dict.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A tensor of f32.
    Floats(Array),
    /// A counter: a tensor of one i64, without dimensions.
    Count(i64),
}

/// The bytes of a `.pth` file.
///
/// # Errors
/// [`WriteError`], in practice only without memory.
pub fn state_dict_bytes(entries: &BTreeMap<String, Entry>) -> Result<Vec<u8>, WriteError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_alignment(ALIGNMENT);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut file = |name: &str, bytes: &[u8]| -> Result<(), WriteError> {
        archive.start_file(format!("{ROOT}/{name}"), options)?;
        Ok(archive.write_all(bytes)?)
    };
    file("data.pkl", &pickle(entries))?;
    file("byteorder", b"little")?;
    for (key, entry) in entries.values().enumerate() {
        let bytes = match entry {
            Entry::Floats(array) => array.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Entry::Count(count) => count.to_le_bytes().to_vec(),
        };
        file(&format!("data/{key}"), &bytes)?;
    }
    file("version", ARCHIVE_VERSION)?;
    Ok(archive.finish()?.into_inner())
}

/// An ordered dictionary of calls of `_rebuild_tensor_v2`, in pickle's protocol 2.
fn pickle(entries: &BTreeMap<String, Entry>) -> Vec<u8> {
    let mut out = b"\x80\x02".to_vec();
    out.extend(ORDERED_DICT);
    out.push(b'(');
    for (key, (name, entry)) in entries.iter().enumerate() {
        let (storage, shape, count) = match entry {
            Entry::Floats(array) => ("Float", array.shape.as_slice(), array.values.len()),
            Entry::Count(_) => ("Long", &[][..], 1),
        };
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(format!("ctorch\n{storage}Storage\n").bytes());
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, count);
        // The storage's place, the tensor's offset in it.
        out.extend(b"tQ");
        number(&mut out, 0);
        tuple(&mut out, shape);
        tuple(&mut out, &strides(shape));
        // No gradient, no hooks.
        out.push(0x89);
        out.extend(ORDERED_DICT);
        out.extend(b"tR");
    }
    out.extend(b"u.");
    out
}

/// Of rows that lie one after the other.
fn strides(shape: &[usize]) -> Vec<usize> {
    (1..=shape.len())
        .map(|inner| shape[inner..].iter().product())
        .collect()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.bytes());
}

fn number(out: &mut Vec<u8>, number: usize) {
    out.extend(b"\x8a\x08");
    out.extend((number as i64).to_le_bytes());
}

fn tuple(out: &mut Vec<u8>, numbers: &[usize]) {
    out.push(b'(');
    numbers.iter().for_each(|side| number(out, *side));
    out.push(b't');
}
