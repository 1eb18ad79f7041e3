//! The page: trunk copies the sources, the modules and the models together; scripts are joined.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use server::page::{LATER_FILES, read_json};

use crate::links::{PAGES, with_whole_addresses};
use crate::process::run;
use crate::{book, join, source_link, tools, workspace};

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

/// The folder of the texts in languages that a visitor may choose later.
const LANGUAGES: &str = "view/languages";

/// The scripts of the pages and of the widget, each of which becomes one file.
const SCRIPTS: [&str; 5] = [
    "page/app.js",
    "page/bench/bench.js",
    "page/embed.js",
    "pix2pix-widget.js",
    "teach/teach.js",
];

/// What programs show of the page that install it.
const MANIFEST: &str = "manifest.webmanifest";

/// Completes the folder that trunk is building: joins scripts, translates the web manifest, puts the manifests
/// into the list of models, links the source, and writes [`LATER_FILES`].
pub fn complete() -> Result<()> {
    let staging = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    let staging = staging.context("trunk runs this. Run `cargo xtask build-web`.")?;
    let mut later = names_in(&staging, &WORKER_FOLDERS, ".js")?;
    later.extend(names_in(&staging, &[LANGUAGES], ".json")?);
    let joined = SCRIPTS.map(|script| join::join(&staging, script));
    for (script, files) in SCRIPTS.iter().zip(joined) {
        for (path, text) in files? {
            write(&staging.join(&path), &text)?;
            if path != *script {
                later.push(path);
            }
        }
    }
    write(&staging.join(LATER_FILES), &serde_json::to_string(&later)?)?;
    put_manifests_into_the_list(&staging.join("models"))?;
    source_link::complete(&staging)?;
    for file in names_in(&staging, &[LANGUAGES], ".json")? {
        translate_manifest(&staging, &file)?;
    }
    if let Some(url) = env::var("PIX2PIX_URL").ok().filter(|url| !url.is_empty()) {
        for page in PAGES.map(|page| staging.join(page)) {
            write(&page, &with_whole_addresses(&read(&page)?, &url)?)?;
        }
    }
    Ok(())
}

/// Writes the web manifest in a language of the page; `texts` is the file of its texts.
fn translate_manifest(staging: &Path, texts: &str) -> Result<()> {
    let code = Path::new(texts)
        .file_stem()
        .context("a name")?
        .to_string_lossy();
    let mut manifest = read_json(&staging.join(MANIFEST))?;
    let texts = read_json(&staging.join(texts))?;
    for name in ["name", "description"] {
        let english = manifest[name].as_str().context("the manifest has names")?;
        manifest[name] = texts[english].clone();
    }
    manifest["lang"] = code.clone().into();
    write(
        &staging.join(format!("manifest.{code}.webmanifest")),
        &manifest.to_string(),
    )
}

/// The files with an ending: the page needs them without a network and may not load them itself.
fn names_in(staging: &Path, folders: &[&str], ending: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in folders {
        let path = staging.join(folder);
        let unreadable = || format!("cannot read {}", path.display());
        for entry in fs::read_dir(&path).with_context(unreadable)? {
            let name = entry.with_context(unreadable)?.file_name();
            let name = name.to_string_lossy().into_owned();
            if name.ends_with(ending) {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// So that the page asks for one file instead of one for each model.
fn put_manifests_into_the_list(models: &Path) -> Result<()> {
    let path = models.join("index.json");
    let mut index = read_json(&path)?;
    let entries = index["models"].as_array_mut();
    for entry in entries.with_context(|| format!("{} has no list of models", path.display()))? {
        let manifest = entry["manifest"]
            .as_str()
            .context("a model names its manifest")?;
        entry["content"] = read_json(&models.join(manifest))?;
    }
    write(&path, &index.to_string())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
