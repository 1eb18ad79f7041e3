//! The page's JavaScript modules, and which of them need which.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use xtask::workspace;

/// The page's folders of modules: each may import from itself and from those before it.
pub const ROOMS: [&str; 6] = ["runtime", "view", "widget", "page", "teach", "experiment"];

/// The modules of the page by their paths in `www`, each with the files that it names.
pub type Modules = BTreeMap<String, BTreeSet<String>>;

/// Reads all modules at the root and in the rooms.
pub fn all() -> Result<Modules> {
    let mut found = Modules::new();
    let mut folders = vec![String::new()];
    folders.extend(ROOMS.map(|room| format!("{room}/")));
    while let Some(folder) = folders.pop() {
        let path = workspace::www().join(&folder);
        for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
            let entry = entry?;
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() && !folder.is_empty() {
                folders.push(format!("{name}/"));
            } else if Path::new(&name).extension() == Some(OsStr::new("js")) {
                let text = fs::read_to_string(entry.path())?;
                found.insert(name, named_in(&text, &folder));
            }
        }
    }
    Ok(found)
}

/// All that a script names by a relative path: what it imports, its workers, its style sheets.
fn named_in(script: &str, folder: &str) -> BTreeSet<String> {
    let code = without_doc_comments(script);
    let code = code.lines();
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    let paths = code.flat_map(quoted);
    let paths = paths.filter(|path| path.starts_with("./") || path.starts_with("../"));
    let paths = paths.filter(|path| path.ends_with(".js") || path.ends_with(".css"));
    paths.map(|path| resolved(folder, path)).collect()
}

/// The imports in doc comments are of types alone.
fn without_doc_comments(script: &str) -> String {
    let mut parts = script.split("/**");
    let before = parts.next().unwrap_or_default().to_owned();
    let after = parts.filter_map(|part| part.split_once("*/"));
    after.fold(before, |code, (_, rest)| code + rest)
}

fn resolved(folder: &str, path: &str) -> String {
    let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// All that stands between single quotes.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('\'').skip(1).step_by(2)
}
