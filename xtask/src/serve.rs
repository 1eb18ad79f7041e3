//! `cargo xtask serve`: the built page in the browser of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use server::page::{LOCAL_MODEL, with_model};
use server::{Routes, Server};

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
    let (routes, query) = match model {
        Some(model) => (with_model(&dist, &model)?, LOCAL_MODEL),
        None => (Routes::default().folder("/", &dist), ""),
    };
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
