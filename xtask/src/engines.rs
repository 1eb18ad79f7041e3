//! `cargo xtask test --engines`: the examples for engines that spread work over machines.

use anyhow::Result;

use crate::process::run as run_program;
use crate::{peers, tools, workspace};

const PACKAGES: [&str; 4] = ["pyspark", "ray[data]", "numpy", "pillow"];

/// Installs what is missing and runs them.
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
    )
}
