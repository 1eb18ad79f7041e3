//! One trainer to a run folder. The lock is the system's: it ends with the process, however that
//! ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::RunFolderError;
use super::files::write_error;

const FILE: &str = ".lock";

/// The right to write into a run folder, as long as this lives.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of the run in `root`, a folder that exists.
    pub fn take(root: &Path) -> Result<Self, RunFolderError> {
        let path = root.join(FILE);
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = opened.map_err(|source| write_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = root.to_path_buf();
                return Err(RunFolderError::Busy { path });
            }
            // Some network file systems have no locks; a run there is the user's to guard.
            Err(TryLockError::Error(error)) if is_unsupported(&error) => {}
            Err(TryLockError::Error(source)) => return Err(write_error(&path, source)),
        }
        Ok(Self { _file: file })
    }
}

fn is_unsupported(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::Unsupported
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = RunLock::take(folder.path()).expect("the lock");
        let second = RunLock::take(folder.path());
        assert!(matches!(second, Err(RunFolderError::Busy { .. })));
        drop(first);
        assert!(RunLock::take(folder.path()).is_ok());
    }
}
