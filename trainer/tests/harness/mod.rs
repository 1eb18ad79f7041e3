//! The binary in a temporary folder, and the images to give it.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use image::{ImageBuffer, Luma, Rgb, RgbImage};
use tempfile::TempDir;

pub const DONE: i32 = 0;
pub const FAILED: i32 = 1;
pub const WRONG_USAGE: i32 = 2;

/// Words that make a training small.
pub const TINY: [&str; 10] = [
    "--net-g", "unet_128", "--size", "128", "--base", "1", "--steps", "2", "--device", "cpu",
];

pub fn temp() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .stdin(Stdio::null())
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the trainer starts")
}

pub fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(DONE), "{}", talk(&output));
    output
}

/// Trains with [`TINY`] into the folder `run`.
pub fn trained(folder: &Path, data: &[&str]) -> Output {
    done(folder, &[&["train", "--run", "run"], data, &TINY].concat())
}

/// Tries to train with [`TINY`], is refused, and every word is in the message.
pub fn refused(folder: &Path, data: &[&str], words: &[&str]) {
    let output = run(folder, &[&["train", "--run", "run"], data, &TINY].concat());
    assert_code(&output, FAILED);
    assert_names(&output, words);
    assert!(!folder.join("run").exists(), "nothing was started");
}

/// Translates `input` with the model of [`trained`] and gives the path of the result.
pub fn translated(folder: &Path, input: &str) -> std::path::PathBuf {
    let arguments = [
        "translate",
        "--model",
        "run/export",
        input,
        "--output",
        "out",
        "--device",
        "cpu",
    ];
    let output = done(folder, &arguments);
    folder.join(String::from_utf8_lossy(&output.stdout).trim())
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn talk(output: &Output) -> String {
    stdout(output) + &stderr(output)
}

pub fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", talk(output));
}

/// Every word is in what was said on stderr.
pub fn assert_names(output: &Output, words: &[&str]) {
    let talk = stderr(output);
    for word in words {
        assert!(talk.contains(word), "\"{word}\" is not in:\n{talk}");
    }
}

pub fn image(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = ((x + seed * 13) as f32 / 9.0).sin() + ((y + seed * 7) as f32 / 6.0).cos();
        let value = ((wave + 2.0) * 60.0) as u8;
        Rgb([value, 255 - value, (x * 255 / width) as u8])
    })
}

/// Waves of 16 bit, 1 to `max`.
pub fn grey16(width: u32, height: u32, seed: u32, max: u16) -> ImageBuffer<Luma<u16>, Vec<u16>> {
    ImageBuffer::from_fn(width, height, |x, y| {
        let wave = ((x + seed * 13) as f32 / 19.0).sin() * ((y + seed * 7) as f32 / 16.0).cos();
        Luma([1 + ((wave + 1.0) / 2.0 * f32::from(max - 1)) as u16])
    })
}

/// Makes `a/0.EXTENSION` to `a/2.EXTENSION` and the same in `b`.
pub fn two_folders(folder: &Path, extension: &str, make: impl Fn(&str, u32, &Path)) {
    for side in ["a", "b"] {
        fs::create_dir_all(folder.join(side)).expect("a folder");
        for index in 0..3 {
            let path = folder.join(side).join(format!("{index}.{extension}"));
            make(side, index, &path);
        }
    }
}
