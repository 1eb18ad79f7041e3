//! Gets a public data set: downloads its archive, checks it and unpacks it into a folder that is
//! there whole or not at all. Emits events; never prints.

mod download;
mod error;
mod part;
mod path;
mod request;
mod staging;
mod tar;
mod unpack;
mod writer;
mod zip;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use download::Download;
use error::disk;
use part::Part;
use request::is_stopped;
use staging::Staging;

pub use error::FetchError;
pub use request::{FetchEvent, FetchRequest, Listener};
pub use unpack::unpack;
pub use writer::{Limits, UnpackError, Unpacked};

/// How a request ended without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// The folder was there and has something in it; it was left alone.
    AlreadyThere,
    /// The folder was made.
    Fetched {
        /// Length of the archive.
        archive_bytes: u64,
        /// SHA-256 of the archive in lower-case hexadecimal digits.
        sha256: String,
        unpacked: Unpacked,
        /// The archive, where it was kept.
        archive: Option<PathBuf>,
    },
    /// Somebody asked to stop; the same request continues later.
    Interrupted {
        /// What is left to continue from.
        part: PathBuf,
    },
}

/// Gets a data set. `stop` ends it at the next chunk of bytes.
///
/// # Errors
/// See [`FetchError`]. Bytes that can be continued, after a cut connection, a refusal in the middle
/// or a full disk, stay beside the folder, and the same request continues them; after any other
/// error nothing is left.
pub fn fetch(
    request: &FetchRequest,
    stop: &AtomicBool,
    listen: Listener<'_>,
) -> Result<FetchOutcome, FetchError> {
    if is_taken(&request.target)? {
        return Ok(FetchOutcome::AlreadyThere);
    }
    let mut part = Part::open(&request.target, &request.url)?;
    let sha256 = match download_and_check(request, &mut part, stop, listen) {
        Ok(sha256) => sha256,
        Err(error) => return stopped_or_failed(error, part),
    };
    let staging = Staging::create(&request.target)?;
    let archive_bytes = part.len();
    let limits = Limits::for_archive(archive_bytes);
    let unpacked = unpack(part.file(), &staging.content(), &limits, stop, listen);
    let unpacked = match unpacked {
        Ok(unpacked) => unpacked,
        Err(problem) => return stopped_or_failed(failure_of(problem, &request.url), part),
    };
    staging.become_target(&request.target)?;
    let archive = part.finish(request.keep_archive)?;
    Ok(FetchOutcome::Fetched {
        archive_bytes,
        sha256,
        unpacked,
        archive,
    })
}

/// Why a request did not get to its end.
enum Ended {
    /// Somebody asked to stop.
    Stopped,
    /// Continuing may help: what is there stays.
    Resumable(FetchError),
    /// What is there is of no use.
    Useless(FetchError),
}

fn stopped_or_failed(ended: Ended, part: Part) -> Result<FetchOutcome, FetchError> {
    match ended {
        Ended::Stopped => Ok(FetchOutcome::Interrupted {
            part: part.path().to_path_buf(),
        }),
        Ended::Resumable(error) => {
            part.discard_if_empty();
            Err(error)
        }
        Ended::Useless(error) => {
            part.discard();
            Err(error)
        }
    }
}

fn download_and_check(
    request: &FetchRequest,
    part: &mut Part,
    stop: &AtomicBool,
    listen: Listener<'_>,
) -> Result<String, Ended> {
    match Download::new(request, stop).run(part, listen) {
        Ok(true) => {}
        Ok(false) => return Err(Ended::Stopped),
        Err(error @ FetchError::Length { .. }) => return Err(Ended::Useless(error)),
        Err(error) => return Err(Ended::Resumable(error)),
    }
    listen(FetchEvent::Checking { bytes: part.len() });
    let actual = part.sha256(stop).map_err(|error| match is_stopped(stop) {
        true => Ended::Stopped,
        false => Ended::Resumable(error),
    })?;
    match &request.sha256 {
        Some(expected) if !actual.eq_ignore_ascii_case(expected) => {
            Err(Ended::Useless(FetchError::Hash {
                url: request.url.clone(),
                expected: expected.clone(),
                actual,
            }))
        }
        _ => Ok(actual),
    }
}

fn failure_of(problem: UnpackError, url: &str) -> Ended {
    match problem {
        UnpackError::Stopped => Ended::Stopped,
        UnpackError::Write { path, source } => Ended::Resumable(disk(&path, "writing", source)),
        problem => {
            let url = url.to_string();
            Ended::Useless(FetchError::Archive { url, problem })
        }
    }
}

/// Whether the target has something in it. A file is no folder, and `..` is no name for a new one.
fn is_taken(target: &Path) -> Result<bool, FetchError> {
    if target.file_name().is_none() || (target.exists() && !target.is_dir()) {
        let path = target.to_path_buf();
        return Err(FetchError::Target { path });
    }
    if !target.exists() {
        return Ok(false);
    }
    let mut entries = fs::read_dir(target).map_err(|source| disk(target, "listing", source))?;
    Ok(entries.next().is_some())
}
