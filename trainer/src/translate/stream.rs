//! Images as entries of a tar stream, and their results as entries of another: what an engine that
//! spreads work over machines can feed, without files between them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{TileOptions, Translator};
use tar::{Archive, Builder, Entry, EntryType, Header};
use tempfile::TempDir;
use thiserror::Error;

use super::{Job, translate_file};
use crate::system::bounded::{Bounded, Budget};

/// Longest image file.
const MAX_IMAGE: u64 = 1 << 30;
/// Names, other headers and padding between two entries.
const MAX_HEADERS: u64 = 1 << 20;

/// A stream that does not go on.
#[derive(Debug, Error)]
pub enum StreamError {
    #[error("stdin: the tar stream ends early or is damaged ({0}); what came before it is done")]
    Read(io::Error),
    #[error("the temporary folder cannot be used ({0}); check TMPDIR, and the space there")]
    Temporary(io::Error),
    #[error("the result cannot be written to stdout ({0}); check where it goes")]
    Write(io::Error),
}

/// What became of an entry: the length of its result, or why there is none.
pub type Outcome = Result<u64, String>;

/// Translates each file of the tar stream `input` into an entry of `output`, in the same order and at
/// once. The result of `NAME` is `NAME.png` (`NAME.tif` of bands that no PNG holds); an image that
/// cannot be translated has an entry `NAME.error` with the reason.
pub fn translate_stream(
    translator: &Translator,
    (tiles, enlarge): (TileOptions, u32),
    (input, output): (impl Read, impl Write),
    stop: &AtomicBool,
    on: &mut dyn FnMut(&str, &Outcome),
) -> Result<(), StreamError> {
    let place = TempDir::new().map_err(StreamError::Temporary)?;
    let budget = Budget::new(MAX_HEADERS);
    let mut archive = Archive::new(Bounded::new(input, &budget));
    let mut output = Builder::new(output);
    for entry in archive.entries().map_err(StreamError::Read)? {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut entry = entry.map_err(StreamError::Read)?;
        budget.renew(stored(&mut entry).saturating_add(MAX_HEADERS));
        let kind = entry.header().entry_type();
        // `git archive` begins with a header for all entries.
        if matches!(kind, EntryType::Directory | EntryType::XGlobalHeader) {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let image = spooled(&mut entry, &name, place.path())?;
        let result = image.and_then(|image| translated(translator, (tiles, enlarge), &name, image));
        let outcome = append(&mut output, &name, result)?;
        on(&name, &outcome);
    }
    output.finish().map_err(StreamError::Write)
}

/// How many bytes of the stream an entry has, which are read or skipped.
fn stored<R: Read>(entry: &mut Entry<'_, R>) -> u64 {
    let kind = entry.header().entry_type();
    match kind {
        // Its size counts the holes. No program gives it another one in a pax header.
        EntryType::GNUSparse if matches!(entry.pax_extensions(), Ok(None)) => {
            entry.header().entry_size().unwrap_or(0)
        }
        EntryType::GNUSparse => 0,
        _ => entry.size(),
    }
}

/// The entry as a file whose ending is that of its name.
fn spooled<R: Read>(
    entry: &mut Entry<'_, R>,
    name: &str,
    place: &Path,
) -> Result<Result<Job, String>, StreamError> {
    if !entry.header().entry_type().is_file() {
        return Ok(Err(format!("{name}: no file; send files alone")));
    }
    if entry.size() > MAX_IMAGE {
        let size = entry.size();
        return Ok(Err(format!(
            "{name}: has {size} bytes, more than the {MAX_IMAGE} that are taken; translate it as a file"
        )));
    }
    let ending = Path::new(name).extension().unwrap_or_default();
    let ending = ending.to_string_lossy();
    let is_plain = ending.chars().all(|letter| letter.is_ascii_alphanumeric());
    let input = place.join("image");
    let input = match is_plain && ending.len() <= 8 {
        true => input.with_extension(&*ending),
        false => input,
    };
    let mut file = File::create(&input).map_err(StreamError::Temporary)?;
    let whole = entry.size();
    let copied = io::copy(entry, &mut file).map_err(StreamError::Read)?;
    if copied != whole {
        return Err(StreamError::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    let output = place.join("result.png");
    Ok(Ok(Job { input, output }))
}

/// The ending of a result and its bytes. What is said of it names the entry, not the file that it was
/// for a while.
fn translated(
    translator: &Translator,
    (tiles, enlarge): (TileOptions, u32),
    name: &str,
    job: Job,
) -> Result<(String, Vec<u8>), String> {
    let outcome = translate_file(translator, &job, tiles, enlarge);
    let outcome = outcome.map_err(|error| error.to_string()).and_then(|done| {
        let ending = done.output.extension().unwrap_or_default();
        let bytes = fs::read(&done.output).map_err(|error| format!("{name}: {error}"))?;
        Ok((ending.to_string_lossy().into_owned(), bytes))
    });
    // The next one has the same place.
    let _ = fs::remove_file(&job.input);
    outcome.map_err(|message| message.replace(&job.input.display().to_string(), name))
}

fn append<W: Write>(
    output: &mut Builder<W>,
    name: &str,
    result: Result<(String, Vec<u8>), String>,
) -> Result<Outcome, StreamError> {
    let (ending, bytes, outcome) = match result {
        Ok((ending, bytes)) => {
            let length = bytes.len() as u64;
            (ending, bytes, Ok(length))
        }
        Err(message) => (
            "error".to_owned(),
            message.clone().into_bytes(),
            Err(message),
        ),
    };
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    // Nobody unpacks a result beside the folder that it was meant for.
    let parts = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    let name = parts.collect::<Vec<_>>().join("/");
    let appended = output.append_data(&mut header, format!("{name}.{ending}"), &bytes[..]);
    let flushed = appended.and_then(|()| output.get_mut().flush());
    flushed.map_err(StreamError::Write)?;
    Ok(outcome)
}
