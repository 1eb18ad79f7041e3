//! Small files that would take much memory, and texts that would command the terminal, given to
//! the binary as a user gives them.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use harness::{DONE, FAILED, TINY, image, run, talk, temp, trained};
use image::RgbImage;
use serde_json::{Value, json};

/// As [`run`], with so many KiB of addresses where the system can limit them: an order of
/// magnitude above what the commands here need, one below what they took.
fn run_within(kib: u32, folder: &Path, arguments: &[&str]) -> Output {
    if !cfg!(target_os = "linux") {
        return run(folder, arguments);
    }
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {kib}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_trainer"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("a shell starts the trainer")
}

fn assert_refused(output: &Output, words: &[&str]) {
    let talk = talk(output);
    assert_eq!(output.status.code(), Some(FAILED), "{talk}");
    for word in words {
        assert!(talk.contains(word), "\"{word}\" is not in:\n{talk}");
    }
}

/// Photos, one of which is a line that becomes two thousand million pixels when it is scaled.
fn photos_with_a_line(folder: &Path) {
    fs::create_dir(folder.join("photos")).expect("a folder");
    for index in 0..10 {
        let path = folder.join(format!("photos/{index}.png"));
        image(140, 130, index).save(path).expect("an image");
    }
    let line = RgbImage::new(1, 32_768);
    line.save(folder.join("photos/line.png")).expect("an image");
}

#[test]
fn a_photo_that_would_become_huge_is_left_out_of_speed_and_sheet_too() {
    let folder = temp();
    photos_with_a_line(folder.path());
    let inspect = "data inspect --photos photos --task deblur --size 128 --sheet sheet.png";
    let words: Vec<&str> = inspect.split(' ').collect();
    let output = run_within(3 << 20, folder.path(), &words);
    let text = talk(&output);
    assert_eq!(output.status.code(), Some(DONE), "{text}");
    for word in ["left out: photos/line.png", "16777216", "speed: "] {
        assert!(text.contains(word), "\"{word}\" is not in:\n{text}");
    }
    assert!(folder.path().join("sheet.png").exists());

    let train = [
        "train", "--run", "run", "--photos", "photos", "--task", "deblur",
    ];
    let output = run_within(3 << 20, folder.path(), &[&train[..], &TINY].concat());
    let text = talk(&output);
    assert_eq!(output.status.code(), Some(DONE), "{text}");
    assert!(text.contains("photos/line.png"), "{text}");
}

#[test]
fn a_jpeg_of_two_gigabytes_of_zeros_is_refused_by_its_length() {
    let folder = temp();
    let path = folder.path().join("zeros.jpg");
    image(20, 20, 1).save(&path).expect("an image");
    let file = File::options().write(true).open(&path).expect("a file");
    file.set_len(2 << 30).expect("no room is needed");
    fs::create_dir(folder.path().join("photos")).expect("a folder");
    fs::rename(path, folder.path().join("photos/zeros.jpg")).expect("the same disk");
    let inspect = ["data", "inspect", "--photos", "photos", "--task", "deblur"];
    let output = run_within(3 << 20, folder.path(), &inspect);
    assert_eq!(output.status.code(), Some(DONE), "{}", talk(&output));
    assert!(talk(&output).contains("zeros.jpg: the file has 2147483648 bytes"));
}

#[test]
fn a_safetensors_file_of_zeros_is_refused_before_it_is_read() {
    let folder = temp();
    let file = File::create(folder.path().join("x.safetensors")).expect("a file");
    file.set_len(3 << 30).expect("no room is needed");
    let import = ["import", "x.safetensors", "--output", "model"];
    assert_refused(&run_within(2 << 20, folder.path(), &import), &["no table"]);
    file.set_len(5 << 30).expect("no room is needed");
    assert_refused(&run(folder.path(), &import), &["5368709120 bytes"]);
}

/// A field of a protocol buffer that holds these bytes, and so many that follow.
fn field(number: u8, bytes: &[u8], more: usize) -> Vec<u8> {
    let mut found = vec![(number << 3) | 2];
    let mut length = bytes.len() + more;
    while length > 127 {
        found.push(length as u8 | 128);
        length >>= 7;
    }
    found.push(length as u8);
    [&found[..], bytes].concat()
}

#[test]
fn numbers_of_an_onnx_file_that_its_shape_does_not_have_take_no_memory() {
    const ZEROS: usize = 512 << 20;
    let folder = temp();
    let text = |number, text: &str| field(number, text.as_bytes(), 0);
    let node = [
        text(1, "x"),
        text(1, "w"),
        text(1, "w"),
        text(2, "y"),
        text(4, "Clip"),
    ];
    // Shape [1], f16, and its values last.
    let tensor = [&[8u8, 1, 16, 10][..], &text(8, "w"), &field(9, &[], ZEROS)].concat();
    let graph = [
        field(1, &node.concat(), 0),
        field(11, &text(1, "x"), 0),
        field(12, &text(1, "y"), 0),
        field(5, &tensor, ZEROS),
    ];
    let model = field(7, &graph.concat(), ZEROS);
    let mut file = File::create(folder.path().join("x.onnx")).expect("a file");
    file.write_all(&model).expect("room");
    let length = (model.len() + ZEROS) as u64;
    file.set_len(length).expect("no room is needed");
    let import = ["import", "x.onnx", "--output", "model"];
    // As floats they would have 1 GiB more.
    let output = run_within(3 << 19, folder.path(), &import);
    assert_refused(&output, &["(Clip)", "is not one float for each channel"]);
}

/// The model of a tiny training, with a manifest that `change` has made other.
fn model_with(folder: &Path, change: impl FnOnce(&mut Value)) {
    trained(folder, &[]);
    let path = folder.join("run/export/manifest.json");
    let text = fs::read_to_string(&path).expect("a manifest");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut manifest);
    fs::write(path, manifest.to_string()).expect("room");
}

#[test]
fn what_a_manifest_says_commands_no_terminal() {
    let folder = temp();
    model_with(folder.path(), |manifest| {
        manifest["title"] = json!("good\u{1b}[2J\u{9b}31m\nlicence MIT");
        manifest["training"] = json!({ "note": "\u{202e}\u{9b}2K" });
    });
    let output = run(folder.path(), &["inspect", "run/export"]);
    let text = talk(&output);
    assert_eq!(output.status.code(), Some(DONE), "{text}");
    assert!(
        text.contains("good\\u001b[2J\\u009b31m\\u000alicence MIT"),
        "{text}"
    );
    let is_command = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!text.contains(is_command), "{text:?}");

    let output = run(
        folder.path(),
        &["--format", "json", "inspect", "run/export"],
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.contains(is_command), "{text:?}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["training"]["note"], "\u{202e}\u{9b}2K", "{told}");
}

#[test]
fn an_error_that_quotes_a_file_commands_no_terminal() {
    let folder = temp();
    fs::create_dir(folder.path().join("model")).expect("a folder");
    let manifest = json!({ "format": "\u{1b}]0;owned\u{7}", "version": 1 });
    fs::write(
        folder.path().join("model/manifest.json"),
        manifest.to_string(),
    )
    .expect("room");
    let output = run(folder.path(), &["inspect", "model"]);
    assert_refused(&output, &["\\u001b]0;owned\\u0007"]);
    assert!(!talk(&output).contains('\u{1b}'));
}

#[test]
fn a_manifest_that_is_too_long_is_not_read_to_its_end() {
    let folder = temp();
    fs::create_dir(folder.path().join("model")).expect("a folder");
    let path = folder.path().join("model/manifest.json");
    let mut file = File::create(&path).expect("a file");
    file.write_all(b"{").expect("room");
    file.set_len(4 << 30).expect("no room is needed");
    let output = run_within(2 << 20, folder.path(), &["inspect", "model"]);
    assert_refused(&output, &["longer than 1048576 bytes"]);
}
