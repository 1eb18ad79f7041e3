//! `cargo xtask release-archive`: what somebody needs who has no compiler.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::process::{output, run};
use crate::{licences, page, workspace};

/// The commit that `trainer --version` names.
const COMMIT: &str = "PIX2PIX_COMMIT";
/// Shells, and the file that each reads completions from.
const COMPLETIONS: [(&str, &str); 4] = [
    ("bash", "trainer.bash"),
    ("zsh", "_trainer"),
    ("fish", "trainer.fish"),
    ("powershell", "_trainer.ps1"),
];
const LICENCES: &str = "THIRD-PARTY-LICENCES.txt";
/// Texts that travel along, from where in the sources.
const TEXTS: [(&str, &str); 4] = [
    ("README.md", "xtask/release/README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
];

/// Packs the trainer, the built page, completions, manual pages and licences, and returns where the
/// archive is; its SHA-256 lies beside it.
pub fn pack() -> Result<PathBuf> {
    let page = page::build()?;
    let program = workspace::program_with("trainer", |build| {
        if let Some(commit) = commit() {
            build.env(COMMIT, commit);
        }
    })?;
    let name = format!(
        "trainer-v{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        env::consts::OS,
        env::consts::ARCH
    );
    let home = workspace::target().join("release-archive");
    let folder = home.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("completions"))
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let file = format!("trainer{}", env::consts::EXE_SUFFIX);
    stripped(&program, &folder.join(file))?;
    for (text, source) in TEXTS {
        copy(&workspace::root().join(source), &folder.join(text))?;
    }
    copy(&licences_file(&home)?, &folder.join(LICENCES))?;
    for (shell, file) in COMPLETIONS {
        let script = output(Command::new(&program).args(["completions", shell]))?;
        let path = folder.join("completions").join(file);
        fs::write(&path, script.unwrap_or_default())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let man = folder.join("man");
    run(Command::new(&program).arg("man").arg(&man), "")?;
    copy_folder(&page, &folder.join("www"))?;
    packed(&home, &name)
}

/// Kept until the dependencies change, for collecting takes minutes.
fn licences_file(home: &Path) -> Result<PathBuf> {
    let (file, lock) = (home.join(LICENCES), workspace::root().join("Cargo.lock"));
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let is_current =
        matches!((changed(&file), changed(&lock)), (Ok(file), Ok(lock)) if file > lock);
    if !is_current {
        licences::of_trainer(&file)?;
    }
    Ok(file)
}

/// Of the sources: told from outside, or what git says, if it is there.
fn commit() -> Option<String> {
    let said = || output(workspace::git().args(["rev-parse", "--short=12", "HEAD"]));
    let told = env::var(COMMIT).ok().filter(|commit| !commit.is_empty());
    told.or_else(|| said().ok().flatten().map(|text| text.trim().to_owned()))
}

/// Copies a program without its symbols, where there is something that removes them.
pub fn stripped(program: &Path, to: &Path) -> Result<()> {
    if cfg!(windows) {
        return copy(program, to);
    }
    run(
        Command::new("strip").arg("-o").arg(to).arg(program),
        "Install strip (Debian: apt-get install binutils).",
    )
}

fn packed(home: &Path, name: &str) -> Result<PathBuf> {
    let archive = home.join(format!("{name}.tar.gz"));
    let write = || -> Result<()> {
        let file = GzEncoder::new(File::create(&archive)?, Compression::best());
        let mut tar = tar::Builder::new(file);
        // The same files make the same archive.
        tar.mode(tar::HeaderMode::Deterministic);
        tar.append_dir_all(name, home.join(name))?;
        tar.into_inner()?.finish()?;
        let digest = Sha256::digest(fs::read(&archive)?);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{digits}  {name}.tar.gz\n");
        fs::write(home.join(format!("{name}.tar.gz.sha256")), line)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", archive.display()))?;
    Ok(archive)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to).map(drop);
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match source.is_dir() {
            true => copy_folder(&source, &target)?,
            false => copy(&source, &target)?,
        }
    }
    Ok(())
}
