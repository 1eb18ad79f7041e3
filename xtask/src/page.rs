//! The page: trunk copies the sources, the modules and the models together.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::process::run;
use crate::{tools, workspace};

/// Builds the page and returns the folder that any static host can serve.
pub fn build() -> Result<PathBuf> {
    tools::ensure_wasm_target()?;
    let trunk = tools::ensure_trunk()?;
    run(
        Command::new(trunk)
            .arg("build")
            .current_dir(workspace::www())
            .env("TRUNK_SKIP_VERSION_CHECK", "true")
            // trunk takes only true and false here, not every value in use elsewhere.
            .env_remove("NO_COLOR"),
        "The message above says what to do; trunk runs `cargo xtask build-wasm` first.",
    )?;
    let dist = workspace::dist();
    ensure!(
        dist.join("index.html").is_file(),
        "trunk left no {}. Check www/Trunk.toml.",
        dist.join("index.html").display()
    );
    Ok(dist)
}
