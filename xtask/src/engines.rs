//! `cargo xtask test --engines`: what takes gigabytes of others' programs to try. The examples for
//! engines that spread work over machines, and exported generators in onnxruntime-web.

use std::process::Command;

use anyhow::Result;

use crate::process::run as run_program;
use crate::{page, peers, tools, workspace};

const PACKAGES: [&str; 4] = ["pyspark", "ray[data]", "numpy", "pillow"];

/// Installs what is missing and runs both.
pub fn run() -> Result<()> {
    tools::ensure_system_packages()?;
    tools::ensure_java()?;
    peers::ensure_python(&PACKAGES)?;
    let trainer = workspace::program("trainer")?;
    run_program(
        peers::python_script("engines.py")
            .arg(workspace::root().join("docs/translate-many.md"))
            .arg(trainer)
            .arg(workspace::target().join("engines")),
        "The engine's words are above.",
    )?;
    page::build()?;
    peers::ensure_onnxruntime_web()?;
    let check = workspace::program("check-onnx-web")?;
    run_program(
        Command::new(check)
            .current_dir(workspace::root())
            .arg(peers::folder()),
        "The model and the difference are above.",
    )
}
