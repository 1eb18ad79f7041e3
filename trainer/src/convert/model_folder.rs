//! Model folders: a manifest and the weights that it names.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use model::manifest::MAX_MANIFEST_BYTES;
use model::{Manifest, ManifestError};
use thiserror::Error;

use crate::run_folder::RunFolder;
use crate::system::files::{InFile, NamesFile};

/// The data set of the manifest of a model that learned from what the program draws.
pub const DRAWN_SET: &str = "built-in facades";
/// Name of the manifest in a model folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// A model folder that cannot be used.
#[derive(Debug, Error)]
pub enum ModelFolderError {
    #[error(
        "{path}: cannot be read ({source}); --model needs a model folder, with {MANIFEST_FILE} and \
         weights, or the folder of a run"
    )]
    Model {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{run}: the run has not exported a model yet; wait for its end, or export its last \
         checkpoint: trainer export {run} --output {export}"
    )]
    NotExported { run: PathBuf, export: PathBuf },
    #[error(transparent)]
    Manifest(#[from] InFile<ManifestError>),
}

/// The model folder that `path` names: itself, or what the run of that folder exported.
pub fn model_folder(path: &Path) -> Result<PathBuf, ModelFolderError> {
    let run = RunFolder::open(path);
    let is_run = !path.join(MANIFEST_FILE).exists() && run.is_run();
    match (is_run, run.export().join(MANIFEST_FILE).exists()) {
        (false, _) => Ok(path.to_path_buf()),
        (true, true) => Ok(run.export()),
        (true, false) => Err(ModelFolderError::NotExported {
            run: path.to_path_buf(),
            export: run.export(),
        }),
    }
}

/// Reads the manifest of the model folder `folder`, or of the run of that folder, and tells where
/// its weights are.
pub fn read_manifest(folder: &Path) -> Result<(Manifest, PathBuf), ModelFolderError> {
    let folder = &model_folder(folder)?;
    let path = folder.join(MANIFEST_FILE);
    let read_error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ModelFolderError::Model { path, source }
    };
    let mut json = String::new();
    let file = File::open(&path).map_err(read_error(&path))?;
    // One byte more tells a longer one.
    file.take(MAX_MANIFEST_BYTES as u64 + 1)
        .read_to_string(&mut json)
        .map_err(read_error(&path))?;
    let manifest = Manifest::parse(&json).of_file(&path)?;
    let weights = folder.join(&manifest.weights_file().of_file(&path)?.path);
    fs::metadata(&weights).map_err(read_error(&weights))?;
    Ok((manifest, weights))
}
