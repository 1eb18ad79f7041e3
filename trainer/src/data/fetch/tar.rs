//! The entries of a tar. Long names are read here and not by the library, which reads them into
//! memory whatever their length.

use std::io::Read;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::writer::{FolderWriter, UnpackError, damaged, shown};

/// No name and no set of attributes is longer.
const MAX_EXTENSION: u64 = 1 << 20;

/// What earlier entries say about the next one.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    length: Option<u64>,
}

/// Unpacks every entry of an uncompressed tar.
pub(super) fn unpack(reader: impl Read, writer: &mut FolderWriter<'_>) -> Result<(), UnpackError> {
    let mut archive = Archive::new(reader);
    let mut extension = Extension::default();
    for entry in archive.entries().map_err(damaged)?.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        writer.count()?;
        let name = match &extension.name {
            Some(name) => name.clone(),
            None => entry.header().path_bytes().into_owned(),
        };
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                let mut name = read_extension(&mut entry, &name)?;
                name.truncate(
                    name.iter()
                        .position(|&byte| byte == 0)
                        .unwrap_or(name.len()),
                );
                extension.name = Some(name);
                continue;
            }
            EntryType::XHeader => {
                let attributes = read_extension(&mut entry, &name)?;
                extension.read_pax(&attributes, &name)?;
                continue;
            }
            // About the archive as a whole: nothing that files need.
            EntryType::XGlobalHeader => continue,
            EntryType::Link | EntryType::Symlink | EntryType::GNULongLink => {
                return Err(UnpackError::Link {
                    entry: shown(&name),
                });
            }
            EntryType::Directory => writer.make_folder(&name)?,
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if name.ends_with(b"/") => writer.make_folder(&name)?,
            EntryType::Regular | EntryType::Continuous => {
                extension.check_length(entry.size(), &name)?;
                writer.write_file(&name, &mut entry)?;
            }
            _ => {
                return Err(UnpackError::Special {
                    entry: shown(&name),
                });
            }
        }
        extension = Extension::default();
    }
    Ok(())
}

fn read_extension<R: Read>(entry: &mut Entry<'_, R>, name: &[u8]) -> Result<Vec<u8>, UnpackError> {
    let mut content = Vec::new();
    if entry.size() > MAX_EXTENSION {
        return Err(UnpackError::Special { entry: shown(name) });
    }
    entry.read_to_end(&mut content).map_err(damaged)?;
    Ok(content)
}

impl Extension {
    fn read_pax(&mut self, attributes: &[u8], name: &[u8]) -> Result<(), UnpackError> {
        for attribute in PaxExtensions::new(attributes) {
            let attribute = attribute.map_err(damaged)?;
            let value = attribute.value_bytes();
            match attribute.key_bytes() {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => return Err(UnpackError::Link { entry: shown(name) }),
                b"size" => self.length = shown(value).parse().ok(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Readers that believe different lengths see different archives; only files above 8 GiB need
    /// two.
    fn check_length(&self, actual: u64, name: &[u8]) -> Result<(), UnpackError> {
        match self.length {
            Some(length) if length != actual => Err(UnpackError::Damaged {
                reason: format!("the entry \"{}\" states two lengths", shown(name)),
            }),
            _ => Ok(()),
        }
    }
}
