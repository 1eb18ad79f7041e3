//! Translates image files with a model folder. Here is how a model is opened; which images
//! are translated is said in `inputs` and `shard`, and how one of them is in `one`.

mod inputs;
mod one;
mod page;
mod shard;
mod stream;

use std::path::{Path, PathBuf};

use model::{
    Engine, LoadError, Manifest, NormKind, NormStats, TilingError, TranslateError, Translator,
};
use thiserror::Error;

use crate::convert::model_folder::{ModelFolderError, read_manifest};
use crate::data::sample::raster::FitError;
use crate::image_file::ImageFileError;
use crate::system::files::{InFile, NamesFile};

pub use inputs::{InputError, Inputs, Job};
pub use one::{Translated, is_finished, translate_file};
pub use page::{PAGE_FILE, Shown, write_page};
pub use shard::Shard;
pub use stream::{StreamError, translate_stream};

/// A model or an image that cannot be used.
#[derive(Debug, Error)]
pub enum TranslateFileError {
    #[error(transparent)]
    Folder(#[from] ModelFolderError),
    #[error(transparent)]
    Weights(#[from] InFile<LoadError>),
    #[error(transparent)]
    Image(#[from] ImageFileError),
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

/// Loads the model folder `folder` for `engine`.
pub fn load_model(
    folder: &Path,
    engine: &Engine,
) -> Result<(Manifest, Translator), TranslateFileError> {
    load_model_with(folder, None, engine)
}

/// As [`load_model`], with other statistics of batch norms than the manifest says.
pub fn load_model_with(
    folder: &Path,
    norm_stats: Option<NormStats>,
    engine: &Engine,
) -> Result<(Manifest, Translator), TranslateFileError> {
    let (mut manifest, path) = read_manifest(folder)?;
    if let Some(norm_stats) = norm_stats {
        if manifest.generator.config.norm != NormKind::Batch {
            let path = folder.to_path_buf();
            return Err(TranslateFileError::NoBatchNorm { path });
        }
        manifest.generator.norm_stats = norm_stats;
    }
    let translator = Translator::open(&manifest, &path, engine).of_file(&path)?;
    Ok((manifest, translator))
}
