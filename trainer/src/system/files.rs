//! Files that appear whole or not at all, and errors that name the file they are about.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Names of what is being written begin so; whoever holds the run's lock may delete them.
pub const UNFINISHED: &str = ".unfinished-";

/// What is wrong, and with which file.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct InFile<E: Error + 'static> {
    pub path: PathBuf,
    pub source: E,
}

/// Adds the file's name to an error.
pub trait NamesFile<T, E: Error + 'static> {
    fn of_file(self, path: &Path) -> Result<T, InFile<E>>;
}

impl<T, E: Error + 'static> NamesFile<T, E> for Result<T, E> {
    fn of_file(self, path: &Path) -> Result<T, InFile<E>> {
        self.map_err(|source| InFile {
            path: path.to_path_buf(),
            source,
        })
    }
}

/// Has `write` fill a file beside its place, then renames it: a reader sees the old content or the
/// new.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(UNFINISHED).tempfile_in(folder_of(path))?;
    write(&mut file)?;
    // Temporary files are private; results are ordinary files.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let readable = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
    }
    file.persist(path)?;
    Ok(())
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot be made ({0}); check path, space and permissions")]
pub struct NoFolder(#[from] io::Error);

/// Makes a folder and those that it lies in.
pub fn make_folder(folder: &Path) -> Result<(), InFile<NoFolder>> {
    let made = std::fs::create_dir_all(folder).map_err(NoFolder);
    made.of_file(folder)
}

/// The last part of a path, also of `.` and `..`; what leads to it is nobody's business.
pub fn last_name(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let name = absolute.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
