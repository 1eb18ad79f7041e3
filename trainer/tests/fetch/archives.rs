//! Archives that tests make: honest ones and hostile ones.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Bytes that do not shrink, so that an archive can be cut in the middle.
pub(crate) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn files(top: &str, seed: u32) -> Vec<(String, Vec<u8>)> {
    let file = |name: &str, length, seed| (format!("{top}{name}"), noise(length, seed));
    vec![
        file("train/1.jpg", 90_000, seed),
        file("train/2.jpg", 50_000, seed + 1),
        file("val/1.jpg", 1_000, seed + 2),
    ]
}

pub(crate) fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let content = content.as_slice();
        builder
            .append_data(&mut header, name, content)
            .expect("an entry");
    }
    builder.into_inner().expect("a tar")
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("a gz")
}

pub(crate) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(name.as_str(), options).expect("an entry");
        writer.write_all(content).expect("room");
    }
    writer.finish().expect("a zip").into_inner()
}

/// A tar with an honest file and an entry that the library would refuse to write.
pub(crate) fn hostile_tar(name: &str, kind: tar::EntryType, link: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut honest = tar::Header::new_gnu();
    honest.set_size(2);
    honest.set_mode(0o644);
    builder
        .append_data(&mut honest, "set/fine.txt", &b"ok"[..])
        .expect("an entry");
    let mut header = tar::Header::new_gnu();
    let gnu = header.as_gnu_mut().expect("a GNU header");
    gnu.name[..name.len()].copy_from_slice(name.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    let content = if link.is_empty() { &b"evil"[..] } else { &[] };
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).expect("an entry");
    builder.into_inner().expect("a tar")
}
