//! Gets a public data set: downloads its archive, checks it and unpacks it into a folder that is
//! there whole or not at all. Emits events; never prints.

mod download;
mod part;
mod path;
mod tar;
mod unpack;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;

use download::Download;
use part::Part;
pub use unpack::{Limits, UnpackError, Unpacked};

/// What to get and where to put it.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// Address of a tar, tar.gz or zip.
    pub url: String,
    /// Exact length of the archive in bytes, where it is known.
    pub bytes: Option<u64>,
    /// SHA-256 of the archive in hexadecimal digits, where it is known.
    pub sha256: Option<String>,
    /// Folder to make.
    pub target: PathBuf,
    /// Whether the archive stays beside the folder.
    pub keep_archive: bool,
    /// How often in a row a cut connection is tried again before giving up.
    pub retries: u32,
    /// How long a server may be silent.
    pub timeout: Duration,
}

/// How a request ended without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutcome {
    /// The folder was there and has something in it; it was left alone.
    AlreadyThere,
    /// The folder was made.
    Fetched {
        /// Length of the archive.
        archive_bytes: u64,
        /// What was in it.
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

/// What happens meanwhile.
#[derive(Clone, Debug)]
pub enum FetchEvent<'a> {
    /// Bytes begin to arrive.
    Downloading {
        /// From where.
        url: &'a str,
        /// Length of the archive, if the server says it.
        total: Option<u64>,
        /// Bytes that were there already.
        resumed_at: u64,
    },
    /// Bytes have arrived.
    Received {
        /// How many are there now.
        bytes: u64,
        /// Of how many, if the server says it.
        total: Option<u64>,
    },
    /// The connection failed and will be tried again.
    Retrying {
        /// What went wrong.
        reason: &'a str,
        /// How long until then.
        wait: Duration,
    },
    /// What was there cannot be continued; the download begins again.
    Restarted {
        /// Why.
        reason: &'a str,
    },
    /// The archive is complete and its hash is computed.
    Checking {
        /// Its length.
        bytes: u64,
    },
    /// Files are being written.
    Unpacking {
        /// Files so far.
        files: u64,
        /// Their bytes so far.
        bytes: u64,
    },
}

/// Receives events.
pub type Listener<'a> = &'a mut dyn FnMut(FetchEvent<'_>);

/// A data set that could not be had.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address makes no sense.
    #[error("{url}: not an address to download from ({reason}); it should look like https://…")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refuses.
    #[error("{url}: the server answers {status}; {}", remedy_of_status(*status))]
    Status {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The server cannot be reached, or stops in the middle.
    #[error("{url}: {reason}; {}", remedy_of_connection(*received, part))]
    Connection {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
        /// Bytes that are there.
        received: u64,
        /// Where they are.
        part: PathBuf,
    },
    /// The server answers with something else.
    #[error(
        "{url}: the server sends a web page instead of an archive; open the address in a browser \
         to see what it wants, or name another with --url"
    )]
    WebPage {
        /// The address.
        url: String,
    },
    /// The archive is not the expected one.
    #[error(
        "{url}: the archive has {actual} bytes instead of {expected}; nothing was kept. It was cut \
         or replaced: run again, or name another address with --url"
    )]
    Length {
        /// The address.
        url: String,
        /// What was expected.
        expected: u64,
        /// What came.
        actual: u64,
    },
    /// The archive is not the expected one.
    #[error(
        "{url}: the archive's SHA-256 is {actual} instead of {expected}; nothing was kept. It was \
         damaged on the way or replaced: run again, or, if you trust it, pass --url {url} --sha256 \
         {actual}"
    )]
    Hash {
        /// The address.
        url: String,
        /// What was expected.
        expected: String,
        /// What came.
        actual: String,
    },
    /// The archive cannot or must not be unpacked; nothing of it is left.
    #[error("{url}: {problem}; nothing was kept. Name another address with --url")]
    Archive {
        /// The address.
        url: String,
        /// What is wrong with it.
        problem: UnpackError,
    },
    /// The folder cannot be made.
    #[error("{}: is a file; name another folder with --output", path.display())]
    TargetIsFile {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else is at it.
    #[error(
        "{}: another download is writing to it; wait for it, or name another folder with --output",
        part.display()
    )]
    Busy {
        /// The unfinished download.
        part: PathBuf,
    },
    /// The disk refuses.
    #[error("{}: {action} failed ({source}); {}", path.display(), remedy_of_io(source))]
    Disk {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Gets a data set. `stop` ends it at the next chunk of bytes.
///
/// # Errors
/// See [`FetchError`]. After a cut connection, an interruption or a full disk the unfinished
/// download stays beside the folder and the same request continues it; after any other error
/// nothing is left.
pub fn fetch(
    request: &FetchRequest,
    stop: &AtomicBool,
    listen: Listener<'_>,
) -> Result<FetchOutcome, FetchError> {
    if is_taken(&request.target)? {
        return Ok(FetchOutcome::AlreadyThere);
    }
    let mut part = Part::open(&request.target, &request.url)?;
    let interrupted = |part: &Part| FetchOutcome::Interrupted {
        part: part.path().to_path_buf(),
    };
    let mut download = Download::new(request, stop);
    match download.run(&mut part, listen) {
        Ok(true) => {}
        Ok(false) => return Ok(interrupted(&part)),
        Err(error) => {
            match error {
                FetchError::Length { .. } => part.discard(),
                _ => part.discard_if_empty(),
            }
            return Err(error);
        }
    }
    if let Err(error) = check_hash(request, &part, listen) {
        part.discard();
        return Err(error);
    }
    let staging = Staging::create(&request.target)?;
    let archive_bytes = part.len();
    let limits = Limits::for_archive(archive_bytes);
    let unpacked = unpack::unpack(part.file(), &staging.content(), &limits, stop, listen);
    let unpacked = match unpacked {
        Ok(unpacked) => unpacked,
        Err(UnpackError::Stopped) => return Ok(interrupted(&part)),
        Err(UnpackError::Write { path, source }) => {
            let action = "writing";
            return Err(FetchError::Disk {
                path,
                action,
                source,
            });
        }
        Err(problem) => {
            part.discard();
            let url = request.url.clone();
            return Err(FetchError::Archive { url, problem });
        }
    };
    staging.become_target(&request.target)?;
    let archive = part.finish(request.keep_archive)?;
    Ok(FetchOutcome::Fetched {
        archive_bytes,
        unpacked,
        archive,
    })
}

/// Whether the target has something in it.
fn is_taken(target: &Path) -> Result<bool, FetchError> {
    if !target.exists() {
        return Ok(false);
    }
    if !target.is_dir() {
        let path = target.to_path_buf();
        return Err(FetchError::TargetIsFile { path });
    }
    let mut entries = fs::read_dir(target).map_err(|source| disk(target, "listing", source))?;
    Ok(entries.next().is_some())
}

fn check_hash(request: &FetchRequest, part: &Part, listen: Listener<'_>) -> Result<(), FetchError> {
    let Some(expected) = &request.sha256 else {
        return Ok(());
    };
    listen(FetchEvent::Checking { bytes: part.len() });
    let actual = part.sha256()?;
    if actual.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(FetchError::Hash {
        url: request.url.clone(),
        expected: expected.clone(),
        actual,
    })
}

/// The folder beside the target in which it is made. Gone when dropped.
struct Staging {
    root: PathBuf,
}

impl Staging {
    /// One of an earlier attempt that was killed goes first; the lock on the part file says that
    /// nobody uses it.
    fn create(target: &Path) -> Result<Self, FetchError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".unpacking");
        let staging = Self {
            root: target.with_file_name(name),
        };
        if staging.root.exists() {
            let removed = fs::remove_dir_all(&staging.root);
            removed.map_err(|source| disk(&staging.root, "removing", source))?;
        }
        let content = staging.content();
        fs::create_dir_all(&content).map_err(|source| disk(&content, "making it", source))?;
        Ok(staging)
    }

    fn content(&self) -> PathBuf {
        self.root.join("content")
    }

    /// Moves what was unpacked to its place: the only folder at the top, or all of it.
    fn become_target(self, target: &Path) -> Result<(), FetchError> {
        let content = self.content();
        let whole = only_folder_in(&content).unwrap_or(content);
        // An empty folder may be there; one that has been filled meanwhile stays and is an error.
        if target.exists() {
            fs::remove_dir(target).map_err(|source| disk(target, "replacing it", source))?;
        }
        fs::rename(&whole, target).map_err(|source| disk(target, "moving files to it", source))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Best effort: the next attempt removes what is left.
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn only_folder_in(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?;
    let only = entries.next()?.ok()?.path();
    (entries.next().is_none() && only.is_dir()).then_some(only)
}

fn disk(path: &Path, action: &'static str, source: io::Error) -> FetchError {
    let path = path.to_path_buf();
    FetchError::Disk {
        path,
        action,
        source,
    }
}

fn is_stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
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
