//! TFRecord, the framing of event files: length, its checksum, data, their checksum. Source:
//! `tensorflow/core/lib/io/record_writer.h`.

/// What is added to a rotated CRC-32C, so that checksums of data with checksums are not weak.
const MASK_DELTA: u32 = 0xa282_ead8;

/// A record around `data`.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let parts = [
        &length[..],
        &masked_crc(&length).to_le_bytes(),
        data,
        &masked_crc(data).to_le_bytes(),
    ];
    parts.concat()
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(MASK_DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first record of a file and the rest; `None` when a checksum or a length is wrong.
    fn unframed(file: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = file.split_first_chunk::<8>()?;
        let (length_crc, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*length_crc) != masked_crc(length) {
            return None;
        }
        let (data, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*crc) == masked_crc(data)).then_some((data, rest))
    }

    #[test]
    fn records_are_read_back_in_order() {
        let file = [framed(b"one"), framed(b""), framed(&[7; 300])].concat();
        let (one, rest) = unframed(&file).expect("a record");
        let (empty, rest) = unframed(rest).expect("a record");
        let (long, rest) = unframed(rest).expect("a record");
        assert_eq!((one, empty, long), (&b"one"[..], &b""[..], &[7; 300][..]));
        assert!(rest.is_empty());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let record = framed(b"losses");
        for index in 0..record.len() {
            let mut changed = record.clone();
            changed[index] ^= 1;
            assert!(unframed(&changed).is_none(), "byte {index}");
        }
    }

    #[test]
    fn the_checksum_is_that_of_tensorflow() {
        // The first record of every event file that TensorFlow writes, its length and checksum:
        // 24 bytes that say "brain.Event:2" at a time.
        let length = 24u64.to_le_bytes();
        assert_eq!(masked_crc(&length).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }
}
