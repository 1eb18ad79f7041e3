//! The built page, with a model of this machine beside its own.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Routes;

/// The list of the files that the page loads later; only the built page has it.
pub const LATER_FILES: &str = "later-files.json";
/// What follows the page's address to open it with that model.
pub const LOCAL_MODEL: &str = "?model=local";

/// Serves the page in `page`, and the model folder `model` as the first of its models.
pub fn with_model(page: &Path, model: &Path) -> Result<Routes> {
    Ok(Routes::default()
        .folder("/", page)
        .file("/models/index.json", index_with(model, page)?)
        .folder("/models/local/", model))
}

fn index_with(model: &Path, page: &Path) -> Result<String> {
    let mut index = read_json(&page.join("models/index.json"))?;
    let title = read_json(&model.join("manifest.json"))?["title"].clone();
    let local = json!({
        "manifest": "local/manifest.json",
        "title": title,
        "folder": model.display().to_string(),
    });
    match index["models"].as_array_mut() {
        Some(models) => models.insert(0, local),
        None => index = json!({ "models": [local] }),
    }
    Ok(index.to_string())
}

/// A file of JSON.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no valid JSON", path.display()))
}
