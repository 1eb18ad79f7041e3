//! The trainer's program, built once, and what it makes for the tests.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use image::RgbaImage;
use serde_json::Value;
use xtask::workspace;

use crate::pictures;

/// The release build of the trainer, made fresh once per test program.
pub fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    shared(&PROGRAM, build)
}

/// A small model that has seen two training steps; made once per test program.
pub fn tiny_model() -> Result<&'static Path> {
    static MODEL: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    shared(&MODEL, train_tiny_model)
}

/// Runs the trainer to its end and returns what it wrote to standard output.
pub fn run<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Result<String> {
    let mut command = Command::new(program()?);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output().context("cannot start the trainer")?;
    ensure!(
        output.status.success(),
        "{command:?} failed ({}):\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the trainer makes of a picture on the CPU.
pub fn translate(model: &Path, picture: &Path) -> Result<RgbaImage> {
    let folder = tempfile::tempdir()?;
    let name = picture.file_name().context("a picture has a name")?;
    run([
        "translate".as_ref(),
        "--model".as_ref(),
        model.as_os_str(),
        picture.as_os_str(),
        "--output".as_ref(),
        folder.path().as_os_str(),
        "--device".as_ref(),
        "cpu".as_ref(),
    ])?;
    pictures::load(&folder.path().join(name))
}

fn shared(
    cell: &'static OnceLock<Result<PathBuf, String>>,
    make: fn() -> Result<PathBuf>,
) -> Result<&'static Path> {
    match cell.get_or_init(|| make().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(message) => Err(anyhow!(message.clone())),
    }
}

/// The whole workspace decides on the features of shared crates, as it does
/// under `cargo test --workspace`; the trainer alone would compile them anew.
fn build() -> Result<PathBuf> {
    let output = workspace::cargo()
        .args(["build", "--release", "--workspace", "--bin", "trainer"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "the trainer does not compile");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "trainer")
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .context("cargo built no trainer program")
}

fn train_tiny_model() -> Result<PathBuf> {
    train(&workspace::target().join("test-model"), "unet_256", 4, 2)
}

/// A model of any width that has seen one training step; for measuring.
pub fn untrained_model(base: u32) -> Result<PathBuf> {
    let folder = workspace::target().join(format!("bench-model-{base}"));
    train(&folder, "unet_256", base, 1)
}

/// A small ResNet that has seen one training step.
pub fn untrained_resnet() -> Result<PathBuf> {
    let folder = workspace::target().join("test-resnet");
    train(&folder, "resnet_6blocks", 2, 1)
}

/// Trains on drawn photos in an emptied folder, and returns the model's folder.
fn train(folder: &Path, net_g: &str, base: u32, steps: u32) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let (photos, run_folder) = (folder.join("photos"), folder.join("run"));
    fs::create_dir_all(&photos)?;
    for seed in 0..5 {
        let picture = pictures::scene(256, 256, seed);
        pictures::save(&picture, &photos.join(format!("{seed}.png")))?;
    }
    let numbers = [base, steps].map(|number| OsString::from(number.to_string()));
    run([
        "train".as_ref(),
        "--photos".as_ref(),
        photos.as_os_str(),
        "--task".as_ref(),
        "deblur".as_ref(),
        "--net-g".as_ref(),
        net_g.as_ref(),
        "--base".as_ref(),
        numbers[0].as_os_str(),
        "--steps".as_ref(),
        numbers[1].as_os_str(),
        "--size".as_ref(),
        "256".as_ref(),
        // Workers share only what does not depend on the whole picture's statistics.
        "--norm-stats".as_ref(),
        "running".as_ref(),
        "--device".as_ref(),
        "cpu".as_ref(),
        "--run".as_ref(),
        run_folder.as_os_str(),
    ])?;
    Ok(run_folder.join("export"))
}
