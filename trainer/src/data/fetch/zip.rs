//! The entries of a zip.

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::writer::{FolderWriter, MAX_DIRECTORY, UnpackError, shown};
use crate::system::bounded::Budget;

/// Kind of file in the mode bits of Unix, where zip keeps it.
const UNIX_KIND: u32 = 0o170_000;
const UNIX_FILE: u32 = 0o100_000;
const UNIX_FOLDER: u32 = 0o040_000;

/// Unpacks every entry; `budget` is what may be read of the archive.
pub(super) fn unpack(
    reader: impl Read + Seek,
    budget: &Budget<'_>,
    writer: &mut FolderWriter<'_>,
) -> Result<(), UnpackError> {
    budget.renew(MAX_DIRECTORY);
    let mut archive = ZipArchive::new(reader).map_err(zip_damaged)?;
    budget.renew(u64::MAX);
    for index in 0..archive.len() {
        writer.count()?;
        let mut entry = archive.by_index(index).map_err(zip_damaged)?;
        let name = entry.name_raw().to_vec();
        let kind = entry.unix_mode().map_or(0, |mode| mode & UNIX_KIND);
        if entry.is_symlink() {
            return Err(UnpackError::Link {
                entry: shown(&name),
            });
        }
        match kind {
            _ if entry.is_dir() => writer.make_folder(&name)?,
            0 | UNIX_FILE => writer.write_file(&name, &mut entry)?,
            UNIX_FOLDER => writer.make_folder(&name)?,
            _ => {
                return Err(UnpackError::Special {
                    entry: shown(&name),
                });
            }
        }
    }
    Ok(())
}

fn zip_damaged(error: ZipError) -> UnpackError {
    UnpackError::Damaged {
        reason: error.to_string(),
    }
}
