//! Entries of an archive as files and folders of plain names, and what is refused.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use thiserror::Error;

use super::path::{UnsafePath, inside};
use super::request::{FetchEvent, Listener, is_stopped};
use crate::system::printable::printable_line;

/// Bytes copied at once.
const CHUNK: usize = 1 << 16;
/// Longest directory of a zip, which is held in memory whole, several times as large: half a
/// million files of usual names.
pub(super) const MAX_DIRECTORY: u64 = 48 << 20;
/// An archive that is not unpacked.
#[derive(Debug, Error)]
pub enum UnpackError {
    #[error("it is neither a tar, a tar.gz nor a zip")]
    Kind,
    #[error("the archive is refused: its entry \"{entry}\" {why}")]
    Path { entry: String, why: UnsafePath },
    #[error(
        "the archive is refused: its entry \"{entry}\" is a link; only files and folders may be"
    )]
    Link { entry: String },
    #[error("the archive is refused: its entry \"{entry}\" is neither a file nor a folder")]
    Special { entry: String },
    #[error("the archive is refused: it unpacks to more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the archive is refused: it has more than {limit} entries")]
    TooMany { limit: u64 },
    #[error("the archive is refused: its directory has more than {MAX_DIRECTORY} bytes")]
    Directory,
    #[error("the archive is damaged or cut ({reason})")]
    Damaged { reason: String },
    #[error("the archive is empty")]
    Empty,
    #[error("{}: writing failed ({source})", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("stopped")]
    Stopped,
}

/// How much an archive may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files and folders.
    pub entries: u64,
}

impl Limits {
    /// A hundred times the archive and a GiB, at most 64 GiB, in 2 million entries: images are
    /// packed already, so a data set stays far below.
    pub fn for_archive(bytes: u64) -> Self {
        let roomy = bytes.saturating_mul(100).saturating_add(1 << 30);
        Self {
            bytes: roomy.min(64 << 30),
            entries: 2_000_000,
        }
    }
}

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub files: u64,
    pub bytes: u64,
}

/// Writes entries and counts what it writes.
pub(super) struct FolderWriter<'a> {
    folder: &'a Path,
    limits: &'a Limits,
    stop: &'a AtomicBool,
    listen: Listener<'a>,
    entries: u64,
    unpacked: Unpacked,
}

impl<'a> FolderWriter<'a> {
    pub(super) fn new(
        folder: &'a Path,
        limits: &'a Limits,
        stop: &'a AtomicBool,
        listen: Listener<'a>,
    ) -> Self {
        Self {
            folder,
            limits,
            stop,
            listen,
            entries: 0,
            unpacked: Unpacked::default(),
        }
    }

    /// What was written so far.
    pub(super) fn unpacked(&self) -> Unpacked {
        self.unpacked
    }

    /// Makes the folder of an entry.
    pub(super) fn make_folder(&mut self, name: &[u8]) -> Result<(), UnpackError> {
        let Some(path) = self.path_of(name)? else {
            return Ok(());
        };
        fs::create_dir_all(&path).map_err(|source| not_written(&path, source))
    }

    /// Writes the file of an entry, with the permissions that new files get.
    pub(super) fn write_file(
        &mut self,
        name: &[u8],
        content: &mut impl Read,
    ) -> Result<(), UnpackError> {
        let Some(path) = self.path_of(name)? else {
            return Ok(());
        };
        let failed = |source| not_written(&path, source);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = BufWriter::new(File::create(&path).map_err(failed)?);
        let mut chunk = vec![0; CHUNK];
        loop {
            if is_stopped(self.stop) {
                return Err(UnpackError::Stopped);
            }
            let read = match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(damaged(error)),
            };
            self.unpacked.bytes += read as u64;
            let limit = self.limits.bytes;
            if self.unpacked.bytes > limit {
                return Err(UnpackError::TooLarge { limit });
            }
            file.write_all(&chunk[..read]).map_err(failed)?;
        }
        file.flush().map_err(failed)?;
        self.unpacked.files += 1;
        let Unpacked { files, bytes } = self.unpacked;
        (self.listen)(FetchEvent::Unpacking { files, bytes });
        Ok(())
    }

    /// Counts an entry, whatever becomes of it.
    pub(super) fn count(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        let limit = self.limits.entries;
        match self.entries > limit {
            true => Err(UnpackError::TooMany { limit }),
            false => Ok(()),
        }
    }

    /// Says where an entry belongs; `None` leaves it out.
    fn path_of(&mut self, name: &[u8]) -> Result<Option<PathBuf>, UnpackError> {
        let path = inside(name).map_err(|why| UnpackError::Path {
            entry: shown(name),
            why,
        })?;
        Ok(path.map(|path| self.folder.join(path)))
    }
}

/// A name for messages, whatever is in it.
pub(super) fn shown(name: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(name).chars().take(200).collect();
    printable_line(&text).into_owned()
}

pub(super) fn damaged(error: io::Error) -> UnpackError {
    UnpackError::Damaged {
        reason: error.to_string(),
    }
}

/// A folder where a file should be, or a name that no file can have, is the archive's fault: the
/// folder was empty.
fn not_written(path: &Path, source: io::Error) -> UnpackError {
    use io::ErrorKind::{AlreadyExists, InvalidFilename, IsADirectory, NotADirectory};
    let path = path.to_path_buf();
    match source.kind() {
        AlreadyExists | InvalidFilename | IsADirectory | NotADirectory => UnpackError::Damaged {
            reason: format!("{} cannot be made: {source}", path.display()),
        },
        _ => UnpackError::Write { path, source },
    }
}
