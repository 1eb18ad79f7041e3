//! Translates picture files with a model folder. Here is how a model is opened; which pictures
//! are translated is said in `inputs` and `shard`, and how one of them is in `one`.

mod inputs;
mod one;
mod page;
mod shard;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::MAX_MANIFEST_BYTES;
use model::{
    Engine, LoadError, Manifest, ManifestError, NormKind, NormStats, TilingError, TranslateError,
    Translator,
};
use thiserror::Error;

use crate::convert::export::MANIFEST_FILE;
use crate::data::sample::raster::FitError;
use crate::image_file::PictureError;
use crate::run_folder::RunFolder;
use crate::system::device::is_cpu;
use crate::system::files::{InFile, NamesFile};

pub use inputs::{InputError, Inputs, Job};
pub use one::{Translated, is_finished, translate_file};
pub use page::{PAGE_FILE, Shown, write_page};
pub use shard::Shard;

/// A model or a picture that cannot be used.
#[derive(Debug, Error)]
pub enum TranslateFileError {
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
    #[error(transparent)]
    Weights(#[from] InFile<LoadError>),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Translate(#[from] InFile<TranslateError>),
    #[error(transparent)]
    Tiling(#[from] InFile<TilingError>),
    #[error(
        "--norm-stats: the model in {path} has no batch norm, so there is nothing to choose; leave \
         it out"
    )]
    NoBatchNorm { path: PathBuf },
}

/// The model folder that `path` names: itself, or what the run of that folder exported.
pub fn model_folder(path: &Path) -> Result<PathBuf, TranslateFileError> {
    let run = RunFolder::open(path);
    let is_run = !path.join(MANIFEST_FILE).exists() && run.is_run();
    match (is_run, run.export().join(MANIFEST_FILE).exists()) {
        (false, _) => Ok(path.to_path_buf()),
        (true, true) => Ok(run.export()),
        (true, false) => Err(TranslateFileError::NotExported {
            run: path.to_path_buf(),
            export: run.export(),
        }),
    }
}

/// Reads the manifest of the model folder `folder`, or of the run of that folder, and tells where
/// its weights are.
pub fn read_manifest(folder: &Path) -> Result<(Manifest, PathBuf), TranslateFileError> {
    let folder = &model_folder(folder)?;
    let path = folder.join(MANIFEST_FILE);
    let read_error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TranslateFileError::Model { path, source }
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

/// What translates where `device` would train.
pub fn engine(device: &Device) -> Engine {
    match is_cpu(device) {
        true => Engine::Cpu,
        false => Engine::Burn(device.clone()),
    }
}

/// Loads the model folder `folder` onto `device`.
pub fn load_model(
    folder: &Path,
    device: &Device,
) -> Result<(Manifest, Translator), TranslateFileError> {
    load_model_with(folder, None, device)
}

/// As [`load_model`], with other statistics of batch norms than the manifest says.
pub fn load_model_with(
    folder: &Path,
    norm_stats: Option<NormStats>,
    device: &Device,
) -> Result<(Manifest, Translator), TranslateFileError> {
    let (mut manifest, path) = read_manifest(folder)?;
    if let Some(norm_stats) = norm_stats {
        if manifest.generator.config.norm != NormKind::Batch {
            let path = folder.to_path_buf();
            return Err(TranslateFileError::NoBatchNorm { path });
        }
        manifest.generator.norm_stats = norm_stats;
    }
    let translator = Translator::open(&manifest, &path, &engine(device)).of_file(&path)?;
    Ok((manifest, translator))
}
