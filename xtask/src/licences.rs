//! `cargo xtask licences`: the licence texts of what is compiled into the page's modules.

use std::process::Command;

use anyhow::Result;

use crate::{process, tools, workspace};

/// Writes `www/THIRD-PARTY-LICENCES.txt` anew.
pub fn collect() -> Result<()> {
    let settings = workspace::root().join("xtask/licences");
    process::run(
        Command::new(tools::CARGO_ABOUT.ensure()?)
            .current_dir(workspace::root())
            .args(["generate", "--manifest-path", "web/Cargo.toml"])
            .args(["--features", "cpu,webgpu,training"])
            .arg("--config")
            .arg(settings.join("about.toml"))
            .arg("--output-file")
            .arg(workspace::www().join("THIRD-PARTY-LICENCES.txt"))
            .arg(settings.join("template.hbs")),
        "A licence that xtask/licences/about.toml does not list has to be looked at first.",
    )
}
