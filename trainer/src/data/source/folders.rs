//! Pairs that lie in folders: combined A|B images, or two folders matched by file name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::direction::Direction;
use crate::data::error::{DataError, FolderProblem};
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::augment::sample_pair;
use crate::data::sample::bands::Bands;
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::PairFormat;
use crate::data::source::files::{FileGroup, check_file, keep_usable};
use crate::data::source::listing::{Split, is_unpaired_layout, list, parts, split_images, stem};
use crate::data::source::split::train_and_validation;
use crate::image_file::{self, Header};

/// How many names an error lists.
const NAMES_SHOWN: usize = 5;

/// Where the halves of a pair are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Files {
    Combined(PathBuf),
    Two { a: PathBuf, b: PathBuf },
}

#[derive(Clone, Debug)]
pub struct FolderPairs {
    files: Vec<Files>,
    direction: Direction,
    format: PairFormat,
}

impl FolderPairs {
    /// Combined images, A on the left and B on the right, below `folder`.
    pub fn combined(
        folder: &Path,
        direction: Direction,
        format: PairFormat,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        if is_unpaired_layout(folder) {
            return Err(FolderProblem::Unpaired {
                path: folder.to_path_buf(),
            });
        }
        let (train, validation) = split_images("--data", folder, seed)?;
        let pairs = |paths: Vec<PathBuf>| Self {
            files: paths.into_iter().map(Files::Combined).collect(),
            direction,
            format,
        };
        Ok((pairs(train), pairs(validation)))
    }

    /// Two folders whose images match by name, endings aside. With `train` and `val` folders
    /// in both, those are used; otherwise the pairs are split 80/20.
    pub fn two(
        a: &Path,
        b: &Path,
        direction: Direction,
        format: PairFormat,
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
        let pairs = |files| Self {
            files,
            direction,
            format,
        };
        Ok((pairs(train), pairs(validation)))
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.files.extend(more.files);
        self.files.sort();
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn format(&self) -> PairFormat {
        self.format
    }

    pub(crate) fn drop_unusable(&mut self, frame: Frame) -> Result<Vec<DataError>, DataError> {
        let mut files = std::mem::take(&mut self.files);
        let problems = keep_usable(&mut files, |files| self.check_headers(files, frame));
        self.files = files;
        problems
    }

    fn check_headers(&self, files: &Files, frame: Frame) -> Result<(), DataError> {
        let (side_a, side_b) = self
            .direction
            .orient((self.format.input, self.format.target));
        match files {
            Files::Combined(path) => {
                let mut header = image_file::header(path)?;
                check_combined(path, header.width)?;
                header.width /= 2;
                check_file(path, header, side_a, frame)?;
                check_file(path, header, side_b, frame)
            }
            Files::Two { a, b } => {
                let (header_a, header_b) = (image_file::header(a)?, image_file::header(b)?);
                check_equal((a, header_a), (b, header_b))?;
                check_file(a, header_a, side_a, frame)?;
                check_file(b, header_b, side_b, frame)
            }
        }
    }

    pub(crate) fn pair(&self, index: usize, sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let halves = self.read(&self.files[index])?;
        Ok(sample_pair(
            self.direction.orient(halves),
            self.format,
            sampling,
        ))
    }

    /// Halves A and B, of one size.
    fn read(&self, files: &Files) -> Result<(Bands, Bands), DataError> {
        let (side_a, side_b) = self
            .direction
            .orient((self.format.input, self.format.target));
        match files {
            Files::Combined(path) => {
                let combined = Bands::read(path)?;
                let (width, height) = combined.dimensions();
                check_combined(path, width)?;
                let half = |x| combined.cropped((x, 0), (width / 2, height));
                Ok((
                    side_a.fit(path, half(0))?,
                    side_b.fit(path, half(width / 2))?,
                ))
            }
            Files::Two { a, b } => {
                let image_a = side_a.fit(a, Bands::read(a)?)?;
                let image_b = side_b.fit(b, Bands::read(b)?)?;
                check_equal((a, image_a.header()), (b, image_b.header()))?;
                Ok((image_a, image_b))
            }
        }
    }

    pub(crate) fn file_groups(&self) -> Vec<FileGroup<'_>> {
        let (mut combined, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for files in &self.files {
            match files {
                Files::Combined(path) => combined.push(path.as_path()),
                Files::Two {
                    a: first,
                    b: second,
                } => {
                    a.push(first.as_path());
                    b.push(second.as_path());
                }
            }
        }
        let input = ("input", self.format.input);
        let target = ("target", self.format.target);
        let (half_a, half_b) = self.direction.orient((input, target));
        let group = |name, paths, halves| FileGroup {
            name,
            paths,
            halves,
        };
        let groups = [
            group("combined", combined, vec![half_a, half_b]),
            group(half_a.0, a, vec![half_a]),
            group(half_b.0, b, vec![half_b]),
        ];
        groups
            .into_iter()
            .filter(|group| !group.paths.is_empty())
            .collect()
    }

    pub(crate) fn name(&self, index: usize) -> String {
        match &self.files[index] {
            Files::Combined(path) => stem(path),
            Files::Two { a, .. } => stem(a),
        }
    }
}

/// Images of two folders that have no partner of the same name in the other, in the same
/// parts as [`FolderPairs::two`] takes them.
pub(crate) fn unmatched(a: &Path, b: &Path) -> Result<Vec<PathBuf>, FolderProblem> {
    Ok(match (parts(a), parts(b)) {
        (Some((train_a, val_a)), Some((train_b, val_b))) => [
            by_partner(&train_a, &train_b)?.1,
            by_partner(&val_a, &val_b)?.1,
        ]
        .concat(),
        _ => by_partner(a, b)?.1,
    })
}

fn matched_pairs(a: &Path, b: &Path, skip_unmatched: bool) -> Result<Vec<Files>, FolderProblem> {
    let (pairs, unmatched) = by_partner(a, b)?;
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
        remedy: match pairs.is_empty() {
            true => {
                "not one pair is left: partners need the same name, or one that differs by an ending \
                 that all images of a folder share, such as 1_A.png and 1_B.png"
            }
            false => "rename or remove them, or pass --skip-unmatched to leave them out",
        },
    })
}

/// Pairs of the same name, and images without a partner. Where no two names are the same, those
/// endings are left out that all names of a folder share: `1_A.png` is the partner of `1_B.png`.
fn by_partner(a: &Path, b: &Path) -> Result<(Vec<Files>, Vec<PathBuf>), FolderProblem> {
    let (in_a, in_b) = (by_name("--a", a)?, by_name("--b", b)?);
    if !in_a.keys().any(|name| in_b.contains_key(name)) {
        let bare = (without_shared_ending(&in_a), without_shared_ending(&in_b));
        if let (Some(in_a), Some(in_b)) = bare
            && in_a.keys().any(|name| in_b.contains_key(name))
        {
            return Ok(partners(in_a, in_b));
        }
    }
    Ok(partners(in_a, in_b))
}

/// Images by their name inside the folder, without the ending of the format.
type ByName = BTreeMap<PathBuf, PathBuf>;

fn by_name(flag: &str, folder: &Path) -> Result<ByName, FolderProblem> {
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.with_extension("")
    };
    let paths = list(flag, folder)?;
    Ok(paths.into_iter().map(|path| (name(&path), path)).collect())
}

fn partners(in_a: ByName, mut in_b: ByName) -> (Vec<Files>, Vec<PathBuf>) {
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
    (pairs, unmatched)
}

/// Names without the last parts, each behind a `_`, `-` or `.`, that are the same in all of them;
/// `None` where two names would become one.
fn without_shared_ending(images: &ByName) -> Option<ByName> {
    let mut bare: Vec<(String, &PathBuf)> = images
        .iter()
        .map(|(name, path)| (name.to_string_lossy().into_owned(), path))
        .collect();
    let ending = |name: &str| {
        let at = name.rfind(['_', '-', '.'])?;
        Some(name[at..].to_string()).filter(|ending| !ending.contains('/'))
    };
    while let Some(shared) = bare.first().and_then(|(name, _)| ending(name)) {
        if !bare.iter().all(|(name, _)| name.ends_with(&shared)) {
            break;
        }
        for (name, _) in &mut bare {
            name.truncate(name.len() - shared.len());
        }
    }
    let count = bare.len();
    let bare: ByName = bare
        .into_iter()
        .map(|(name, path)| (PathBuf::from(name), path.clone()))
        .collect();
    (bare.len() == count).then_some(bare)
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
    (a, header_a): (&Path, Header),
    (b, header_b): (&Path, Header),
) -> Result<(), DataError> {
    let size = |header: Header| (header.width, header.height);
    match size(header_a) == size(header_b) {
        true => Ok(()),
        false => Err(DataError::PairSize {
            a: a.to_path_buf(),
            a_width: header_a.width,
            a_height: header_a.height,
            b: b.to_path_buf(),
            b_width: header_b.width,
            b_height: header_b.height,
        }),
    }
}
