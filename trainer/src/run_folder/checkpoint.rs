//! A checkpoint: how far the run was, and files that are checked before they are decoded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use model::training::adam::{Adam, Parameters};
use model::training::checkpoint::CheckpointSource;
use model::training::exact::{Exact, Mean};
use model::training::{ImagePool, Plateau};
use model::weights::sha256_hex;
use serde::{Deserialize, Serialize};

use super::error::RunFolderError;
use super::files::{damaged, read, read_json};
use super::pool::restore_pool;

pub(super) const PROGRESS_FILE: &str = "progress.json";

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub step: u64,
    /// What the losses did to the learning rate.
    #[serde(default)]
    pub plateau: Plateau,
    /// Reconstruction losses since the last sample, where they decide which step is best.
    #[serde(default)]
    pub since_sample: Mean,
    /// The best step so far, if the run keeps it.
    #[serde(default)]
    pub best: Option<Best>,
    /// Pairs that the run learns from; their order follows from it.
    #[serde(default)]
    pub train_pairs: Option<usize>,
}

/// The content of [`PROGRESS_FILE`], written last.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub(super) progress: Progress,
    /// Every other file of the checkpoint. Older checkpoints have none, and are not complete.
    #[serde(default)]
    pub(super) files: BTreeMap<String, Digest>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Digest {
    bytes: u64,
    sha256: String,
}

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        }
    }
}

/// The step that did best so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub step: u64,
    /// How well it did; more is better.
    pub score: Exact,
}

/// A checkpoint on disk.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    pub(super) stored: Stored,
}

impl Checkpoint {
    pub(super) fn open(path: &Path) -> Result<Self, RunFolderError> {
        Ok(Self {
            path: path.to_path_buf(),
            stored: read_json(&path.join(PROGRESS_FILE))?,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn progress(&self) -> &Progress {
        &self.stored.progress
    }

    /// Fills a pool of past images.
    pub fn pool(
        &self,
        file: &str,
        pool: &mut ImagePool,
        device: &Device,
    ) -> Result<(), RunFolderError> {
        restore_pool(pool, &self.listed(file)?, device)
            .map_err(|reason| damaged(&self.path.join(file), reason))
    }

    /// The content of a file that is as it was written, if the checkpoint says how that was.
    fn checked(&self, file: &str) -> Result<Vec<u8>, RunFolderError> {
        let path = self.path.join(file);
        let bytes = read(&path)?;
        let Some(expected) = self.stored.files.get(file) else {
            return Ok(bytes);
        };
        let found = bytes.len() as u64;
        if found != expected.bytes {
            let expected = expected.bytes;
            return Err(damaged(&path, format!("{found} of {expected} bytes")));
        }
        match Digest::of(&bytes) == *expected {
            true => Ok(bytes),
            false => Err(damaged(
                &path,
                "its SHA-256 is not that of the file written",
            )),
        }
    }

    fn listed(&self, file: &str) -> Result<Vec<u8>, RunFolderError> {
        if !self.stored.files.contains_key(file) {
            let path = self.path.clone();
            return Err(RunFolderError::Incomplete { path });
        }
        self.checked(file)
    }
}

impl CheckpointSource for Checkpoint {
    type Error = RunFolderError;

    fn network<M: Module>(&self, file: &str, into: M) -> Result<M, RunFolderError> {
        let path = self.path.join(file);
        let bytes = Bytes::from_bytes_vec(self.checked(file)?);
        let record = ModuleRecord::from_bytes(bytes).map_err(|error| damaged(&path, error))?;
        into.try_load_record(record)
            .map_err(|error| RunFolderError::OtherNetwork {
                path,
                reason: error.to_string(),
            })
    }

    fn optimizer<M: Module>(&self, file: &str, networks: &M) -> Result<Adam, RunFolderError> {
        let bytes = Bytes::from_bytes_vec(self.listed(file)?);
        Adam::from_bytes(bytes, &Parameters::of(networks))
            .map_err(|error| damaged(&self.path.join(file), error))
    }
}
