//! Archives of `torch.save` in the plainest form of a zip file. Knows nothing of what is inside.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// How an archive ends: a record of 22 bytes, before it in large archives a locator of 20 bytes
/// and the record that it points to.
const END: u64 = 22;
const END_MAGIC: [u8; 4] = *b"PK\x05\x06";
const LOCATOR: u64 = 20;
const LOCATOR_MAGIC: [u8; 4] = *b"PK\x06\x07";
/// Where the locator has the place of the large record.
const LOCATOR_TARGET: std::ops::Range<usize> = 8..16;
/// Where the end has its number of entries, and their size and place.
const END_COUNT: std::ops::Range<usize> = 10..12;
const END_SIZE_AND_PLACE: std::ops::Range<usize> = 12..20;

/// A copy without the records for large archives, which `torch.save` writes without need: a zip
/// reader that counts back from the end over them takes the second entry for the first where the
/// first entry's header is as long as they are. `None` if the file has none or needs them.
pub fn without_spare_records(path: &Path) -> io::Result<Option<NamedTempFile>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length < END + LOCATOR {
        return Ok(None);
    }
    let mut tail = [0; (END + LOCATOR) as usize];
    file.seek(SeekFrom::Start(length - END - LOCATOR))?;
    file.read_exact(&mut tail)?;
    let (locator, end) = tail.split_at(LOCATOR as usize);
    let is_needed = |field: &[u8]| field.iter().all(|&byte| byte == 0xff);
    let (size, place) = end[END_SIZE_AND_PLACE].split_at(4);
    let spare = locator.starts_with(&LOCATOR_MAGIC)
        && end.starts_with(&END_MAGIC)
        && ![&end[END_COUNT], size, place].into_iter().any(is_needed);
    let mut target = [0; 8];
    target.copy_from_slice(&locator[LOCATOR_TARGET]);
    let kept = u64::from_le_bytes(target);
    if !spare || kept > length - END - LOCATOR {
        return Ok(None);
    }
    let mut copy = NamedTempFile::new()?;
    file.rewind()?;
    io::copy(&mut file.take(kept), &mut copy)?;
    copy.write_all(end)?;
    copy.flush()?;
    Ok(Some(copy))
}
