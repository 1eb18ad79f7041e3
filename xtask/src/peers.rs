//! The programs that people would otherwise use, installed into a folder of their own and timed on
//! the same networks.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::run;
use crate::{programs, tools, workspace};

/// Our back ends in the browser, and what they are compared with.
const BROWSER_PEERS: [(&str, &str); 2] = [
    ("cpu", "onnxruntime-web wasm"),
    ("webgpu", "onnxruntime-web webgpu"),
];

const NPM_PACKAGES: [&str; 2] = ["onnxruntime-web@1.30.0", "@tensorflow/tfjs@4.22.0"];

/// Where everything of theirs goes; taking it away leaves nothing behind.
pub fn folder() -> PathBuf {
    workspace::target().join("peers")
}

/// Installs PyTorch and onnxruntime from PyPI (several gigabytes), onnxruntime-web and TensorFlow.js from npm.
pub fn ensure() -> Result<()> {
    ensure_python(&["torch", "onnx", "onnxruntime", "numpy"])?;
    ensure_onnxruntime_web()
}

/// Installs onnxruntime-web from npm.
pub fn ensure_onnxruntime_web() -> Result<()> {
    let folder = folder();
    if !folder.join("node_modules/@tensorflow/tfjs").is_dir() {
        run(
            tools::ensure_node()?
                .npm()
                .args(["install", "--prefix"])
                .arg(&folder)
                .args(NPM_PACKAGES),
            "Check the connection to npm's registry.",
        )?;
    }
    Ok(())
}

/// Installs packages from PyPI into an environment of their own.
pub fn ensure_python(packages: &[&str]) -> Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    if !python().is_file() {
        run(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(folder.join("venv")),
            "Install Python 3 with its venv module (Debian: apt-get install python3-venv).",
        )?;
    }
    run(
        Command::new(python())
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages),
        "Check the connection to PyPI.",
    )
}

/// Times PyTorch and onnxruntime; leaves `unet_256-BASE-SIDE.onnx` in the folder.
pub fn measure() -> Result<Vec<Value>> {
    eprintln!("Measuring PyTorch and onnxruntime.");
    script("pytorch.py", folder().as_os_str())
}

fn script(name: &str, argument: &OsStr) -> Result<Vec<Value>> {
    programs::json_lines(python_script(name).arg(argument))
}

/// The command that runs a script of xtask/peers.
pub fn python_script(name: &str) -> Command {
    let mut command = Command::new(python());
    let script = workspace::root().join("xtask/peers").join(name);
    command.args(["-B", "-W", "ignore"]).arg(script);
    command
}

/// The tables of both kinds of peers: their milliseconds, and ours as a multiple of theirs.
pub fn tables(native: &[Value], browser: &[Value], peers: &[Value]) -> String {
    let mut text = String::from(
        "| base | what | ours | theirs | ours / theirs |\n|---:|---|---:|---:|---:|\n",
    );
    for base in [16, 32, 64] {
        let of = |rows: &[Value], key: &str, name: &str, value: &str| {
            let row = rows
                .iter()
                .find(|row| row["base"] == base && row[key] == name);
            row.and_then(|row| row[value].as_f64())
        };
        let ours = |value: &str| {
            let row = native.iter().find(|row| row["base"] == base);
            row.and_then(|row| row[value].as_f64())
        };
        let web = |name: &str, side: u64, workers: u64, value: &str| {
            let row = browser.iter().find(|row| {
                row["base"] == base
                    && row["backend"] == name
                    && row["side"] == side
                    && row["workers"] == workers
            });
            row.and_then(|row| row[value].as_f64())
        };
        let mut rows = vec![
            (
                "forward, PyTorch".to_owned(),
                ours("forward_ms"),
                of(peers, "peer", "PyTorch", "forward_ms"),
            ),
            (
                "forward, onnxruntime".to_owned(),
                ours("forward_ms"),
                of(peers, "peer", "onnxruntime", "forward_ms"),
            ),
            (
                "training step, PyTorch".to_owned(),
                ours("step_ms"),
                of(peers, "peer", "PyTorch", "step_ms"),
            ),
        ];
        for (side, workers) in pictures_of(browser) {
            for (backend, peer) in BROWSER_PEERS {
                for (value, which) in [("milliseconds", ""), ("first", ", the first")] {
                    rows.push((
                        format!("{peer}, {side} × {side}, {workers} workers{which}"),
                        web(backend, side, workers, value),
                        web(peer, side, workers, value),
                    ));
                }
            }
        }
        for (what, ours, theirs) in rows {
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                let ratio = ours / theirs;
                text +=
                    &format!("| {base} | {what} | {ours:.0} ms | {theirs:.0} ms | {ratio:.2} |\n");
            }
        }
    }
    text
}

/// Sides and numbers of workers, each once.
fn pictures_of(browser: &[Value]) -> BTreeSet<(u64, u64)> {
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap_or(0);
    let pictures = browser.iter();
    pictures
        .map(|row| (number(row, "side"), number(row, "workers")))
        .collect()
}

fn python() -> PathBuf {
    let venv = folder().join("venv");
    match cfg!(windows) {
        true => venv.join("Scripts/python.exe"),
        false => venv.join("bin/python"),
    }
}
