//! Pairs that lie in folders: combined A|B pictures, or two folders matched by file name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{RgbImage, imageops};
use thiserror::Error;
use walkdir::WalkDir;

use crate::config::Direction;
use crate::data::augment::sample_pair;
use crate::data::source::{DataError, Pair, Sampling};
use crate::data::split::train_and_validation;
use crate::picture::{self, EXTENSIONS};

/// Names of the folder that trains.
const TRAIN_FOLDERS: [&str; 1] = ["train"];
/// Names of the folder that validates, the first one found.
const VALIDATION_FOLDERS: [&str; 3] = ["val", "validation", "test"];
/// How many names an error lists.
const NAMES_SHOWN: usize = 5;

/// A folder that cannot be used as it is.
#[derive(Debug, Error)]
pub enum FolderProblem {
    /// No such folder.
    #[error("{flag} {path}: no such folder; check the path")]
    Missing {
        /// The flag that named it.
        flag: String,
        /// The folder.
        path: PathBuf,
    },
    /// A folder without pictures.
    #[error("{flag} {path}: no pictures (PNG, JPEG, WebP, BMP, GIF, TIFF) in this folder")]
    NoPictures {
        /// The flag that named it.
        flag: String,
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be listed.
    #[error("{flag} {path}: cannot be read ({reason}); check its permissions")]
    Unreadable {
        /// The flag that named it.
        flag: String,
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Two folders whose files do not match.
    #[error(
        "{count} pictures of {a} and {b} have no partner of the same name ({names}); rename or \
         remove them, or pass --skip-unmatched to leave them out"
    )]
    Unmatched {
        /// First folder.
        a: PathBuf,
        /// Second folder.
        b: PathBuf,
        /// Pictures without a partner.
        count: usize,
        /// Some of them.
        names: String,
    },
}

/// Where the halves of a pair are.
#[derive(Clone, Debug)]
enum Files {
    Combined(PathBuf),
    Two { a: PathBuf, b: PathBuf },
}

impl Files {
    fn check_headers(&self) -> Result<(), DataError> {
        match self {
            Self::Combined(path) => check_combined(path, picture::dimensions(path)?.0),
            Self::Two { a, b } => {
                check_equal((a, picture::dimensions(a)?), (b, picture::dimensions(b)?))
            }
        }
    }
}

/// Pairs in folders.
#[derive(Clone, Debug)]
pub struct FolderPairs {
    files: Vec<Files>,
    direction: Direction,
}

/// Pictures for training and for validation.
pub type Split<T> = (T, T);

impl FolderPairs {
    /// Combined pictures, A on the left and B on the right, below `folder`.
    ///
    /// # Errors
    /// [`FolderProblem`]: missing folder, no pictures.
    pub fn combined(
        folder: &Path,
        direction: Direction,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        let (train, validation) = split_pictures("--data", folder, seed)?;
        let pairs = |paths: Vec<PathBuf>| Self {
            files: paths.into_iter().map(Files::Combined).collect(),
            direction,
        };
        Ok((pairs(train), pairs(validation)))
    }

    /// Two folders whose pictures match by name, endings aside. With `train` and `val` folders
    /// in both, those are used; otherwise the pairs are split 80/20.
    ///
    /// # Errors
    /// [`FolderProblem`]: missing folders, no pictures, names without a partner.
    pub fn two(
        a: &Path,
        b: &Path,
        direction: Direction,
        seed: u64,
        skip_unmatched: bool,
    ) -> Result<Split<Self>, FolderProblem> {
        let matched = |a: &Path, b: &Path| matched_pairs(a, b, skip_unmatched);
        let (train, validation) = match (parts(a), parts(b)) {
            (Some((train_a, val_a)), Some((train_b, val_b))) => {
                (matched(&train_a, &train_b)?, matched(&val_a, &val_b)?)
            }
            _ => train_and_validation(matched(a, b)?, seed),
        };
        let pairs = |files| Self { files, direction };
        Ok((pairs(train), pairs(validation)))
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn drop_unreadable(&mut self) -> Vec<DataError> {
        let mut problems = Vec::new();
        self.files.retain(|files| match files.check_headers() {
            Ok(()) => true,
            Err(error) => {
                problems.push(error);
                false
            }
        });
        problems
    }

    pub(crate) fn pair(&self, index: usize, sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let (a, b) = match &self.files[index] {
            Files::Combined(path) => halves(path)?,
            Files::Two { a, b } => equal_sizes(a, b)?,
        };
        Ok(self.direction.orient(sample_pair(&a, &b, sampling)))
    }

    pub(crate) fn name(&self, index: usize) -> String {
        match &self.files[index] {
            Files::Combined(path) => stem(path),
            Files::Two { a, .. } => stem(a),
        }
    }
}

/// Pictures below `folder`, sorted; `train` and `val` inside it are kept apart, and without them
/// the pictures are split 80/20 by `seed`.
pub(crate) fn split_pictures(
    flag: &str,
    folder: &Path,
    seed: u64,
) -> Result<Split<Vec<PathBuf>>, FolderProblem> {
    if let Some((train, validation)) = parts(folder) {
        return Ok((list(flag, &train)?, list(flag, &validation)?));
    }
    let trains = TRAIN_FOLDERS.map(|name| folder.join(name));
    let all = match trains.iter().find(|path| path.is_dir()) {
        Some(train) => list(flag, train)?,
        None => list(flag, folder)?,
    };
    Ok(train_and_validation(all, seed))
}

/// Every picture below `folder`, sorted by path.
///
/// # Errors
/// [`FolderProblem`]: missing folder, no pictures.
pub fn list(flag: &str, folder: &Path) -> Result<Vec<PathBuf>, FolderProblem> {
    let flag = flag.to_string();
    let path = folder.to_path_buf();
    if !folder.is_dir() {
        return Err(FolderProblem::Missing { flag, path });
    }
    let mut pictures = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let entry = entry.map_err(|error| FolderProblem::Unreadable {
            flag: flag.clone(),
            path: path.clone(),
            reason: error.to_string(),
        })?;
        if entry.file_type().is_file() && has_picture_extension(entry.path()) {
            pictures.push(entry.into_path());
        }
    }
    match pictures.is_empty() {
        true => Err(FolderProblem::NoPictures { flag, path }),
        false => Ok(pictures),
    }
}

/// Whether the file's ending is one of [`EXTENSIONS`].
pub fn has_picture_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}

fn parts(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let first = |names: &[&str]| {
        let mut paths = names.iter().map(|name| folder.join(name));
        paths.find(|path| path.is_dir())
    };
    Some((first(&TRAIN_FOLDERS)?, first(&VALIDATION_FOLDERS)?))
}

fn matched_pairs(a: &Path, b: &Path, skip_unmatched: bool) -> Result<Vec<Files>, FolderProblem> {
    let by_name = |flag: &str, folder: &Path| -> Result<BTreeMap<PathBuf, PathBuf>, _> {
        let paths = list(flag, folder)?;
        let name = |path: &Path| {
            let inside = path.strip_prefix(folder).unwrap_or(path);
            inside.with_extension("")
        };
        Ok::<_, FolderProblem>(paths.into_iter().map(|path| (name(&path), path)).collect())
    };
    let (in_a, mut in_b) = (by_name("--a", a)?, by_name("--b", b)?);
    let (mut pairs, mut unmatched) = (Vec::new(), Vec::new());
    for (name, path) in in_a {
        match in_b.remove(&name) {
            Some(partner) => pairs.push(Files::Two {
                a: path,
                b: partner,
            }),
            None => unmatched.push(path),
        }
    }
    unmatched.extend(in_b.into_values());
    if unmatched.is_empty() || (skip_unmatched && !pairs.is_empty()) {
        return Ok(pairs);
    }
    let mut names: Vec<String> = unmatched.iter().map(|path| stem(path)).collect();
    names.truncate(NAMES_SHOWN);
    Err(FolderProblem::Unmatched {
        a: a.to_path_buf(),
        b: b.to_path_buf(),
        count: unmatched.len(),
        names: names.join(", "),
    })
}

fn halves(path: &Path) -> Result<(RgbImage, RgbImage), DataError> {
    let combined = picture::read(path)?.to_rgb8();
    let (width, height) = combined.dimensions();
    check_combined(path, width)?;
    let half = |x| imageops::crop_imm(&combined, x, 0, width / 2, height).to_image();
    Ok((half(0), half(width / 2)))
}

fn equal_sizes(a: &Path, b: &Path) -> Result<(RgbImage, RgbImage), DataError> {
    let (picture_a, picture_b) = (picture::read(a)?.to_rgb8(), picture::read(b)?.to_rgb8());
    check_equal((a, picture_a.dimensions()), (b, picture_b.dimensions()))?;
    Ok((picture_a, picture_b))
}

fn check_combined(path: &Path, width: u32) -> Result<(), DataError> {
    match width >= 2 && width.is_multiple_of(2) {
        true => Ok(()),
        false => Err(DataError::NotCombined {
            path: path.to_path_buf(),
            width,
        }),
    }
}

fn check_equal(
    (a, (a_width, a_height)): (&Path, (u32, u32)),
    (b, (b_width, b_height)): (&Path, (u32, u32)),
) -> Result<(), DataError> {
    match (a_width, a_height) == (b_width, b_height) {
        true => Ok(()),
        false => Err(DataError::PairSize {
            a: a.to_path_buf(),
            a_width,
            a_height,
            b: b.to_path_buf(),
            b_width,
            b_height,
        }),
    }
}

pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
