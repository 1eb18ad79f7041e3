//! The place where a data set is made before it is shown: whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{FetchError, disk};

/// The folder beside the target in which it is made. Gone when dropped.
pub(super) struct Staging {
    root: PathBuf,
}

impl Staging {
    /// One of an earlier attempt that was killed goes first; the lock on the part file says that
    /// nobody uses it.
    pub(super) fn create(target: &Path) -> Result<Self, FetchError> {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".unpacking");
        let staging = Self {
            root: target.with_file_name(name),
        };
        if staging.root.exists() {
            let removed = fs::remove_dir_all(&staging.root);
            removed.map_err(|source| disk(&staging.root, "removing", source))?;
        }
        let content = staging.content();
        fs::create_dir_all(&content).map_err(|source| disk(&content, "making it", source))?;
        Ok(staging)
    }

    pub(super) fn content(&self) -> PathBuf {
        self.root.join("content")
    }

    /// Moves what was unpacked to its place: the only folder at the top, or all of it.
    pub(super) fn become_target(self, target: &Path) -> Result<(), FetchError> {
        let content = self.content();
        let whole = only_folder_in(&content).unwrap_or(content);
        // An empty folder may be there; one that has been filled meanwhile stays and is an error.
        if target.exists() {
            fs::remove_dir(target).map_err(|source| disk(target, "replacing it", source))?;
        }
        fs::rename(&whole, target).map_err(|source| disk(target, "moving files to it", source))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: the next attempt removes what is left.
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn only_folder_in(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?;
    let only = entries.next()?.ok()?.path();
    (entries.next().is_none() && only.is_dir()).then_some(only)
}
