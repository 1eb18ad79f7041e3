//! `cargo xtask gpu-kit`: one archive that checks and measures the GPU of a machine without a network
//! or a compiler.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{run, write_script};
use crate::release_archive::stripped;
use crate::workspace;

/// Scripts of `xtask/peers` that measure.
const SCRIPTS: [&str; 2] = ["gpu.py", "pytorch.py"];
const START: &str = "#!/bin/sh\n\
    # Checks and measures this machine's GPU; --help says with what.\n\
    cd \"$(dirname \"$0\")\" || exit 1\n\
    command -v python3 >/dev/null || { echo 'error: install Python 3' >&2; exit 1; }\n\
    exec python3 gpu.py \"$@\"\n";

/// Packs the trainer, without symbols, and what runs it; returns where the archive is.
pub fn pack() -> Result<PathBuf> {
    let program = workspace::program("trainer")?;
    let folder = workspace::target().join("gpu-kit");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    stripped(&program, &folder.join("trainer"))?;
    for name in SCRIPTS {
        let script = workspace::root().join("xtask/peers").join(name);
        fs::copy(&script, folder.join(name))
            .with_context(|| format!("cannot copy {}", script.display()))?;
    }
    write_script(&folder.join("run.sh"), START)?;
    let archive = workspace::target().join("gpu-kit.tar.xz");
    let mut tar = Command::new("tar");
    tar.arg("--create").arg("--xz").arg("--file").arg(&archive);
    tar.arg("--directory")
        .arg(workspace::target())
        .arg("gpu-kit");
    run(
        &mut tar,
        "Install tar and xz (Debian: apt-get install tar xz-utils).",
    )?;
    Ok(archive)
}
