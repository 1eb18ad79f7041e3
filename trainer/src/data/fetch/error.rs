//! What can go wrong with a download, each with its remedy.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::writer::UnpackError;

/// A data set that could not be had.
#[derive(Debug, Error)]
pub enum FetchError {
    #[error("{url}: not an address to download from ({reason}); it should look like https://…")]
    Address { url: String, reason: String },
    #[error("{url}: the server answers {status}; {}", remedy_of_status(*status))]
    Status { url: String, status: u16 },
    #[error("{url}: {reason}; {}", remedy_of_connection(*received, part))]
    Connection {
        url: String,
        reason: String,
        received: u64,
        part: PathBuf,
    },
    #[error(
        "{url}: the server sends a web page instead of an archive; open the address in a browser \
         to see what it wants, or name another with --url"
    )]
    WebPage { url: String },
    #[error(
        "{url}: the archive has {actual} bytes instead of {expected}; nothing was kept. It was cut \
         or replaced: run again, or name another address with --url"
    )]
    Length {
        url: String,
        expected: u64,
        actual: u64,
    },
    #[error(
        "{url}: the archive's SHA-256 is {actual} instead of {expected}; nothing was kept. It was \
         damaged on the way or replaced: run again, or, if you trust it, pass --url {url} --sha256 \
         {actual}"
    )]
    Hash {
        url: String,
        expected: String,
        actual: String,
    },
    #[error("{url}: {problem}; nothing was kept. Name another address with --url")]
    Archive { url: String, problem: UnpackError },
    #[error("{}: no folder can be made there; name another with --output", path.display())]
    Target { path: PathBuf },
    #[error(
        "{}: another download is writing to it; wait for it, or name another folder with --output",
        part.display()
    )]
    Busy { part: PathBuf },
    #[error("{}: {action} failed ({source}); {}", path.display(), remedy_of_io(source))]
    Disk {
        path: PathBuf,
        action: &'static str,
        source: io::Error,
    },
}

pub(super) fn disk(path: &Path, action: &'static str, source: io::Error) -> FetchError {
    let path = path.to_path_buf();
    FetchError::Disk {
        path,
        action,
        source,
    }
}

fn remedy_of_status(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            "it wants an account or refuses this network; download the archive in a browser, or \
             name another address with --url"
        }
        404 | 410 => "the file has moved or is gone; name its new address with --url",
        408 | 429 | 500..=599 => {
            "it is busy or broken; try again later, or name another with --url"
        }
        _ => "name another address with --url",
    }
}

fn remedy_of_connection(received: u64, part: &Path) -> String {
    match received {
        0 => "check the connection and the address, and run the same command again".to_string(),
        _ => format!(
            "{received} bytes are kept in {}: check the connection and run the same command \
             again, which resumes there",
            part.display()
        ),
    }
}

fn remedy_of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the disk and run the same command again, which resumes"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "allow writing there, or name another folder with --output"
        }
        _ => "check the disk, or name another folder with --output, and run again",
    }
}
