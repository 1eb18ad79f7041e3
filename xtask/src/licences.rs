//! `cargo xtask licences`: the licence texts of what is compiled into the page's modules, and for the
//! release archive those of the trainer.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, tools, workspace};

/// Writes `www/THIRD-PARTY-LICENCES.txt` anew.
pub fn collect() -> Result<()> {
    let page = ["--manifest-path", "web/Cargo.toml"];
    let features = ["--features", "cpu,webgpu,training-webgpu"];
    let output = workspace::www().join("THIRD-PARTY-LICENCES.txt");
    generate(&[page, features].concat(), "about.toml", &output)
}

/// Writes those of what is compiled into the trainer for this system to `output`.
pub fn of_trainer(output: &Path) -> Result<()> {
    let said = process::output(Command::new("rustc").arg("-vV"))?.unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not say what it compiles for; check `rustc -vV`")?;
    let trainer = ["--manifest-path", "trainer/Cargo.toml", "--target", host];
    generate(&trainer, "about-trainer.toml", output)
}

fn generate(of: &[&str], config: &str, output: &Path) -> Result<()> {
    let settings = workspace::root().join("xtask/licences");
    let config = settings.join(config);
    process::run(
        Command::new(tools::CARGO_ABOUT.ensure()?)
            .current_dir(workspace::root())
            .arg("generate")
            .args(of)
            .arg("--config")
            .arg(&config)
            .arg("--output-file")
            .arg(output)
            .arg(settings.join("template.hbs")),
        &format!(
            "A licence that {} does not list has to be looked at first.",
            config.display()
        ),
    )
}
