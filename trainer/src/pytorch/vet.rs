//! The gate before the reader: lets through only pickles made of what `torch.save` writes for
//! a dictionary of tensors, and only archives that cannot grow in memory. Reads no tensors.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use thiserror::Error;
use zip::{CompressionMethod, ZipArchive};

use crate::system::bounded::{Bounded, Budget};

/// Longest pickle that is looked at. Those of the largest networks here have 40 thousand bytes,
/// and a reader's memory is a multiple of this.
const MAX_PICKLE_BYTES: u64 = 1 << 20;
/// Longest name of a Python object.
const MAX_NAME_BYTES: u64 = 256;
/// Most files in an archive; one per tensor and a few more.
const MAX_ENTRIES: usize = 10_000;
/// Longest list of them.
const MAX_DIRECTORY_BYTES: u64 = 4 << 20;
/// How a file of the old format starts: a pickled number that is always the same.
const LEGACY_START: [u8; 13] = [
    0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50,
];
/// Magic number, protocol, machine, state dict, order of the storages.
const LEGACY_PICKLES: usize = 5;
/// Where a tar archive says that it is one.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Python objects that a state dict may name. They are never called: the reader knows what they
/// stand for.
const ALLOWED_GLOBALS: [&str; 14] = [
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
];

/// Why a file does not get to the reader.
#[derive(Debug, Error)]
pub enum VetError {
    #[error("it is neither a file of torch.save nor safetensors; give the .pth of a generator")]
    Unknown,
    #[error("it was saved by PyTorch 0.1.9 or older; load it there and save it with a newer one")]
    Tar,
    #[error(
        "its pickle names the Python object \"{0}\", which weights do not need; nothing was \
         executed. If you trust the file, save its weights alone: torch.save(net.state_dict(), …)"
    )]
    Global(String),
    #[error(
        "its pickle has the instruction 0x{opcode:02x} at byte {position}, which weights do not \
         need; nothing was executed. Save the weights alone: torch.save(net.state_dict(), …)"
    )]
    Opcode { opcode: u8, position: u64 },
    #[error(
        "its pickle is longer than {MAX_PICKLE_BYTES} bytes; save the weights alone: \
         torch.save(net.state_dict(), …)"
    )]
    PickleTooLong,
    #[error("its archive holds {0} files; weights need no more than {MAX_ENTRIES}")]
    TooManyEntries(usize),
    #[error("the list of its archive's files is longer than {MAX_DIRECTORY_BYTES} bytes")]
    DirectoryTooLong,
    /// A compressed archive could grow to any size.
    #[error(
        "\"{0}\" in its archive is compressed, which torch.save never does; unpack it and pack \
         it again without compression (zip -0 -r)"
    )]
    Compressed(String),
    #[error(
        "its archive holds no data.pkl, as files of torch.save do; give the .pth of a generator"
    )]
    NoPickle,
    #[error("it is damaged or was cut short ({0}); copy or download it again")]
    Damaged(String),
}

/// Checks everything in the file of `torch.save` that leads the reader.
pub(super) fn vet(mut file: File) -> Result<(), VetError> {
    let mut start = Vec::new();
    file.by_ref()
        .take(TAR_MAGIC.end as u64)
        .read_to_end(&mut start)
        .map_err(damaged)?;
    file.rewind().map_err(damaged)?;
    if start.starts_with(b"PK") {
        return vet_zip(file);
    }
    if start.get(TAR_MAGIC) == Some(b"ustar") {
        return Err(VetError::Tar);
    }
    if !start.starts_with(&LEGACY_START) {
        return Err(VetError::Unknown);
    }
    let mut reader = BufReader::new(file).take(MAX_PICKLE_BYTES);
    (0..LEGACY_PICKLES).try_for_each(|_| vet_pickle(&mut reader))
}

fn vet_zip(file: File) -> Result<(), VetError> {
    let budget = Budget::new(MAX_DIRECTORY_BYTES);
    let reader = Bounded::new(BufReader::new(file), &budget);
    let mut archive = ZipArchive::new(reader).map_err(|error| match budget.is_spent() {
        true => VetError::DirectoryTooLong,
        false => damaged(error),
    })?;
    budget.renew(u64::MAX);
    if archive.len() > MAX_ENTRIES {
        return Err(VetError::TooManyEntries(archive.len()));
    }
    let mut pickles = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        if entry.compression() != CompressionMethod::Stored {
            return Err(VetError::Compressed(name));
        }
        if name == "data.pkl" || name.ends_with("/data.pkl") {
            pickles += 1;
            vet_pickle(&mut entry.take(MAX_PICKLE_BYTES))?;
        }
    }
    match pickles {
        0 => Err(VetError::NoPickle),
        _ => Ok(()),
    }
}

fn damaged(error: impl ToString) -> VetError {
    VetError::Damaged(error.to_string())
}

/// Walks over one pickle, from instruction to instruction, without building anything.
fn vet_pickle<R: Read>(reader: &mut io::Take<R>) -> Result<(), VetError> {
    loop {
        let position = MAX_PICKLE_BYTES - reader.limit();
        let opcode = byte(reader)?;
        let argument = match opcode {
            b'.' => return Ok(()),
            // Containers, marks, constants, calls of what the list below allows.
            b'}' | b']' | b')' | b'(' | b't' | 0x85..=0x89 | b'N' => 0,
            b'R' | b'b' | b's' | b'u' | b'a' | b'e' | b'Q' => 0,
            // Protocol, memo, numbers.
            0x80 | b'q' | b'h' | b'K' => 1,
            b'M' => 2,
            b'r' | b'j' | b'J' => 4,
            b'G' => 8,
            // Long numbers and texts after their lengths.
            0x8a | b'U' => u64::from(byte(reader)?),
            b'X' | b'T' => u64::from(u32::from_le_bytes(array(reader)?)),
            b'c' => {
                let name = format!("{}.{}", line(reader)?, line(reader)?);
                if !ALLOWED_GLOBALS.contains(&name.as_str()) {
                    return Err(VetError::Global(name));
                }
                0
            }
            _ => return Err(VetError::Opcode { opcode, position }),
        };
        let skipped = io::copy(&mut reader.by_ref().take(argument), &mut io::sink());
        if skipped.map_err(damaged)? < argument {
            return Err(ended(reader));
        }
    }
}

fn ended<R>(reader: &io::Take<R>) -> VetError {
    match reader.limit() {
        0 => VetError::PickleTooLong,
        _ => VetError::Damaged("its pickle has no end".to_string()),
    }
}

fn array<const N: usize, R: Read>(reader: &mut io::Take<R>) -> Result<[u8; N], VetError> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ended(reader)),
        Err(error) => Err(damaged(error)),
    }
}

fn byte<R: Read>(reader: &mut io::Take<R>) -> Result<u8, VetError> {
    array::<1, R>(reader).map(|[byte]| byte)
}

/// A line of printable text: it ends up in an error message.
fn line<R: Read>(reader: &mut io::Take<R>) -> Result<String, VetError> {
    let mut text = String::new();
    loop {
        match byte(reader)? {
            b'\n' => return Ok(text),
            _ if text.len() as u64 >= MAX_NAME_BYTES => return Err(VetError::Global(text)),
            letter => text.extend(char::from(letter).escape_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vet_bytes(pickle: &[u8]) -> Result<(), VetError> {
        vet_pickle(&mut pickle.take(MAX_PICKLE_BYTES))
    }

    #[test]
    fn a_call_of_the_system_is_refused_by_its_name() {
        for (pickle, name) in [
            (
                &b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."[..],
                "os.system",
            ),
            (b"\x80\x02cbuiltins\neval\n.", "builtins.eval"),
            (b"\x80\x02ctorch\nload\n.", "torch.load"),
            (b"\x80\x02c__main__\nNet\n)\x81.", "__main__.Net"),
        ] {
            let vetted = vet_bytes(pickle);
            assert!(
                matches!(&vetted, Err(VetError::Global(found)) if found == name),
                "{vetted:?}"
            );
        }
    }

    #[test]
    fn every_instruction_that_weights_do_not_need_is_refused() {
        let needed = b".}])(tNRbsuaeQqhKMrjJGUXTc\x80\x85\x86\x87\x88\x89\x8a";
        for opcode in (0..=255).filter(|opcode| !needed.contains(opcode)) {
            let vetted = vet_bytes(&[0x80, 2, opcode]);
            assert!(
                matches!(vetted, Err(VetError::Opcode { opcode: found, position: 2 }) if found == opcode),
                "{vetted:?}"
            );
        }
    }

    #[test]
    fn a_pickle_without_end_is_refused() {
        let cut = vet_bytes(b"\x80\x02}X\xff\xff\xff\x7fshort");
        assert!(matches!(cut, Err(VetError::Damaged(_))), "{cut:?}");
        let endless = vet_bytes(&vec![b'N'; 2 * MAX_PICKLE_BYTES as usize]);
        assert!(
            matches!(endless, Err(VetError::PickleTooLong)),
            "{endless:?}"
        );
    }
}
