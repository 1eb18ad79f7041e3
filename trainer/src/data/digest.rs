//! SHA-256 of files that need not fit into memory.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Bytes that are read at a time.
const PART: usize = 1 << 16;

/// SHA-256 of all that `reader` gives, as 64 hexadecimal digits.
pub fn sha256_of(mut reader: impl Read) -> io::Result<String> {
    let mut part = vec![0; PART];
    let mut digest = Sha256::new();
    loop {
        match reader.read(&mut part)? {
            0 => break,
            read => digest.update(&part[..read]),
        }
    }
    let digest = digest.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
