//! Unpaired sets: two folders of images that show different things.

use std::path::{Path, PathBuf};

use rand::RngExt;

use crate::data::direction::Direction;
use crate::data::error::{DataError, FolderProblem};
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::augment::sample_one;
use crate::data::sample::bands::Bands;
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::{PairFormat, SampleFormat};
use crate::data::source::files::{FileGroup, check_file, keep_usable};
use crate::data::source::listing::{Split, is_unpaired_layout, list, split_images, stem};
use crate::data::source::split::train_and_validation;
use crate::image_file;

/// Folders of validation images beside `trainA` and `trainB`, the first pair found.
const VALIDATION_FOLDERS: [[&str; 2]; 2] = [["valA", "valB"], ["testA", "testB"]];

/// Two folders of images.
#[derive(Clone, Debug)]
pub struct UnpairedFolders {
    inputs: Vec<PathBuf>,
    targets: Vec<PathBuf>,
    format: PairFormat,
    /// Which set the inputs are of, and which the targets.
    names: (&'static str, &'static str),
}

impl UnpairedFolders {
    /// The folders `trainA` and `trainB` below `folder`; `valA valB` or `testA testB` validate,
    /// and without them a fifth of each.
    pub fn open(
        folder: &Path,
        direction: Direction,
        format: PairFormat,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        if folder.is_dir() && !is_unpaired_layout(folder) {
            return Err(FolderProblem::NotUnpaired {
                path: folder.to_path_buf(),
            });
        }
        let images = |name: &str| list("--data", &folder.join(name));
        let (train_a, train_b) = (images("trainA")?, images("trainB")?);
        let mut validations = VALIDATION_FOLDERS.iter();
        let validation =
            validations.find(|names| names.iter().all(|name| folder.join(name).is_dir()));
        let (a, b) = match validation {
            Some([a, b]) => ((train_a, images(a)?), (train_b, images(b)?)),
            None => (
                train_and_validation(train_a, seed),
                train_and_validation(train_b, seed),
            ),
        };
        Ok(Self::of((a, b), direction, format))
    }

    /// Two folders anywhere, each with `train` and `val` inside, or split 80/20.
    pub fn two(
        a: &Path,
        b: &Path,
        direction: Direction,
        format: PairFormat,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        let a = split_images("--a", a, seed)?;
        let b = split_images("--b", b, seed)?;
        Ok(Self::of((a, b), direction, format))
    }

    fn of(
        sets: (Split<Vec<PathBuf>>, Split<Vec<PathBuf>>),
        direction: Direction,
        format: PairFormat,
    ) -> Split<Self> {
        let (inputs, targets) = direction.orient(sets);
        let folders = |inputs, targets| Self {
            inputs,
            targets,
            format,
            names: direction.orient(("A", "B")),
        };
        (folders(inputs.0, targets.0), folders(inputs.1, targets.1))
    }

    /// Pairs per epoch: as many as the larger folder has images, so that each of them comes.
    pub fn len(&self) -> usize {
        match self.inputs.is_empty() || self.targets.is_empty() {
            true => 0,
            false => self.inputs.len().max(self.targets.len()),
        }
    }

    pub(crate) fn side_counts(&self) -> (usize, usize) {
        (self.inputs.len(), self.targets.len())
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.inputs.extend(more.inputs);
        self.targets.extend(more.targets);
        self.inputs.sort();
        self.targets.sort();
    }

    /// Whether one of the folders has no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn format(&self) -> PairFormat {
        self.format
    }

    pub(crate) fn drop_unusable(&mut self, frame: Frame) -> Result<Vec<DataError>, DataError> {
        let check = |side: SampleFormat| {
            move |path: &PathBuf| check_file(path, image_file::header(path)?, side, frame)
        };
        let inputs = keep_usable(&mut self.inputs, check(self.format.input));
        let targets = keep_usable(&mut self.targets, check(self.format.target));
        let mut problems = inputs?;
        problems.extend(targets?);
        Ok(problems)
    }

    /// The input follows the index; the target is drawn at random, and in order for validation.
    pub(crate) fn pair(&self, index: usize, mut sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let target = match &mut sampling {
            Sampling::Jitter { rng, .. } => rng.random_range(0..self.targets.len()),
            Sampling::Fixed { .. } => index % self.targets.len(),
        };
        let mut sample = |path: &Path, side: SampleFormat| {
            let image = side.fit(path, Bands::read(path)?)?;
            Ok::<_, DataError>(sample_one(image, side, &mut sampling))
        };
        let input = sample(&self.inputs[index % self.inputs.len()], self.format.input)?;
        let target = sample(&self.targets[target], self.format.target)?;
        Ok(Pair::encode(&input, &target, self.format))
    }

    pub(crate) fn file_groups(&self) -> Vec<FileGroup<'_>> {
        fn group<'a>(
            name: &'static str,
            paths: &'a [PathBuf],
            side: SampleFormat,
        ) -> FileGroup<'a> {
            FileGroup {
                name,
                paths: paths.iter().map(PathBuf::as_path).collect(),
                halves: vec![(name, side)],
            }
        }
        vec![
            group(self.names.0, &self.inputs, self.format.input),
            group(self.names.1, &self.targets, self.format.target),
        ]
    }

    pub(crate) fn name(&self, index: usize) -> String {
        stem(&self.inputs[index % self.inputs.len()])
    }

    pub(crate) fn target_name(&self, index: usize) -> String {
        stem(&self.targets[index % self.targets.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PairSource;
    use crate::data::loader::{Loader, LoaderConfig};
    use image::{Rgb, RgbImage};
    use tempfile::TempDir;

    const SIDES: PairFormat = PairFormat {
        input: SampleFormat::RGB,
        target: SampleFormat::RGB,
    };
    const FRAME: Frame = Frame {
        preprocess: crate::data::sample::frame::Preprocess::ResizeAndCrop,
        load_size: 10,
        size: 8,
        multiple_of: 1,
    };

    /// Flat images whose red value says which one it is; A counts up from 10, B from 100.
    fn set(count_a: u8, count_b: u8) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, first, count) in [("trainA", 10, count_a), ("trainB", 100, count_b)] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
            for index in 0..count {
                let image = RgbImage::from_pixel(12, 9, Rgb([first + index, 0, 0]));
                let path = folder.path().join(name).join(format!("{index}.png"));
                image.save(path).expect("an image");
            }
        }
        folder
    }

    fn red(raster: &model::Raster) -> u8 {
        model::pixels::to_byte(raster.values()[0])
    }

    fn epoch(source: UnpairedFolders, seed: u64, workers: usize) -> Vec<(u8, u8)> {
        let count = source.len();
        let config = LoaderConfig {
            seed,
            batch: 1,
            frame: FRAME,
            flip: true,
            workers,
        };
        let mut loader = Loader::start(PairSource::Unpaired(source), config, 0);
        let mut next = || loader.next_batch().expect("the worker lives").pairs;
        let batches = (0..count).map(|_| next());
        batches
            .flatten()
            .map(|pair| (red(&pair.real_a), red(&pair.real_b)))
            .collect()
    }

    fn open(folder: &TempDir, direction: Direction) -> Split<UnpairedFolders> {
        UnpairedFolders::open(folder.path(), direction, SIDES, 0).expect("a set")
    }

    #[test]
    fn an_epoch_shows_every_input_and_draws_targets_at_random() {
        let folder = set(16, 5);
        std::fs::create_dir(folder.path().join("testA")).expect("a folder");
        let (train, _) = open(&folder, Direction::AtoB);
        // No testB: a fifth of each folder validates.
        assert_eq!((train.inputs.len(), train.targets.len()), (13, 4));
        let pairs = epoch(train.clone(), 3, 1);
        let mut inputs: Vec<u8> = pairs.iter().map(|pair| pair.0).collect();
        inputs.sort_unstable();
        inputs.dedup();
        assert_eq!(inputs.len(), 13);
        assert!(pairs.iter().all(|pair| (100..105).contains(&pair.1)));
        assert_eq!(pairs, epoch(train.clone(), 3, 4));
        assert_ne!(pairs, epoch(train, 4, 1));
    }

    #[test]
    fn the_smaller_folder_starts_again_and_the_direction_swaps_them() {
        let folder = set(5, 10);
        let (train, _) = open(&folder, Direction::AtoB);
        assert_eq!((train.inputs.len(), train.len()), (4, 8));
        let mut inputs: Vec<u8> = epoch(train, 1, 1).iter().map(|pair| pair.0).collect();
        inputs.sort_unstable();
        assert!(
            inputs.chunks(2).all(|twice| twice[0] == twice[1]),
            "{inputs:?}"
        );
        let (train, validation) = open(&folder, Direction::BtoA);
        assert!(
            epoch(train, 1, 1)
                .iter()
                .all(|pair| pair.0 >= 100 && pair.1 < 100)
        );
        assert_eq!((validation.inputs.len(), validation.targets.len()), (2, 1));
    }

    #[test]
    fn validation_goes_through_both_folders_in_order() {
        let folder = set(2, 2);
        for (from, to) in [("trainA", "valA"), ("trainB", "valB")] {
            let (from, to) = (folder.path().join(from), folder.path().join(to));
            std::fs::create_dir(&to).expect("a folder");
            for name in ["0.png", "1.png"] {
                std::fs::copy(from.join(name), to.join(name)).expect("a copy");
            }
        }
        let (_, validation) = open(&folder, Direction::AtoB);
        let pair = |index| {
            let fixed = Sampling::Fixed { frame: FRAME };
            let pair = validation.pair(index, fixed).expect("a pair");
            (red(&pair.real_a), red(&pair.real_b))
        };
        assert_eq!([pair(0), pair(1)], [(10, 100), (11, 101)]);
    }

    #[test]
    fn a_folder_without_the_layout_is_refused_with_the_layout() {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = UnpairedFolders::open(folder.path(), Direction::AtoB, SIDES, 0);
        let message = opened.expect_err("no set").to_string();
        assert!(message.contains("trainA and trainB"), "{message}");
    }
}
