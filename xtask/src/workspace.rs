//! Where things are in this repository.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;

/// The repository root.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder of the page's sources.
pub fn www() -> PathBuf {
    root().join("www")
}

/// The built page.
pub fn dist() -> PathBuf {
    www().join("dist")
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A cargo command in the repository root, by the toolchain that runs this.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo says of the package that it runs just now. Build scripts of others look at it
    // too, and would compile their crates, and all that need them, anew for each caller.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A git command in the repository root.
pub fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(root());
    command
}

/// Builds a program of this workspace and says where it is.
pub fn program(name: &str) -> Result<PathBuf> {
    program_with(name, |_| {})
}

/// As [`program`]; `prepare` may tell the build more.
pub fn program_with(name: &str, prepare: impl FnOnce(&mut Command)) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--workspace", "--bin", name]);
    prepare(&mut build);
    process::run(&mut build, "The compiler's message above says what to do.")?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    Ok(target().join("release").join(file))
}
