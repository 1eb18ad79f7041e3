//! Translates picture files with a model folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::manifest::MAX_MANIFEST_BYTES;
use model::pixels::{check_size, to_byte};
use model::{Encoding, LoadError, Manifest, ManifestError, Raster, TranslateError, Translator};
use thiserror::Error;

use crate::data::bands::Bands;
use crate::data::folders::{FolderProblem, list};
use crate::data::raster::{FitError, Side, to_depth};
use crate::export::MANIFEST_FILE;
use crate::picture::{self, PictureError, Samples};

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
    /// The picture has other channels than the model takes.
    #[error(transparent)]
    Fit(#[from] FitError),
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
    /// PNG to write; a TIFF of the same name where the model makes bands that no PNG holds.
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

/// Translates one picture file and gives the path of the result: a PNG of 8 bits per sample, of
/// 16 where the input has 16 or the output is depth, or a TIFF of 16 where the model makes bands
/// that no PNG holds. The input's transparency stays.
///
/// # Errors
/// The picture cannot be read, translated or written, or does not fit the model.
pub fn translate_file(translator: &Translator, job: &Job) -> Result<PathBuf, TranslateFileError> {
    let (encoding, channels) = translator.input();
    let side = Side { channels, encoding };
    let picture = Bands::read(&job.input)?;
    let failed = |source| TranslateFileError::Translate {
        path: job.input.clone(),
        source,
    };
    let header = picture.header();
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(width, height, translator.size_rule()).map_err(|error| failed(error.into()))?;
    let alpha = picture.alpha();
    let real_a = side.raster(&side.fit(&job.input, picture)?);
    let fake_b = translator.translate_raster(&real_a).map_err(failed)?;
    if let Some(folder) = job.output.parent() {
        fs::create_dir_all(folder).map_err(|error| PictureError::Write {
            path: folder.to_path_buf(),
            reason: error.to_string(),
        })?;
    }
    let output = translator.output().0;
    let shown = with_alpha(output.shown(&fake_b, &real_a), alpha);
    let samples = match output {
        Encoding::Depth { max } => Samples::Words(interleaved(&fake_b, |unit| {
            to_depth(unit, max).round() as u16
        })),
        _ if header.bits > 8 => Samples::Words(interleaved(&shown, to_word)),
        _ => Samples::Bytes(interleaved(&shown, to_byte)),
    };
    let size = (header.width, header.height);
    Ok(picture::write_samples(&job.output, size, &samples)?)
}

/// Adds the input's transparency to grey or RGB.
fn with_alpha(picture: Raster, alpha: Option<Vec<f32>>) -> Raster {
    match (alpha, picture.channels()) {
        (Some(alpha), 1 | 3) => {
            let (width, height) = (picture.width(), picture.height());
            let mut values = picture.to_rgb().into_values();
            values.extend(alpha.iter().map(|alpha| alpha * 2.0 - 1.0));
            Raster::from_planes(width, height, values)
        }
        _ => picture,
    }
}

/// Samples pixel by pixel.
fn interleaved<S>(picture: &Raster, sample: impl Fn(f32) -> S) -> Vec<S> {
    let pixels = 0..picture.pixels();
    pixels
        .flat_map(|at| (0..picture.channels()).map(move |channel| picture.plane(channel)[at]))
        .map(sample)
        .collect()
}

/// `-1..=1` to the nearest of `0..=65535`; values outside are clamped.
fn to_word(unit: f32) -> u16 {
    ((unit + 1.0) * 32_767.5).round().clamp(0.0, 65_535.0) as u16
}
