//! Translates picture files with a model folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use image::{DynamicImage, RgbImage, RgbaImage};
use model::manifest::MAX_MANIFEST_BYTES;
use model::{LoadError, Manifest, ManifestError, TranslateError, Translator};
use thiserror::Error;

use crate::data::folders::{FolderProblem, list};
use crate::export::MANIFEST_FILE;
use crate::picture::{self, PictureError};

/// A model or a picture that cannot be used.
#[derive(Debug, Error)]
pub enum TranslateFileError {
    /// A file of the model folder is missing or cannot be read.
    #[error("{path}: cannot be read ({source}); --model needs a folder with a {MANIFEST_FILE}")]
    Model {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The manifest is refused.
    #[error("{path}: {source}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// The weights are refused.
    #[error("{path}: {source}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// The picture file cannot be read or written.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The picture cannot be translated.
    #[error("{path}: {source}")]
    Translate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TranslateError,
    },
    /// A folder of inputs.
    #[error(transparent)]
    Folder(#[from] FolderProblem),
    /// Two inputs would become one output.
    #[error("{first} and {second} would both become {output}; translate them apart")]
    SameOutput {
        /// One input.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Their output.
        output: PathBuf,
    },
}

/// An input and where its result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Picture to read.
    pub input: PathBuf,
    /// PNG to write.
    pub output: PathBuf,
}

/// Reads the manifest and the weights of the model folder `folder`, the weights unchecked.
///
/// # Errors
/// Missing or unreadable files; each error names the file.
pub fn read_model(folder: &Path) -> Result<(Manifest, Vec<u8>), TranslateFileError> {
    let path = folder.join(MANIFEST_FILE);
    let read_error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| TranslateFileError::Model { path, source }
    };
    let length = fs::metadata(&path).map_err(read_error(&path))?.len();
    let json = match length as usize > MAX_MANIFEST_BYTES {
        true => " ".repeat(MAX_MANIFEST_BYTES + 1),
        false => fs::read_to_string(&path).map_err(read_error(&path))?,
    };
    let refused = |source| TranslateFileError::Manifest {
        path: path.clone(),
        source,
    };
    let manifest = Manifest::parse(&json).map_err(refused)?;
    let weights = folder.join(&manifest.weights_file().map_err(refused)?.path);
    let bytes = fs::read(&weights).map_err(read_error(&weights))?;
    Ok((manifest, bytes))
}

/// Loads the model folder `folder` onto `device`.
///
/// # Errors
/// Missing, altered or unreadable files; each error names the file.
pub fn load_model(
    folder: &Path,
    device: &Device,
) -> Result<(Manifest, Translator), TranslateFileError> {
    let (manifest, bytes) = read_model(folder)?;
    let translator = Translator::load(&manifest, &bytes, device).map_err(|source| {
        let file = manifest.weights.first();
        TranslateFileError::Weights {
            path: file.map_or_else(|| folder.to_path_buf(), |file| folder.join(&file.path)),
            source,
        }
    })?;
    Ok((manifest, translator))
}

/// Files and folders as jobs: a folder stands for every picture below it. Results are PNGs in
/// `output`, under the inputs' names.
///
/// # Errors
/// Folders without pictures; inputs whose results would overwrite each other.
pub fn jobs(inputs: &[PathBuf], output: &Path) -> Result<Vec<Job>, TranslateFileError> {
    let mut jobs: Vec<Job> = Vec::new();
    for input in inputs {
        let files = match input.is_dir() {
            true => list("INPUT", input)?,
            false => vec![input.clone()],
        };
        for file in files {
            let inside = match input.is_dir() {
                true => file.strip_prefix(input).unwrap_or(&file).to_path_buf(),
                false => PathBuf::from(file.file_name().unwrap_or_default()),
            };
            jobs.push(Job {
                output: output.join(inside).with_extension("png"),
                input: file,
            });
        }
    }
    for (index, job) in outputs_taken_twice(&jobs) {
        // `a.jpg` and `a.png` become `a.jpg.png` and `a.png.png`.
        let mut name = job.input.file_name().unwrap_or_default().to_os_string();
        name.push(".png");
        jobs[index].output = job.output.with_file_name(name);
    }
    let twice = outputs_taken_twice(&jobs);
    match twice.first() {
        None => Ok(jobs),
        Some((_, first)) => {
            let mut others = twice.iter().map(|(_, job)| job);
            let second = others.rfind(|job| job.output == first.output);
            Err(TranslateFileError::SameOutput {
                first: first.input.clone(),
                second: second.map_or_else(PathBuf::new, |job| job.input.clone()),
                output: first.output.clone(),
            })
        }
    }
}

/// Jobs whose output another job has as well, with their places in the list.
fn outputs_taken_twice(jobs: &[Job]) -> Vec<(usize, Job)> {
    let mut counts: HashMap<&Path, usize> = HashMap::new();
    for job in jobs {
        *counts.entry(&job.output).or_default() += 1;
    }
    let numbered = jobs.iter().cloned().enumerate();
    numbered
        .filter(|(_, job)| counts[job.output.as_path()] > 1)
        .collect()
}

/// Translates an RGB picture in memory.
///
/// # Errors
/// See [`TranslateError`].
pub fn translate_rgb(
    translator: &Translator,
    picture: &RgbImage,
) -> Result<RgbImage, TranslateError> {
    let rgba = DynamicImage::ImageRgb8(picture.clone()).to_rgba8();
    let (width, height) = rgba.dimensions();
    let bytes = translator.translate(rgba.as_raw(), width as usize, height as usize)?;
    RgbaImage::from_raw(width, height, bytes)
        .map(|translated| DynamicImage::ImageRgba8(translated).to_rgb8())
        .ok_or_else(|| TranslateError::Device("too few pixels came back".to_string()))
}

/// Translates one picture file.
///
/// # Errors
/// The picture cannot be read, translated or written.
pub fn translate_file(translator: &Translator, job: &Job) -> Result<(), TranslateFileError> {
    let picture = picture::read(&job.input)?.to_rgba8();
    let (width, height) = picture.dimensions();
    let failed = |source| TranslateFileError::Translate {
        path: job.input.clone(),
        source,
    };
    let rgba = translator
        .translate(picture.as_raw(), width as usize, height as usize)
        .map_err(failed)?;
    let opaque = picture.pixels().all(|pixel| pixel[3] == u8::MAX);
    let translated = RgbaImage::from_raw(width, height, rgba).ok_or_else(|| {
        failed(TranslateError::Device(
            "too few pixels came back".to_string(),
        ))
    })?;
    let translated = DynamicImage::ImageRgba8(translated);
    let translated = match opaque {
        true => DynamicImage::ImageRgb8(translated.to_rgb8()),
        false => translated,
    };
    if let Some(folder) = job.output.parent() {
        fs::create_dir_all(folder).map_err(|error| PictureError::Write {
            path: folder.to_path_buf(),
            reason: error.to_string(),
        })?;
    }
    Ok(picture::write_png(&job.output, &translated)?)
}
