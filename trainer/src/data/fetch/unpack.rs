//! Archives into an empty folder: files and folders of plain names, nothing else, and no more
//! than a limit. Trusts no size that an archive states.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use flate2::read::MultiGzDecoder;
use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use super::path::{UnsafePath, inside};
use super::tar;
use super::{FetchEvent, Listener, is_stopped};
use crate::system::bounded::{Bounded, Budget};
use crate::system::printable::printable_line;

/// Bytes copied at once.
const CHUNK: usize = 1 << 16;
/// Longest directory of a zip, which is held in memory whole, several times as large: half a
/// million files of usual names.
const MAX_DIRECTORY: u64 = 48 << 20;
/// Kind of file in the mode bits of Unix, where zip keeps it.
const UNIX_KIND: u32 = 0o170_000;
const UNIX_FILE: u32 = 0o100_000;
const UNIX_FOLDER: u32 = 0o040_000;

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
    /// A hundred times the archive and a GiB, at most 64 GiB, in 2 million entries: pictures are
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
    /// Their bytes.
    pub bytes: u64,
}

/// Unpacks `archive` into the empty folder `folder`. Its kind is read from its first bytes.
///
/// # Errors
/// See [`UnpackError`]; the folder then holds whatever came before.
pub fn unpack(
    archive: &File,
    folder: &Path,
    limits: &Limits,
    stop: &AtomicBool,
    listen: Listener<'_>,
) -> Result<Unpacked, UnpackError> {
    let mut writer = FolderWriter {
        folder,
        limits,
        stop,
        listen,
        entries: 0,
        unpacked: Unpacked::default(),
    };
    let mut reader = BufReader::with_capacity(1 << 20, archive);
    let kind = Kind::of(&mut reader).map_err(damaged)?;
    // Of what is packed, and of all that comes out, whether it is a file's or not.
    let packed = Budget::new(u64::MAX).until(stop);
    let content = Budget::new(limits.bytes).until(stop);
    let reader = Bounded::new(reader, &packed);
    let unpacked = match kind {
        Some(Kind::Tar) => tar::unpack(Bounded::new(reader, &content), &mut writer),
        Some(Kind::TarGz) => {
            let mut decoder = Bounded::new(MultiGzDecoder::new(reader), &content);
            tar::unpack(&mut decoder, &mut writer)
                // The checksum comes after the last block.
                .and_then(|()| drain(&mut decoder))
        }
        Some(Kind::Zip) => unpack_zip(reader, &packed, &mut writer),
        None => Err(UnpackError::Kind),
    };
    unpacked.map_err(|error| match error {
        _ if is_stopped(stop) => UnpackError::Stopped,
        _ if packed.is_spent() => UnpackError::Directory,
        _ if content.is_spent() => UnpackError::TooLarge {
            limit: limits.bytes,
        },
        error => error,
    })?;
    match writer.unpacked.files {
        0 => Err(UnpackError::Empty),
        _ => Ok(writer.unpacked),
    }
}

enum Kind {
    Tar,
    TarGz,
    Zip,
}

impl Kind {
    fn of(reader: &mut (impl Read + Seek)) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        reader.seek(SeekFrom::Start(0))?;
        reader.by_ref().take(512).read_to_end(&mut start)?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(match start.as_slice() {
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            block if block.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        })
    }
}

fn drain(reader: &mut impl Read) -> Result<(), UnpackError> {
    let read = io::copy(reader, &mut io::sink());
    read.map(drop).map_err(damaged)
}

fn unpack_zip(
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

/// Writes entries and counts what it writes.
pub(super) struct FolderWriter<'a> {
    folder: &'a Path,
    limits: &'a Limits,
    stop: &'a AtomicBool,
    listen: Listener<'a>,
    entries: u64,
    unpacked: Unpacked,
}

impl FolderWriter<'_> {
    /// Makes the folder of an entry.
    pub(super) fn make_folder(&mut self, name: &[u8]) -> Result<(), UnpackError> {
        let Some(path) = self.place(name)? else {
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
        let Some(path) = self.place(name)? else {
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
    fn place(&mut self, name: &[u8]) -> Result<Option<PathBuf>, UnpackError> {
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

fn zip_damaged(error: ZipError) -> UnpackError {
    UnpackError::Damaged {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ::tar::EntryType;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn unpack_bytes(bytes: &[u8], limits: Limits) -> Result<Unpacked, UnpackError> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut archive = tempfile::tempfile().expect("a file");
        archive.write_all(bytes).expect("room");
        let stop = AtomicBool::new(false);
        unpack(&archive, folder.path(), &limits, &stop, &mut |_| {})
    }

    fn tar_gz(files: &[(&str, usize)]) -> Vec<u8> {
        let encoder = GzEncoder::new(Vec::new(), Compression::best());
        let mut builder = ::tar::Builder::new(encoder);
        for (name, length) in files {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(*length as u64);
            header.set_mode(0o644);
            let content = io::repeat(7).take(*length as u64);
            builder
                .append_data(&mut header, name, content)
                .expect("an entry");
        }
        let encoder = builder.into_inner().expect("a tar");
        encoder.finish().expect("a gz")
    }

    const SMALL: Limits = Limits {
        bytes: 100_000,
        entries: 3,
    };

    #[test]
    fn an_archive_that_unpacks_to_more_than_the_limit_is_refused() {
        let bomb = tar_gz(&[("a", 60_000), ("b", 60_000)]);
        assert!(bomb.len() < 2_000);
        let error = unpack_bytes(&bomb, SMALL).expect_err("too large");
        assert!(matches!(error, UnpackError::TooLarge { limit: 100_000 }));
    }

    #[test]
    fn an_archive_with_more_entries_than_the_limit_is_refused() {
        let many = tar_gz(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        let error = unpack_bytes(&many, SMALL).expect_err("too many");
        assert!(matches!(error, UnpackError::TooMany { limit: 3 }));
    }

    #[test]
    fn a_tail_of_zeros_behind_the_archive_is_bounded_too() {
        let mut bomb = tar_gz(&[("a", 1)]);
        let mut tail = GzEncoder::new(Vec::new(), Compression::best());
        tail.write_all(&vec![0; 200_000]).expect("room");
        bomb.extend(tail.finish().expect("a gz"));
        let error = unpack_bytes(&bomb, SMALL).expect_err("too large");
        assert!(matches!(error, UnpackError::TooLarge { .. }));
    }

    /// A tar.gz of entries of one kind with so many bytes each, and an honest file behind them.
    fn entries_of(kind: EntryType, name: &str, lengths: &[usize]) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
        let kinds = lengths.iter().map(|&length| (kind, name, length));
        for (kind, name, length) in kinds.chain([(EntryType::Regular, "fine", 1)]) {
            let mut header = ::tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_path(name).expect("a name");
            header.set_size(length as u64);
            header.set_mode(0o644);
            header.set_cksum();
            // No attribute at all is as good as many.
            builder
                .append(&header, io::repeat(0).take(length as u64))
                .expect("an entry");
        }
        builder.into_inner().expect("a tar").finish().expect("a gz")
    }

    #[test]
    fn what_is_left_out_of_an_archive_counts_too() {
        for (kind, name) in [
            (EntryType::XGlobalHeader, "attributes"),
            (EntryType::Regular, "__MACOSX/a"),
        ] {
            let bomb = entries_of(kind, name, &[200_000]);
            let error = unpack_bytes(&bomb, SMALL).expect_err("too large");
            assert!(
                matches!(error, UnpackError::TooLarge { .. }),
                "{kind:?}: {error}"
            );
        }
        for kind in [
            EntryType::XGlobalHeader,
            EntryType::XHeader,
            EntryType::GNULongName,
        ] {
            let many = entries_of(kind, "attributes", &[0; 10]);
            let error = unpack_bytes(&many, SMALL).expect_err("too many");
            assert!(
                matches!(error, UnpackError::TooMany { .. }),
                "{kind:?}: {error}"
            );
            let long = entries_of(kind, "attributes", &[2 << 20]);
            let limits = Limits {
                bytes: 1 << 30,
                ..SMALL
            };
            let unpacked = unpack_bytes(&long, limits);
            assert_eq!(
                unpacked.is_ok(),
                kind == EntryType::XGlobalHeader,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_stop_ends_what_writes_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for bytes in [
            entries_of(EntryType::XGlobalHeader, "attributes", &[1 << 20]),
            zip_of_comments(3),
        ] {
            let mut archive = tempfile::tempfile().expect("a file");
            archive.write_all(&bytes).expect("room");
            let stop = AtomicBool::new(true);
            let stopped = unpack(&archive, folder.path(), &SMALL, &stop, &mut |_| {});
            assert!(matches!(stopped, Err(UnpackError::Stopped)), "{stopped:?}");
        }
    }

    /// A zip of nothing but folders, each with the longest comment.
    fn zip_of_comments(folders: u16) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend([0; 12]);
        bytes.extend([2, 0, 0, 0, b'a', b'/']);
        let start = bytes.len() as u32;
        for _ in 0..folders {
            bytes.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0");
            bytes.extend([0; 12]);
            bytes.extend([2, 0, 0, 0, 0xff, 0xff]);
            bytes.extend([0; 12]);
            bytes.extend(b"a/");
            bytes.extend(vec![b'c'; 0xffff]);
        }
        let length = bytes.len() as u32 - start;
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(folders.to_le_bytes().repeat(2));
        bytes.extend(length.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    #[test]
    fn a_zip_whose_directory_is_too_long_is_refused_before_it_is_held() {
        let few = unpack_bytes(&zip_of_comments(3), SMALL).expect_err("no file");
        assert!(matches!(few, UnpackError::Empty), "{few}");
        let many = unpack_bytes(&zip_of_comments(800), SMALL).expect_err("too long");
        assert!(matches!(many, UnpackError::Directory), "{many}");
    }

    #[test]
    fn every_cut_of_an_archive_is_noticed() {
        let whole = tar_gz(&[("a", 2_000), ("b/c", 3)]);
        assert_eq!(
            unpack_bytes(&whole, SMALL).expect("a whole archive"),
            Unpacked {
                files: 2,
                bytes: 2_003
            }
        );
        for length in 0..whole.len() {
            assert!(unpack_bytes(&whole[..length], SMALL).is_err(), "{length}");
        }
    }

    #[test]
    fn other_files_and_empty_archives_are_named_as_such() {
        let page = unpack_bytes(b"<html>no</html>", SMALL).expect_err("no archive");
        assert!(matches!(page, UnpackError::Kind));
        let empty = unpack_bytes(&tar_gz(&[]), SMALL).expect_err("nothing in it");
        assert!(matches!(empty, UnpackError::Empty));
    }
}
