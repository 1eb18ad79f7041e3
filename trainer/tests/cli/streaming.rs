//! Images as a tar stream, and their results as another.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread;

use tar::{Archive, Builder, EntryType, Header};

use super::{tiny_model, trainer};
use crate::harness::{
    DONE, FAILED, WRONG_USAGE, assert_code, assert_names, image, run, stderr, temp,
};

fn png(number: u32) -> Vec<u8> {
    let folder = temp();
    let path = folder.path().join("a.png");
    image(40, 30, number).save(&path).expect("an image");
    fs::read(path).expect("an image")
}

fn header(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    // As somebody writes it who means harm: the crate's own way refuses such names.
    header.as_gnu_mut().expect("GNU's").name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    header
}

/// A header that describes what follows it, and its content.
fn extension(kind: EntryType, content: &[u8]) -> Vec<u8> {
    let header = header(kind, "extension", content.len() as u64);
    let mut blocks = [&header.as_bytes()[..], content].concat();
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

/// A tar stream of these files.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, bytes) in files {
        let header = header(EntryType::Regular, name, bytes.len() as u64);
        tar.append(&header, *bytes).expect("room");
    }
    let mut folder = Header::new_gnu();
    folder.set_entry_type(EntryType::Directory);
    folder.set_size(0);
    tar.append_data(&mut folder, "empty/", &[][..])
        .expect("room");
    tar.into_inner().expect("room")
}

/// What `translate --stdin` makes of a stream. Results are read while images are sent, as engines do.
fn streamed(folder: &Path, stream: Vec<u8>) -> Output {
    fed(folder, Cursor::new(stream))
}

fn fed(folder: &Path, mut stream: impl Read + Send + 'static) -> Output {
    let mut command = trainer();
    let arguments = "translate --model run --stdin --device cpu --format json";
    command.current_dir(folder).args(arguments.split(' '));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut program = command.spawn().expect("the trainer starts");
    let mut stdin = program.stdin.take().expect("a pipe");
    let feeder = thread::spawn(move || io::copy(&mut stream, &mut stdin));
    let output = program.wait_with_output().expect("the trainer ends");
    let fed = feeder.join().expect("no panic");
    // What gives up leaves the rest.
    assert!(fed.is_ok() || output.status.code() == Some(FAILED));
    output
}

fn unpacked(stream: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(stream);
    let entries = archive.entries().expect("a tar stream");
    let read = entries.map(|entry| {
        let mut entry = entry.expect("whole");
        let name = entry.path().expect("a name").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("whole");
        (name, bytes)
    });
    read.collect()
}

#[test]
fn a_stream_of_images_becomes_a_stream_of_the_results_that_files_would_have() {
    let folder = temp();
    tiny_model(folder.path());
    let images: Vec<Vec<u8>> = (0..3).map(png).collect();
    let names = ["a.png", "deep/er/b.png", "c"];
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&images)
        .map(|(name, image)| (*name, &image[..]))
        .collect();
    let output = streamed(folder.path(), packed(&files));
    assert_code(&output, DONE);
    let found = unpacked(&output.stdout);
    let found_names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found_names, ["a.png.png", "deep/er/b.png.png", "c.png"]);
    for (index, (_, result)) in found.iter().enumerate() {
        let file = folder.path().join("one.png");
        fs::write(&file, &images[index]).expect("room");
        let arguments = "translate --model run one.png --output out.png --device cpu";
        let words: Vec<&str> = arguments.split(' ').collect();
        assert_code(&run(folder.path(), &words), DONE);
        assert!(*result == fs::read(folder.path().join("out.png")).expect("a result"));
    }
}

#[test]
fn a_bad_image_has_an_entry_that_says_so_and_the_others_are_done() {
    let folder = temp();
    tiny_model(folder.path());
    let good = png(1);
    let output = streamed(
        folder.path(),
        packed(&[
            ("good.png", &good),
            ("bad.png", b"no image"),
            ("../../escaped.png", &good),
            ("cut.png", &good[..good.len() / 2]),
        ]),
    );
    assert_code(&output, FAILED);
    let found: BTreeMap<String, Vec<u8>> = unpacked(&output.stdout).into_iter().collect();
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "bad.png.error",
            "cut.png.error",
            "escaped.png.png",
            "good.png.png"
        ]
    );
    assert!(found["escaped.png.png"] == found["good.png.png"]);
    let reason = String::from_utf8(found["bad.png.error"].clone()).expect("text");
    assert!(
        reason.starts_with("bad.png: ") && !reason.contains("/tmp"),
        "{reason}"
    );
    assert!(stderr(&output).contains(&reason));
}

#[test]
fn of_a_stream_that_is_cut_what_came_whole_is_done() {
    let folder = temp();
    tiny_model(folder.path());
    let good = png(1);
    let mut stream = packed(&[("a.png", &good), ("b.png", &good)]);
    // Two headers, the first image in whole blocks, and a little of the second.
    stream.truncate(2 * 512 + good.len().next_multiple_of(512) + 10);
    let output = streamed(folder.path(), stream);
    assert_code(&output, FAILED);
    assert_names(&output, &["stdin", "ends early"]);
    let mut archive = Archive::new(&output.stdout[..]);
    let found = archive.entries().expect("a stream").next();
    let first = found.expect("an entry").expect("whole");
    assert_eq!(first.path().expect("a name").to_str(), Some("a.png.png"));
}

#[test]
fn after_an_entry_that_is_too_long_or_no_file_the_stream_goes_on() {
    // More than two images may have, and whole blocks.
    const LONG: u64 = (2 << 30) + (4 << 20);
    let folder = temp();
    tiny_model(folder.path());
    let long = header(EntryType::Regular, "long.png", LONG);
    let mut sparse = header(EntryType::GNUSparse, "sparse.png", 2 << 20);
    // After a hole of 1 GiB, all its bytes.
    let gnu = sparse.as_gnu_mut().expect("GNU's");
    gnu.sparse[0].offset = *b"10000000000\0";
    gnu.sparse[0].numbytes = *b"00010000000\0";
    gnu.realsize = *b"10010000000\0";
    sparse.set_cksum();
    let stream = Cursor::new(long.as_bytes().to_vec())
        .chain(io::repeat(0).take(LONG))
        .chain(Cursor::new(sparse.as_bytes().to_vec()))
        .chain(io::repeat(0).take(2 << 20))
        .chain(Cursor::new(packed(&[("good.png", &png(1))])));
    let output = fed(folder.path(), stream);
    assert_code(&output, FAILED);
    let found = unpacked(&output.stdout);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["long.png.error", "sparse.png.error", "good.png.png"]
    );
}

#[test]
fn an_archive_of_git_is_taken_without_its_header_for_all_entries() {
    let folder = temp();
    tiny_model(folder.path());
    let comment = format!("52 comment={}\n", "5".repeat(40));
    let mut stream = extension(EntryType::XGlobalHeader, comment.as_bytes());
    stream.extend(packed(&[("a.png", &png(1))]));
    let output = streamed(folder.path(), stream);
    assert_code(&output, DONE);
    let found = unpacked(&output.stdout);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.png.png"]);
}

#[test]
fn a_name_of_megabytes_ends_the_stream() {
    let folder = temp();
    tiny_model(folder.path());
    let mut stream = extension(EntryType::GNULongName, &vec![b'a'; 2 << 20]);
    stream.extend(packed(&[("a.png", &png(1))]));
    let output = streamed(folder.path(), stream);
    assert_code(&output, FAILED);
    assert_names(&output, &["stdin", "more bytes than are read"]);
}

#[test]
fn files_and_a_stream_at_once_are_wrong_usage() {
    let folder = temp();
    for more in ["a.png", "--output=out", "--shard=1/2", "--page"] {
        let output = run(
            folder.path(),
            &["translate", "--model", "m", "--stdin", more],
        );
        assert_code(&output, WRONG_USAGE);
        assert_names(&output, &["--stdin"]);
    }
    let output = run(folder.path(), &["translate", "--model", "m"]);
    assert_code(&output, WRONG_USAGE);
}
