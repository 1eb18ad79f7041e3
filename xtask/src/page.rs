//! The page: trunk copies the sources, the modules and the models together.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::run;
use crate::{book, tools, workspace};

/// Builds the page and returns the folder that any static host can serve.
pub fn build() -> Result<PathBuf> {
    tools::ensure_target(tools::WASM_TARGET)?;
    let trunk = tools::TRUNK.ensure()?;
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
    book::build(&dist)?;
    Ok(dist)
}

/// The folders whose scripts run in workers, too.
const WORKER_FOLDERS: [&str; 2] = ["runtime", "view"];

/// Writes `worker-files.json` into the folder that trunk is building: scripts that the page needs
/// without a network and does not load itself.
pub fn list_worker_files() -> Result<()> {
    let staging = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    let staging = staging.context("trunk runs this. Run `cargo xtask build-web`.")?;
    let mut scripts = Vec::new();
    for folder in WORKER_FOLDERS {
        let path = staging.join(folder);
        let unreadable = || format!("cannot read {}", path.display());
        for entry in fs::read_dir(&path).with_context(unreadable)? {
            let name = entry.with_context(unreadable)?.file_name();
            let name = name.to_string_lossy().into_owned();
            if name.ends_with(".js") {
                scripts.push(format!("{folder}/{name}"));
            }
        }
    }
    scripts.sort();
    let path = staging.join("worker-files.json");
    fs::write(&path, serde_json::to_string(&scripts)?)
        .with_context(|| format!("cannot write {}", path.display()))
}
