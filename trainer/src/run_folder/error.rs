//! What can be wrong with a run folder, each with its remedy.

use std::path::PathBuf;

use thiserror::Error;

/// A run folder that cannot be written or read.
#[derive(Debug, Error)]
pub enum RunFolderError {
    #[error("{path}: cannot be written ({source}); check free space and permissions")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: cannot be read ({source}); is this the folder of a training run?")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: damaged or of another version ({reason})")]
    Damaged { path: PathBuf, reason: String },
    #[error("{path}: {reason}")]
    Config { path: PathBuf, reason: String },
    #[error(
        "--run {path}: holds another run; go on with it with --resume, name a new folder or delete \
         this one"
    )]
    Occupied { path: PathBuf },
    #[error(
        "--run {path}: another trainer is at work in it; wait for its end or stop it, or name a \
         new folder"
    )]
    Busy { path: PathBuf },
    #[error("{path}: not of the network that the settings describe ({reason})")]
    OtherNetwork { path: PathBuf, reason: String },
    #[error(
        "{path}: written by a version that could not resume; start a new run from it with --from"
    )]
    Incomplete { path: PathBuf },
    #[error("{path}: no checkpoint is in it; train longer, or lower --checkpoint-every")]
    NoCheckpoint { path: PathBuf },
    #[error(
        "{error}; to use {previous} instead, rename or delete {newest}, or go on with the run with \
         --resume"
    )]
    NewestDamaged {
        error: Box<RunFolderError>,
        newest: PathBuf,
        previous: PathBuf,
    },
}

impl RunFolderError {
    /// Whether another checkpoint may do.
    pub(super) fn is_of_this_checkpoint(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::Damaged { .. } | Self::Incomplete { .. }
        )
    }
}
