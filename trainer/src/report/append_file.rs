//! A file that only grows, by whole records: what a full disk cut off is taken back, and the next
//! record is tried again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is opened by its first record.
pub(super) struct AppendFile {
    path: PathBuf,
    file: Option<File>,
    failed: bool,
}

impl AppendFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            failed: false,
        }
    }

    /// Appends a record, whole or not at all. The first failure of a row of them gives a message
    /// that ends with what is lost.
    pub(super) fn append(&mut self, record: &[u8], lost: &str) -> Option<String> {
        let error = match self.write(record) {
            Ok(()) => {
                self.failed = false;
                return None;
            }
            Err(error) => error,
        };
        let told_before = std::mem::replace(&mut self.failed, true);
        let path = self.path.display();
        let message = format!(
            "{path}: cannot be written ({error}); until there is space and permission, {lost}"
        );
        (!told_before).then_some(message)
    }

    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        let length = file.metadata()?.len();
        file.write_all(record).inspect_err(|_| {
            // Nothing more can be done if this fails too.
            let _ = file.set_len(length);
        })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once_and_the_next_record_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing");
        let mut file = AppendFile::new(missing.join("file"));
        let message = file.append(b"a", "losses are lost").expect("a message");
        assert!(message.contains("file") && message.ends_with("losses are lost"));
        assert_eq!(file.append(b"b", "losses are lost"), None);
        std::fs::create_dir(&missing).expect("a folder");
        assert_eq!(file.append(b"c", "losses are lost"), None);
        assert_eq!(file.append(b"d", "losses are lost"), None);
        let content = std::fs::read(missing.join("file")).expect("a file");
        assert_eq!(content, b"cd");
    }
}
