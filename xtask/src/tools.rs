//! Everything that this project installs on a machine, and nothing else does.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{output, run};
use crate::workspace;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The newest trunk that compiles with the Rust version this workspace asks for.
const TRUNK_VERSION: &str = "0.21.14";

const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

const BROWSER_PATHS: [&str; 4] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
];

/// The variable that names a browser to use instead of searching for one.
pub const BROWSER_VARIABLE: &str = "PIX2PIX_BROWSER";

/// Makes the compiler able to build for the browser.
pub fn ensure_wasm_target() -> Result<()> {
    let remedy = "Install rustup from https://rustup.rs, or your Rust's own package with the \
                  standard library for wasm32-unknown-unknown.";
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?.context(remedy)?;
    let libraries = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET);
    if libraries.is_dir() {
        return Ok(());
    }
    run(
        Command::new("rustup").args(["target", "add", WASM_TARGET]),
        remedy,
    )
}

/// The page builder: the one on the search path if it fits, else our own copy.
pub fn ensure_trunk() -> Result<PathBuf> {
    let on_path = PathBuf::from("trunk");
    let home = workspace::target().join("tools");
    let own = home.join("bin").join(executable("trunk"));
    for candidate in [on_path, own.clone()] {
        if trunk_version(&candidate).as_deref() == Some(TRUNK_VERSION) {
            return Ok(candidate);
        }
    }
    eprintln!("Installing trunk {TRUNK_VERSION} into {}.", home.display());
    // Without optimisation it compiles in half the time, and only copies files. Its own lock file
    // is needed: newer releases of what it uses do not fit together.
    run(
        workspace::cargo()
            .args(["install", "trunk", "--version", TRUNK_VERSION])
            .args(["--locked", "--debug"])
            .args(["--no-default-features", "--features", "rustls"])
            .arg("--root")
            .arg(&home)
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
        "Check the connection to crates.io, or put trunk on the search path yourself.",
    )?;
    Ok(own)
}

fn trunk_version(trunk: &Path) -> Option<String> {
    let words = output(Command::new(trunk).arg("--version")).ok()??;
    words.split_whitespace().nth(1).map(str::to_owned)
}

/// A Chromium or Chrome on this machine.
pub fn find_browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os(BROWSER_VARIABLE) {
        return on_search_path(Path::new(&named)).with_context(|| {
            format!(
                "{BROWSER_VARIABLE} names {}, which is no program. Correct it, or unset it.",
                Path::new(&named).display()
            )
        });
    }
    BROWSERS
        .iter()
        .chain(&BROWSER_PATHS)
        .find_map(|name| on_search_path(Path::new(name)))
        .with_context(|| {
            format!(
                "there is no Chromium or Chrome here. Install one, or set {BROWSER_VARIABLE} to \
                 the path of one."
            )
        })
}

/// Installs what the tests need from the system's own packages.
pub fn ensure_system_packages() -> Result<()> {
    let mut missing = Vec::new();
    if find_browser().is_err() && env::var_os(BROWSER_VARIABLE).is_none() {
        missing.push("chromium");
    }
    if !has_software_vulkan() {
        missing.push("mesa-vulkan-drivers");
    }
    if !has_python_venv() {
        missing.push("python3-venv");
    }
    if !missing.is_empty() && may_install_packages() {
        install_packages(&missing)?;
    }
    find_browser().map(drop)
}

/// Whether Mesa's Vulkan driver that needs no graphics card is here. Where it is not and cannot
/// be installed, the tests that need it say so.
fn has_software_vulkan() -> bool {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let drivers = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    drivers.flatten().flatten().any(|driver| {
        let name = driver.file_name();
        name.to_string_lossy().starts_with("lvp_icd")
    })
}

/// The tests read event files with TensorBoard, which comes from PyPI into an environment of
/// its own.
fn has_python_venv() -> bool {
    let found = output(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    found.is_ok_and(|said| said.is_some())
}

fn may_install_packages() -> bool {
    let root = output(Command::new("id").arg("-u"));
    let is_root = matches!(root, Ok(Some(id)) if id.trim() == "0");
    is_root && on_search_path(Path::new("apt-get")).is_some()
}

fn install_packages(packages: &[&str]) -> Result<()> {
    let remedy = format!(
        "Install {} with your package manager.",
        packages.join(" and ")
    );
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    run(apt_get().args(["--quiet", "update"]), &remedy)?;
    let install = ["--quiet", "--yes", "--no-install-recommends", "install"];
    run(apt_get().args(install).args(packages), &remedy)
}

fn on_search_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return is_program(program).then(|| program.to_path_buf());
    }
    let name = executable(&program.to_string_lossy());
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn executable(name: &str) -> String {
    let suffix = env::consts::EXE_SUFFIX;
    if name.ends_with(suffix) {
        return name.to_owned();
    }
    format!("{name}{suffix}")
}
