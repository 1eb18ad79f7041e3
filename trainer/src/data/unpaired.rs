//! Unpaired sets: two folders of pictures that show different things.

use std::path::{Path, PathBuf};

use rand::Rng;

use crate::config::Direction;
use crate::data::augment::{Frame, sample_one};
use crate::data::folders::{FolderProblem, Split, list, split_pictures, stem};
use crate::data::raster::{Side, Sides};
use crate::data::source::{DataError, Pair, Sampling, check_file, keep_usable};
use crate::data::split::train_and_validation;
use crate::picture;

/// Folders of validation pictures beside `trainA` and `trainB`, the first pair found.
const VALIDATION_FOLDERS: [[&str; 2]; 2] = [["valA", "valB"], ["testA", "testB"]];

/// Two folders of pictures.
#[derive(Clone, Debug)]
pub struct UnpairedFolders {
    inputs: Vec<PathBuf>,
    targets: Vec<PathBuf>,
    sides: Sides,
}

/// Whether `folder` is laid out as unpaired sets are: `trainA` and `trainB` inside.
pub fn is_unpaired_layout(folder: &Path) -> bool {
    ["trainA", "trainB"]
        .iter()
        .all(|name| folder.join(name).is_dir())
}

impl UnpairedFolders {
    /// The folders `trainA` and `trainB` below `folder`; `valA valB` or `testA testB` validate,
    /// and without them a fifth of each.
    ///
    /// # Errors
    /// [`FolderProblem`]: folders missing or without pictures.
    pub fn open(
        folder: &Path,
        direction: Direction,
        sides: Sides,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        if folder.is_dir() && !is_unpaired_layout(folder) {
            return Err(FolderProblem::NotUnpaired {
                path: folder.to_path_buf(),
            });
        }
        let pictures = |name: &str| list("--data", &folder.join(name));
        let (train_a, train_b) = (pictures("trainA")?, pictures("trainB")?);
        let mut validations = VALIDATION_FOLDERS.iter();
        let validation =
            validations.find(|names| names.iter().all(|name| folder.join(name).is_dir()));
        let (a, b) = match validation {
            Some([a, b]) => ((train_a, pictures(a)?), (train_b, pictures(b)?)),
            None => (
                train_and_validation(train_a, seed),
                train_and_validation(train_b, seed),
            ),
        };
        Ok(Self::of(direction.orient((a, b)), sides))
    }

    /// Two folders anywhere, each with `train` and `val` inside, or split 80/20.
    ///
    /// # Errors
    /// [`FolderProblem`]: folders missing or without pictures.
    pub fn two(
        a: &Path,
        b: &Path,
        direction: Direction,
        sides: Sides,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        let a = split_pictures("--a", a, seed)?;
        let b = split_pictures("--b", b, seed)?;
        Ok(Self::of(direction.orient((a, b)), sides))
    }

    fn of(
        (inputs, targets): (Split<Vec<PathBuf>>, Split<Vec<PathBuf>>),
        sides: Sides,
    ) -> Split<Self> {
        let folders = |inputs, targets| Self {
            inputs,
            targets,
            sides,
        };
        (folders(inputs.0, targets.0), folders(inputs.1, targets.1))
    }

    /// Pairs per epoch: as many as the larger folder has pictures, so that each of them comes.
    pub fn len(&self) -> usize {
        match self.inputs.is_empty() || self.targets.is_empty() {
            true => 0,
            false => self.inputs.len().max(self.targets.len()),
        }
    }

    /// Whether one of the folders has no picture.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn sides(&self) -> Sides {
        self.sides
    }

    pub(crate) fn drop_unusable(&mut self, frame: Frame) -> Result<Vec<DataError>, DataError> {
        let check = |side: Side| {
            move |path: &PathBuf| check_file(path, picture::header(path)?, side, frame)
        };
        let mut problems = keep_usable(&mut self.inputs, check(self.sides.input))?;
        problems.extend(keep_usable(&mut self.targets, check(self.sides.target))?);
        Ok(problems)
    }

    /// The input follows the index; the target is drawn at random, and in order for validation.
    pub(crate) fn pair(&self, index: usize, mut sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let target = match &mut sampling {
            Sampling::Jitter { rng, .. } => rng.random_range(0..self.targets.len()),
            Sampling::Fixed { .. } => index % self.targets.len(),
        };
        let mut sample = |path: &Path, side: Side| {
            let picture = side.read::<DataError>(path)?;
            Ok::<_, DataError>(sample_one(picture, side, &mut sampling))
        };
        let input = sample(&self.inputs[index % self.inputs.len()], self.sides.input)?;
        let target = sample(&self.targets[target], self.sides.target)?;
        Ok(Pair::encode(&input, &target, self.sides))
    }

    pub(crate) fn name(&self, index: usize) -> String {
        stem(&self.inputs[index % self.inputs.len()])
    }
}
