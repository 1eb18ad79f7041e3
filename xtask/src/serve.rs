//! `cargo xtask serve`: the built page in the browser of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::server::{Routes, Server};
use crate::{page, workspace};

/// What `cargo xtask serve` was asked for.
pub struct Options {
    pub port: u16,
    pub model: Option<PathBuf>,
    pub open_browser: bool,
}

/// Builds the page, serves it and opens it.
pub fn run(options: &Options) -> Result<()> {
    let model = options.model.as_deref().map(model_folder).transpose()?;
    let dist = page::build()?;
    let mut routes = Routes::default().folder("/", &dist);
    let mut query = "";
    if let Some(model) = model {
        routes = routes
            .file("/models/index.json", index_with(&model, &dist)?)
            .folder("/models/local/", model);
        query = "?model=local";
    }
    let server = Server::start(options.port, move |path| routes.reply(path))?;
    let url = format!("{}/{query}", server.url());
    println!("{url}");
    eprintln!("Serving until Ctrl-C.");
    if options.open_browser && open::that_detached(&url).is_err() {
        eprintln!("note: no browser could be opened; open the address above yourself.");
    }
    server.wait();
    Ok(())
}

/// Finds the model folder, relative to here or to the repository.
fn model_folder(named: &Path) -> Result<PathBuf> {
    let candidates = [named.to_path_buf(), workspace::root().join(named)];
    let folder = candidates
        .into_iter()
        .find(|folder| folder.is_dir())
        .with_context(|| {
            format!(
                "there is no folder {}. Name the export folder of a run.",
                named.display()
            )
        })?;
    ensure!(
        folder.join("manifest.json").is_file(),
        "{} holds no manifest.json. Name a model folder, such as runs/demo/export.",
        named.display()
    );
    Ok(folder)
}

/// The page's list of models, with one more at its end.
fn index_with(model: &Path, dist: &Path) -> Result<String> {
    let mut index = page::read_json(&dist.join("models/index.json"))?;
    let title = page::read_json(&model.join("manifest.json"))?["title"].clone();
    let local = json!({
        "manifest": "local/manifest.json",
        "title": title.as_str().unwrap_or("Local model"),
        "summary": format!("The model in {}.", model.display()),
    });
    match index["models"].as_array_mut() {
        Some(models) => models.push(local),
        None => index = json!({ "models": [local] }),
    }
    Ok(index.to_string())
}
