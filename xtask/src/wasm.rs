//! The browser modules: compiled by cargo and bound to JavaScript by wasm-bindgen. Unchanged
//! modules are left alone. There is no wasm-opt: the one that distributions ship breaks the
//! reference tables of current wasm-bindgen, and after LTO it gains next to nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::run;
use crate::{tools, workspace};

/// One of the modules that the page chooses from.
struct Module {
    name: &'static str,
    features: &'static str,
}

const MODULES: [Module; 5] = [
    Module {
        name: "cpu",
        features: "cpu",
    },
    Module {
        name: "cpu-relaxed",
        features: "cpu,relaxed-simd",
    },
    Module {
        name: "webgpu",
        features: "webgpu",
    },
    Module {
        name: "training",
        features: "training",
    },
    Module {
        name: "training-webgpu",
        features: "training-webgpu",
    },
];

/// Builds every module into `www/pkg`.
pub fn build(dev: bool) -> Result<()> {
    tools::ensure_target(tools::WASM_TARGET)?;
    let profile = if dev { "release" } else { "web" };
    for module in &MODULES {
        let compiled = compile(module, profile)?;
        bind(module, &compiled, dev)?;
    }
    print_sizes()
}

fn compile(module: &Module, profile: &str) -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo
        .args(["build", "--package", "web", "--lib"])
        .args(["--target", tools::WASM_TARGET])
        .args(["--profile", profile])
        .args(["--no-default-features", "--features", module.features])
        // These would replace the flags in .cargo/config.toml that the browser needs.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(&mut cargo, "The compiler's message above says what to do.")?;
    let folder = workspace::target().join(tools::WASM_TARGET);
    Ok(folder.join(profile).join("web.wasm"))
}

fn bind(module: &Module, compiled: &Path, dev: bool) -> Result<()> {
    let package = package_folder(module);
    let wasm = fs::read(compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    let stamp = Stamp::new(module, &wasm, dev)?;
    if stamp.is_current(&package) {
        return Ok(());
    }
    stamp.clear()?;
    eprintln!("Binding the {} module to JavaScript.", module.name);
    Bindgen::new()
        .input_bytes("web", wasm)
        .web(true)?
        // The package's types are those of `www/pix2pix.d.ts`.
        .typescript(false)
        .remove_name_section(!dev)
        .remove_producers_section(true)
        .generate(&package)
        .with_context(|| format!("wasm-bindgen cannot bind {}", compiled.display()))?;
    stamp.write()
}

/// Remembers from what a package was made.
struct Stamp {
    path: PathBuf,
    content: String,
}

impl Stamp {
    fn new(module: &Module, wasm: &[u8], dev: bool) -> Result<Self> {
        let folder = workspace::target().join("xtask");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let digest = Sha256::digest(wasm);
        let tool = env!("CARGO_PKG_VERSION");
        Ok(Self {
            path: folder.join(format!("{}.stamp", module.name)),
            content: format!("{:x?}\n{dev}\n{tool}\n", digest.as_slice()),
        })
    }

    fn is_current(&self, package: &Path) -> bool {
        let complete = PACKAGE_FILES
            .iter()
            .all(|file| package.join(file).is_file());
        complete && fs::read_to_string(&self.path).is_ok_and(|content| content == self.content)
    }

    fn clear(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.content)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

const PACKAGE_FILES: [&str; 2] = ["web.js", "web_bg.wasm"];

fn package_folder(module: &Module) -> PathBuf {
    workspace::www().join("pkg").join(module.name)
}

/// Bytes of one module as they lie on disk and as a web host sends them.
pub struct Size {
    pub module: &'static str,
    pub raw: u64,
    pub gzip: u64,
}

/// The sizes of the modules that were built last.
pub fn sizes() -> Result<Vec<Size>> {
    MODULES
        .iter()
        .map(|module| {
            let path = package_folder(module).join("web_bg.wasm");
            let (raw, gzip) = file_sizes(&path)?;
            Ok(Size {
                module: module.name,
                raw,
                gzip,
            })
        })
        .collect()
}

/// The bytes of a file, as they are and after gzip.
pub fn file_sizes(path: &Path) -> Result<(u64, u64)> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let mut counter = GzEncoder::new(Counter(0), Compression::best());
    let raw = io::copy(&mut file, &mut counter).with_context(unreadable)?;
    Ok((raw, counter.finish()?.0))
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print_sizes() -> Result<()> {
    for size in sizes()? {
        eprintln!(
            "www/pkg/{:<11} {:>10} bytes of wasm, {:>9} with gzip",
            size.module, size.raw, size.gzip
        );
    }
    Ok(())
}
