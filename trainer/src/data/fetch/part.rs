//! An unfinished download: the file beside the target, and the note that says which version of
//! which address it is a part of. Knows nothing of HTTP or archives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::error::{FetchError, disk};
use crate::data::digest::sha256_of;
use crate::system::bounded::{Bounded, Budget};

/// Endings of archives; any other address gives `archive`.
const ENDINGS: [&str; 4] = ["tar.gz", "tgz", "tar", "zip"];

/// What the bytes are a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Address they came from.
    pub(super) url: String,
    /// What the server calls this version: a strong ETag or a date. Sent back as `If-Range`.
    pub(super) validator: Option<String>,
    /// Length of the whole, if it is known.
    pub(super) total: Option<u64>,
}

/// The file, locked against other processes.
pub(super) struct Part {
    path: PathBuf,
    note: PathBuf,
    finished: PathBuf,
    file: File,
    len: u64,
    origin: Origin,
    /// The folder it lies in, if that was made for it.
    made: Option<PathBuf>,
}

impl Part {
    /// Opens or begins the download of `url` that belongs to `target`. Bytes of another address
    /// are dropped.
    pub(super) fn open(target: &Path, url: &str) -> Result<Self, FetchError> {
        let with_ending = |ending: &str| {
            let mut name = target.file_name().unwrap_or_default().to_os_string();
            name.push(ending);
            target.with_file_name(name)
        };
        let ending = ending_of(url);
        let path = with_ending(&format!(".{ending}.part"));
        let parent = path.parent().filter(|parent| !parent.exists());
        let made = parent.map(Path::to_path_buf);
        if let Some(folder) = &made {
            fs::create_dir_all(folder).map_err(|source| disk(folder, "making it", source))?;
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let opened = options.open(&path);
        let file = opened.map_err(|source| disk(&path, "opening", source))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(FetchError::Busy { part: path });
        }
        let len = file
            .metadata()
            .map_err(|source| disk(&path, "reading", source))?
            .len();
        let note = with_ending(&format!(".{ending}.part.json"));
        let mut part = Self {
            finished: with_ending(&format!(".{ending}")),
            path,
            file,
            len,
            origin: read_note(&note),
            note,
            made,
        };
        if part.origin.url != url || part.origin.total.is_some_and(|total| total < part.len) {
            part.restart(url)?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Bytes that are there.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether every byte is there, as far as the server said how many there are.
    pub(super) fn is_complete(&self) -> bool {
        self.origin.total == Some(self.len)
    }

    /// Drops all bytes.
    pub(super) fn restart(&mut self, url: &str) -> Result<(), FetchError> {
        self.file
            .set_len(0)
            .map_err(|source| disk(&self.path, "emptying", source))?;
        self.len = 0;
        self.describe(Origin {
            url: url.to_string(),
            ..Origin::default()
        })
    }

    /// Notes what the bytes are a part of.
    pub(super) fn describe(&mut self, origin: Origin) -> Result<(), FetchError> {
        if self.origin != origin || !self.note.exists() {
            let text = serde_json::to_vec(&origin).unwrap_or_default();
            fs::write(&self.note, text).map_err(|source| disk(&self.note, "writing", source))?;
            self.origin = origin;
        }
        Ok(())
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let mut file = &self.file;
        let written = file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| file.write_all(bytes));
        written.map_err(|source| disk(&self.path, "writing", source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// SHA-256 of all bytes in lower-case hexadecimal digits; `stop` ends it with an error.
    pub(super) fn sha256(&self, stop: &AtomicBool) -> Result<String, FetchError> {
        let failed = |source| disk(&self.path, "reading", source);
        let mut file = &self.file;
        file.rewind().map_err(failed)?;
        let budget = Budget::new(u64::MAX).until(stop);
        sha256_of(Bounded::new(file, &budget)).map_err(failed)
    }

    /// The archive has done its work: removes it, or gives it its name.
    pub(super) fn finish(self, keep: bool) -> Result<Option<PathBuf>, FetchError> {
        if !keep {
            self.discard();
            return Ok(None);
        }
        drop(self.file);
        let renamed = fs::rename(&self.path, &self.finished);
        renamed.map_err(|source| disk(&self.finished, "keeping the archive", source))?;
        let _ = fs::remove_file(&self.note);
        Ok(Some(self.finished))
    }

    /// Leaves nothing behind.
    pub(super) fn discard(self) {
        drop(self.file);
        // What cannot be removed is found and replaced by the next attempt.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.note);
        if let Some(folder) = &self.made {
            // Only if it is empty.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Leaves nothing behind if nothing has arrived.
    pub(super) fn discard_if_empty(self) {
        if self.len == 0 {
            self.discard();
        }
    }
}

/// A note that is missing or damaged is one of no address, so that its bytes are dropped.
fn read_note(note: &Path) -> Origin {
    let text = fs::read(note).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn ending_of(url: &str) -> &'static str {
    let path = url
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut known = ENDINGS.into_iter();
    known
        .find(|ending| path.ends_with(&format!(".{ending}")))
        .unwrap_or("archive")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_another_address_are_not_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("set");
        let mut part = Part::open(&target, "http://a/x.zip").expect("a part");
        part.append(b"abc").expect("room");
        drop(part);
        let part = Part::open(&target, "http://a/x.zip").expect("a part");
        assert_eq!(part.len(), 3);
        drop(part);
        let part = Part::open(&target, "http://b/x.zip").expect("a part");
        assert_eq!(part.len(), 0);
    }

    #[test]
    fn a_second_download_to_the_same_place_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("set");
        let _first = Part::open(&target, "http://a/x.zip").expect("a part");
        let second = Part::open(&target, "http://a/x.zip");
        assert!(matches!(second, Err(FetchError::Busy { .. })));
    }

    #[test]
    fn the_ending_comes_from_the_address_without_its_query() {
        assert_eq!(ending_of("http://a/b.tar.gz?x=/c.zip"), "tar.gz");
        assert_eq!(ending_of("http://a/B.TGZ"), "tgz");
        assert_eq!(ending_of("http://a/download.php?file=1"), "archive");
    }
}
