//! What a data set consists of, and what is odd about it: sizes, channels, files without a
//! partner, files that are there twice. Reads files; changes nothing.

pub mod depths;
pub mod description;
mod duplicates;
pub mod sheet;
pub mod speed;
mod statistics;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use crate::data::Frame;
use crate::data::direction::Direction;
use crate::data::inspect::description::{Inspection, Part};
use crate::data::inspect::duplicates::duplicates;
use crate::data::inspect::speed::pairs_per_second;
use crate::data::inspect::statistics::{Moments, moments_of, summary};
use crate::data::sample::frame::Preprocess;
use crate::data::source::PairSource;
use crate::data::source::files::FileGroup;
use crate::image_file::{self, Header};

/// Headers that are looked at before a training, at most, in each part of a set.
const FAST_HEADERS: usize = 2_000;
/// A side that is so many times as long as the other changes much when squeezed into a square.
const SQUEEZED: f64 = 2.0;

/// Images of more bytes are looked at one after the other, however many cores there are.
const LARGE: u64 = 64 << 20;
/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// The headers of all files.
    Headers,
    /// Every pixel, and the bytes of files of equal length.
    Pixels,
}

/// What is known of a file.
struct FileFacts {
    bytes: u64,
    header: Option<Header>,
    /// For each half; empty where pixels were not read.
    moments: Vec<Moments>,
    problem: Option<String>,
}

/// A set to look at.
pub struct Inspected {
    pub train: PairSource,
    pub validation: PairSource,
    /// Files that have no partner, and whether a training leaves them out.
    pub unmatched: Vec<PathBuf>,
    pub skips_unmatched: bool,
    pub direction: Direction,
    pub seed: u64,
}

/// Describes a set, as a training would use it. `progress` is called for each file that was read.
pub fn inspect(
    set: Inspected,
    frame: Frame,
    thoroughness: Thoroughness,
    progress: &(dyn Fn() + Sync),
) -> Inspection {
    let mut inspection = Inspection {
        unmatched: set.unmatched,
        ..Inspection::default()
    };
    let (mut train, mut validation) = (set.train, set.validation);
    if !inspection.unmatched.is_empty() && !set.skips_unmatched {
        let count = inspection.unmatched.len();
        inspection.refused.push(format!(
            "files without a partner of the same name: {count}; rename or remove them, or pass \
             --skip-unmatched to leave them out"
        ));
    }
    let mut files: Vec<(usize, PathBuf, u64)> = Vec::new();
    let large = Mutex::new(());
    for (index, (name, source)) in [("train", &mut train), ("validation", &mut validation)]
        .into_iter()
        .enumerate()
    {
        // What a training would leave out may be too large to be looked at.
        let mut usable = source.clone();
        match usable.drop_unusable(frame) {
            Ok(problems) => inspection.add_left_out(&problems),
            Err(mistake) => inspection.refused.push(mistake.to_string()),
        }
        let used = usable.file_groups();
        let used: HashSet<&Path> = used.into_iter().flat_map(|group| group.paths).collect();
        let mut groups = Vec::new();
        for group in source.file_groups() {
            let facts = group.paths.par_iter().map(|path| {
                let thoroughness = match used.contains(path) {
                    true => thoroughness,
                    false => Thoroughness::Headers,
                };
                let facts = facts_of(path, &group, thoroughness, &large);
                progress();
                facts
            });
            let facts: Vec<FileFacts> = facts.collect();
            inspection
                .left_out
                .extend(facts.iter().filter_map(|facts| facts.problem.clone()));
            let listed = group.paths.iter().zip(&facts);
            files.extend(listed.map(|(path, facts)| (index, path.to_path_buf(), facts.bytes)));
            groups.push(summary(&group, &facts));
        }
        inspection.parts.push(Part {
            name,
            pairs: usable.len(),
            groups,
        });
        *source = usable;
    }
    if thoroughness == Thoroughness::Pixels {
        inspection.duplicates = duplicates(&files);
        inspection.pairs_per_second = pairs_per_second(&train, frame, set.seed);
    }
    inspection.remarks = remarks(&train, &validation, frame);
    match depths::check(&train, set.direction) {
        Ok(remarks) => inspection.remarks.extend(remarks),
        Err(error) => inspection.refused.push(error.to_string()),
    }
    inspection.remark_on_duplicates();
    inspection
}

/// What is unusual about a set, from the headers of some of its files: for the first seconds of
/// a training.
pub fn remarks(train: &PairSource, validation: &PairSource, frame: Frame) -> Vec<String> {
    let mut remarks = Vec::new();
    if validation.is_empty() {
        remarks.push(
            "no image validates: there will be no samples and no metrics; add images, or a \
             folder `val`"
                .to_string(),
        );
    }
    remarks.extend(small_or_squeezed(train, frame));
    remarks
}

fn small_or_squeezed(train: &PairSource, frame: Frame) -> Vec<String> {
    let is_squeezed =
        frame.preprocess == Preprocess::ResizeAndCrop && !matches!(train, PairSource::Photos(_));
    let (mut small, mut long, mut seen) = (Vec::new(), Vec::new(), 0);
    for group in train.file_groups() {
        let every = group.paths.len().div_ceil(FAST_HEADERS).max(1);
        let paths: Vec<&Path> = group.paths.iter().copied().step_by(every).collect();
        let headers = paths.par_iter().map(|path| image_file::header(path).ok());
        let headers: Vec<Option<Header>> = headers.collect();
        for (path, header) in paths.iter().zip(headers) {
            let Some(header) = header else { continue };
            let width = header.width / group.halves.len().max(1) as u32;
            let (shorter, longer) = (width.min(header.height), width.max(header.height));
            seen += 1;
            if shorter < frame.size {
                small.push((*path, width, header.height));
            }
            if f64::from(longer) > SQUEEZED * f64::from(shorter) {
                long.push((*path, width, header.height));
            }
        }
    }
    let first = |found: &[(&Path, u32, u32)]| {
        found.first().map(|(path, width, height)| {
            format!(
                "{} of {seen}, such as {} ({width}×{height})",
                found.len(),
                path.display()
            )
        })
    };
    let small = first(&small).filter(|_| frame.preprocess != Preprocess::None);
    let small = small.map(|what| {
        let size = frame.size;
        format!(
            "images smaller than --size {size}: {what}; scaled up they teach the network blur: \
             lower --size or leave them out"
        )
    });
    let long = first(&long).filter(|_| is_squeezed).map(|what| {
        format!(
            "images more than {SQUEEZED} times as long as wide or wide as high: {what}; they \
             are squeezed into squares: --preprocess scale_width_and_crop keeps their shape"
        )
    });
    small.into_iter().chain(long).collect()
}

fn facts_of(
    path: &Path,
    group: &FileGroup<'_>,
    thoroughness: Thoroughness,
    large: &Mutex<()>,
) -> FileFacts {
    let mut facts = FileFacts {
        bytes: fs::metadata(path).map_or(0, |metadata| metadata.len()),
        header: None,
        moments: Vec::new(),
        problem: None,
    };
    // The check that a training makes names a file without one.
    let Ok(header) = image_file::header(path) else {
        return facts;
    };
    facts.header = Some(header);
    let _turn = (header.bytes() > LARGE).then(|| large.lock());
    if thoroughness == Thoroughness::Pixels {
        match moments_of(path, group) {
            Ok(moments) => facts.moments = moments,
            Err(error) => facts.problem = Some(error.to_string()),
        }
    }
    facts
}
