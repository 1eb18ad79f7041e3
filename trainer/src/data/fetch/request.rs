//! What is asked for, what happens meanwhile, and how it is stopped.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::system::pace::in_seconds;

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

/// What happens meanwhile.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum FetchEvent<'a> {
    /// Bytes begin to arrive.
    Downloading {
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
        #[serde(rename = "seconds", serialize_with = "in_seconds")]
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

pub(super) fn is_stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}
