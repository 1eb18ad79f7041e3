//! Files that are there whole or not at all, also after a power cut.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Deserialize;

use super::error::RunFolderError;
use crate::system::files::{folder_of, replace};

/// Writes beside its place, syncs and renames: a reader sees the old content or the new.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RunFolderError> {
    let written = replace(path, |file| {
        file.write_all(bytes)?;
        file.as_file().sync_all()
    });
    written.map_err(|source| write_error(path, source))?;
    sync_folder(folder_of(path))
}

/// Writes a file that nobody reads before it is renamed.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), RunFolderError> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| write_error(path, source))
}

/// Makes names in a folder as lasting as the files that they name.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> Result<(), RunFolderError> {
    let sync = || File::open(path)?.sync_all();
    sync().map_err(|source| write_error(path, source))
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_path: &Path) -> Result<(), RunFolderError> {
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, RunFolderError> {
    fs::read(path).map_err(|source| RunFolderError::Read {
        path: path.to_path_buf(),
        source,
    })
}

pub(super) fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, RunFolderError> {
    serde_json::from_slice(&read(path)?).map_err(|error| damaged(path, error))
}

pub(super) fn write_error(path: &Path, source: std::io::Error) -> RunFolderError {
    RunFolderError::Write {
        path: path.to_path_buf(),
        source,
    }
}

pub(super) fn damaged(path: &Path, reason: impl ToString) -> RunFolderError {
    RunFolderError::Damaged {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
