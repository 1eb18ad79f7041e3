//! Whether the largest depth that a flag names goes with the files: metres where they hold
//! millimetres leave nothing to learn from.

use std::path::PathBuf;

use model::Encoding;
use thiserror::Error;

use crate::data::PairSource;
use crate::data::direction::Direction;
use crate::data::sample::bands::Bands;
use crate::data::source::files::FileGroup;

/// Files that are looked at, evenly chosen, on each side.
const FILES: usize = 16;
/// A share of depths that is too small to learn from.
const ALMOST_NOTHING: f64 = 0.01;
/// A share of depths without which something is missing.
const MOST: f64 = 0.9;

/// A largest depth that leaves out almost every pixel.
#[derive(Debug, Error)]
pub enum DepthError {
    #[error(
        "{flag} {max}: {percent:.1}% of the depths in {files} files are as small, the largest is \
         {largest}, in {path}; name the largest depth that counts in the unit of the files, such as \
         {flag} {largest}"
    )]
    Larger {
        flag: &'static str,
        max: u16,
        percent: f64,
        files: usize,
        largest: u16,
        path: PathBuf,
    },
    #[error(
        "{flag} {max}: not a single pixel of {files} files was measured, such as {path}; depth is 0 \
         where nothing was measured: check that these are the right files"
    )]
    NothingMeasured {
        flag: &'static str,
        max: u16,
        files: usize,
        path: PathBuf,
    },
}

/// What was found in the files of one side.
#[derive(Default)]
struct Found {
    files: usize,
    /// Pixels with a depth.
    measured: u64,
    /// Those whose depth counts.
    counted: u64,
    largest: Option<(u16, PathBuf)>,
}

/// Looks into some files of each side that is depth; gives a remark where many depths are left out.
pub fn check(source: &PairSource, direction: Direction) -> Result<Vec<String>, DepthError> {
    let mut remarks = Vec::new();
    for group in source.file_groups() {
        for (index, (name, side)) in group.halves.iter().enumerate() {
            let Encoding::Depth { max } = side.encoding else {
                continue;
            };
            let (of_input, of_target) = direction.orient(("--depth-a", "--depth-b"));
            let flag = match *name {
                "A" => "--depth-a",
                "B" => "--depth-b",
                "input" => of_input,
                _ => of_target,
            };
            remarks.extend(look_at(&group, index, max).judged(flag, max)?);
        }
    }
    Ok(remarks)
}

fn look_at(group: &FileGroup<'_>, half: usize, max: u16) -> Found {
    let mut found = Found::default();
    let every = group.paths.len().div_ceil(FILES).max(1);
    for path in group.paths.iter().step_by(every) {
        // Files that cannot be read are told elsewhere.
        let Ok(bands) = Bands::read(path) else {
            continue;
        };
        let (width, height) = bands.dimensions();
        let part = width / group.halves.len().max(1) as u32;
        let bands = bands.cropped((half as u32 * part, 0), (part, height));
        let measured = || bands.depths().iter().copied().filter(|&depth| depth > 0);
        found.files += 1;
        found.measured += measured().count() as u64;
        found.counted += measured().filter(|&depth| depth <= max).count() as u64;
        let largest = measured().max().unwrap_or(0);
        if found
            .largest
            .as_ref()
            .is_none_or(|(before, _)| largest > *before)
        {
            found.largest = Some((largest, path.to_path_buf()));
        }
    }
    found
}

impl Found {
    fn judged(self, flag: &'static str, max: u16) -> Result<Option<String>, DepthError> {
        let files = self.files;
        let Some((largest, path)) = self.largest else {
            return Ok(None);
        };
        if self.measured == 0 {
            return Err(DepthError::NothingMeasured {
                flag,
                max,
                files,
                path,
            });
        }
        let share = self.counted as f64 / self.measured as f64;
        if share < ALMOST_NOTHING {
            return Err(DepthError::Larger {
                flag,
                max,
                percent: 100.0 * share,
                files,
                largest,
                path,
            });
        }
        Ok((share < MOST).then(|| {
            format!(
                "{flag} {max}: {:.0}% of the depths in {files} files are larger and count as not \
                 measured; the largest is {largest}, in {}",
                100.0 * (1.0 - share),
                path.display()
            )
        }))
    }
}
