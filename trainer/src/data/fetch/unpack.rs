//! Archives into an empty folder: files and folders of plain names, nothing else, and no more
//! than a limit. Trusts no size that an archive states.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use flate2::read::MultiGzDecoder;

use super::request::{Listener, is_stopped};
use super::writer::{FolderWriter, Limits, UnpackError, Unpacked, damaged};
use super::{tar, zip};
use crate::system::bounded::{Bounded, Budget};

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
    let mut writer = FolderWriter::new(folder, limits, stop, listen);
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
        Some(Kind::Zip) => zip::unpack(reader, &packed, &mut writer),
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
    match writer.unpacked() {
        Unpacked { files: 0, .. } => Err(UnpackError::Empty),
        unpacked => Ok(unpacked),
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

#[cfg(test)]
mod tests {
    use ::tar::EntryType;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use std::io::Write;

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
