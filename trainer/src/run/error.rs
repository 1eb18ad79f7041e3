//! Why a run stops before its end, each with its remedy.

use std::path::PathBuf;

use model::LoadError;
use model::training::LossValues;
use thiserror::Error;

use crate::convert::export::ExportError;
use crate::convert::model_folder::ModelFolderError;
use crate::data::DataError;
use crate::data::inspect::depths::DepthError;
use crate::image_file::ImageFileError;
use crate::run_folder::RunFolderError;
use crate::system::files::InFile;

/// Why a run stopped before its end.
#[derive(Debug, Error)]
pub enum RunError {
    #[error(transparent)]
    Folder(#[from] RunFolderError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Depth(#[from] DepthError),
    #[error(transparent)]
    Image(#[from] ImageFileError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("no training image can be used; the first problem: {0}")]
    NothingToTrainOn(String),
    #[error(
        "the data set has {found} pairs to train on, {expected} when the run was started; bring the \
         images back, or start a new run with --from {run}"
    )]
    DataChanged {
        found: usize,
        expected: usize,
        run: PathBuf,
    },
    #[error(
        "--from {run}: its generator has another shape than this run's ({differences}); pass the \
         same flags as there, or start without --from"
    )]
    OtherShape { run: PathBuf, differences: String },
    #[error(
        "--from {0}: a model folder has one generator, and cyclegan learns with two; name the folder \
         of a run"
    )]
    OneGenerator(PathBuf),
    #[error("--from: {0}")]
    Manifest(#[from] ModelFolderError),
    #[error("--from: {0}")]
    Weights(#[from] InFile<LoadError>),
    #[error("the thread that prepares images has died; this is a bug worth reporting")]
    Loader,
    #[error("the threads of the devices cannot be started ({0}); name fewer with --device")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error(
        "{device} computes other numbers than the processor: the losses of {what} are off by \
         {difference:.2}, where rounding makes {allowed} at most; update its driver, see what \
         `trainer devices --check` says of others, or use --device cpu"
    )]
    WrongNumbers {
        device: String,
        what: String,
        difference: f64,
        allowed: f64,
    },
    #[error("the losses are not finite at step {step} ({losses}); {remedy}")]
    NotFinite {
        step: u64,
        losses: LossValues,
        remedy: String,
    },
    #[error("the weights of {network} are not finite after step {step}; {remedy}")]
    WeightsNotFinite {
        step: u64,
        network: String,
        remedy: String,
    },
}
