//! What programs print for other programs.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Runs a program to its end and returns the JSON lines that it prints.
pub fn json_lines(command: &mut Command) -> Result<Vec<Value>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    ensure!(
        output.status.success(),
        "{name} failed ({}); the reason is above",
        output.status
    );
    serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .with_context(|| format!("{name} printed something else than JSON"))
}
