//! Messages of protocol buffers, written field by field.

use protobuf::{CodedOutputStream, Result};

/// The bytes of a message. Memory takes whatever is written, so that nothing fails.
pub fn message(write: impl FnOnce(&mut CodedOutputStream<'_>) -> Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = CodedOutputStream::vec(&mut bytes);
    let written = write(&mut stream).and_then(|()| stream.flush());
    debug_assert!(written.is_ok());
    drop(stream);
    bytes
}
