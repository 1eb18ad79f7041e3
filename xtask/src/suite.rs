//! `cargo xtask test`: the whole suite on any machine, browser included.

use anyhow::Result;

use crate::{page, process, tools, workspace};

/// Installs what is missing, builds the page and runs every test.
pub fn run(lint: bool) -> Result<()> {
    tools::ensure_system_packages()?;
    if lint {
        check_style()?;
    }
    page::build()?;
    tools::ensure_mdbook()?;
    tools::ensure_node()?;
    tools::ensure_npm_packages()?;
    process::run(
        workspace::cargo().args(["test", "--release", "--workspace"]),
        "The failures are listed above.",
    )
}

fn check_style() -> Result<()> {
    process::run(
        workspace::cargo().args(["fmt", "--all", "--check"]),
        "Run `cargo fmt --all`.",
    )?;
    let clippy = process::output(workspace::cargo().args(["clippy", "--version"]));
    if !matches!(clippy, Ok(Some(_))) {
        eprintln!("note: clippy is not installed; `rustup component add clippy` adds it.");
        return Ok(());
    }
    let wasm = [
        "--target",
        "wasm32-unknown-unknown",
        "--features",
        "cpu,webgpu",
    ];
    lint(&["--workspace", "--all-targets"])?;
    lint(&["--package", "xtask", "--features", "command"])?;
    lint(&[&["--package", "web"], wasm.as_slice()].concat())
}

fn lint(what: &[&str]) -> Result<()> {
    process::run(
        workspace::cargo()
            .args(["clippy", "--release"])
            .args(what)
            .args(["--", "--deny", "warnings"]),
        "Each finding above names its place and a remedy.",
    )
}
