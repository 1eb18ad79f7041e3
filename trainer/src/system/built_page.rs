//! Where the page for browsers lies once it is built: beside the program as the release archive has
//! it, or in the sources.

use std::env;
use std::path::{Path, PathBuf};

use server::page::LATER_FILES;

/// The page's folder, if there is one.
pub fn built_page() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let beside = program.parent().map(|folder| folder.join("www"));
    let here = env::current_dir().unwrap_or_default();
    let sources = program.ancestors().chain(here.ancestors());
    let in_sources = sources.map(|folder| folder.join("www/dist"));
    let mut candidates = beside.into_iter().chain(in_sources);
    candidates.find(|folder| is_built_page(folder))
}

/// Whether a folder holds the built page.
pub fn is_built_page(folder: &Path) -> bool {
    folder.join(LATER_FILES).is_file()
}
