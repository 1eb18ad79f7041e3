//! Messages of protocol buffers, written and read field by field.

use protobuf::rt::WireType;
use protobuf::{CodedInputStream, CodedOutputStream, Result};

/// The bytes of a message. Memory takes whatever is written, so that nothing fails.
pub fn message(write: impl FnOnce(&mut CodedOutputStream<'_>) -> Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = CodedOutputStream::vec(&mut bytes);
    let written = write(&mut stream).and_then(|()| stream.flush());
    debug_assert!(written.is_ok());
    drop(stream);
    bytes
}

/// What a field of a message holds.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    /// A text, a message or numbers without gaps.
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers, in the order of its bytes. Nothing is copied. An
/// error is the last item.
pub fn fields(bytes: &[u8]) -> impl Iterator<Item = Result<(u32, Field<'_>)>> {
    let mut stream = CodedInputStream::from_bytes(bytes);
    let mut has_failed = false;
    std::iter::from_fn(move || {
        if has_failed {
            return None;
        }
        let field = next_field(&mut stream, bytes).transpose();
        has_failed = matches!(field, Some(Err(_)));
        field
    })
}

fn next_field<'a>(
    stream: &mut CodedInputStream<'a>,
    bytes: &'a [u8],
) -> Result<Option<(u32, Field<'a>)>> {
    let Some(tag) = stream.read_raw_tag_or_eof()? else {
        return Ok(None);
    };
    let field = match WireType::new(tag & 7) {
        Some(WireType::Varint) => Field::Varint(stream.read_raw_varint64()?),
        Some(WireType::Fixed32) => Field::Fixed32(stream.read_fixed32()?),
        Some(WireType::Fixed64) => Field::Fixed64(stream.read_fixed64()?),
        // Groups are long gone from the formats that are read here.
        _ => {
            let length = stream.read_raw_varint32()?;
            let start = stream.pos() as usize;
            stream.skip_raw_bytes(length)?;
            Field::Bytes(&bytes[start..stream.pos() as usize])
        }
    };
    Ok(Some((tag >> 3, field)))
}

/// Numbers that follow each other without gaps, at most so many.
pub fn packed_varints(bytes: &[u8], most: usize) -> Result<Vec<u64>> {
    let mut stream = CodedInputStream::from_bytes(bytes);
    let mut numbers = Vec::new();
    while numbers.len() < most && !stream.eof()? {
        numbers.push(stream.read_raw_varint64()?);
    }
    Ok(numbers)
}
