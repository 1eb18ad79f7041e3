//! What a data set consists of, and what is odd about it: sizes, channels, files without a
//! partner, files that are there twice. Reads files; changes nothing.

pub mod depths;
pub mod speed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use image::{RgbImage, imageops};
use model::Encoding;
use rayon::prelude::*;
use serde::Serialize;

use crate::data::digest::sha256_of;
use crate::data::direction::Direction;
use crate::data::error::DataError;
use crate::data::inspect::speed::pairs_per_second;
use crate::data::sample::bands::Bands;
use crate::data::sample::frame::Preprocess;
use crate::data::source::PairSource;
use crate::data::source::files::FileGroup;
use crate::data::{Frame, SampleFormat, Sampling};
use crate::image_file::grid::{grid, painted};
use crate::image_file::{self, Header, ImageFileError};
use crate::system::console::counted;

/// Headers that are looked at before a training, at most, in each part of a set.
const FAST_HEADERS: usize = 2_000;
/// A side that is so many times as long as the other changes much when squeezed into a square.
const SQUEEZED: f64 = 2.0;

/// Images of more bytes are looked at one after the other, however many cores there are.
const LARGE: u64 = 64 << 20;
/// Rows of an image that are numbers at a time: four times as many bytes as in the file.
const SUMMED_ROWS: u32 = 64;

/// Pairs on a contact sheet that train.
const SHEET_TRAIN: usize = 24;
/// Pairs on a contact sheet that validate.
const SHEET_VALIDATION: usize = 8;
/// Pairs beside each other.
const SHEET_COLUMNS: usize = 4;
/// Longer side of an image on a contact sheet, in pixels.
const SHEET_SIDE: u32 = 128;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoroughness {
    /// The headers of all files.
    Headers,
    /// Every pixel, and the bytes of files of equal length.
    Pixels,
}

/// A data set, described.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspection {
    /// What trains, then what validates.
    pub parts: Vec<Part>,
    /// Files that have no partner of the same name.
    pub unmatched: Vec<PathBuf>,
    /// Files of the same bytes; empty where only headers were read.
    pub duplicates: Vec<Duplicate>,
    /// Files that a training would leave out, and why.
    pub left_out: Vec<String>,
    /// Training pairs that one thread makes in a second; absent where only headers were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs_per_second: Option<f64>,
    /// Why a training would refuse the set.
    pub refused: Vec<String>,
    /// What is unusual, and what could be done.
    pub remarks: Vec<String>,
}

/// What trains, or what validates.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// `train` or `validation`.
    pub name: &'static str,
    /// Pairs that can be made.
    pub pairs: usize,
    /// Its files.
    pub groups: Vec<Group>,
}

/// Files of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// `input`, `target`, `combined` or `photos`; without pairs `A` or `B`.
    pub name: &'static str,
    pub files: usize,
    /// Bytes of all.
    pub bytes: u64,
    /// How many files have a size, the commonest first.
    pub sizes: Vec<SizeCount>,
    /// How many files have such samples: `3 × 8 bit`.
    pub samples: BTreeMap<String, usize>,
    /// Mean and deviation of what the network sees of the files, before scaling.
    pub statistics: Vec<SideStatistics>,
}

/// How many files have a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    pub files: usize,
}

/// Channels of one side of the pairs.
#[derive(Clone, Debug, Serialize)]
pub struct SideStatistics {
    /// `input` or `target`; without pairs `A` or `B`.
    pub side: &'static str,
    /// 1, or the largest depth in the files' unit.
    pub white: f64,
    /// Share of the pixels that were measured, of depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// In the order of the file.
    pub channels: Vec<ChannelStatistics>,
}

/// One channel over all pixels of all files, 0 to [`SideStatistics::white`].
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ChannelStatistics {
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
}

/// Files of the same bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Duplicate {
    /// SHA-256 of the bytes.
    pub sha256: String,
    pub files: Vec<PathBuf>,
    /// Whether some train and some validate, so that validation flatters.
    pub across: bool,
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

impl Inspection {
    fn add_left_out(&mut self, problems: &[DataError]) {
        for problem in problems.iter().map(ToString::to_string) {
            if !self.left_out.contains(&problem) {
                self.left_out.push(problem);
            }
        }
    }

    fn remark_on_duplicates(&mut self) {
        let across = self.duplicates.iter().filter(|duplicate| duplicate.across);
        let across = across.count();
        if across > 0 {
            self.remarks.push(format!(
                "training and validation share {}, so that validation flatters; remove what they \
                 share from one part",
                counted(across, "image")
            ));
        }
    }
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

fn moments_of(path: &Path, group: &FileGroup<'_>) -> Result<Vec<Moments>, ImageFileError> {
    let bands = Bands::read(path)?;
    let (width, height) = bands.dimensions();
    let part = width / group.halves.len().max(1) as u32;
    let moments = group
        .halves
        .iter()
        .zip(0u32..)
        .filter_map(|((_, side), index)| {
            let mut moments = Moments::default();
            for top in (0..height).step_by(SUMMED_ROWS as usize) {
                let rows = SUMMED_ROWS.min(height - top);
                let strip = bands.cropped((index * part, top), (part, rows));
                // What does not fit is named by the check that a training makes.
                let strip = side.fit(path, strip).ok()?;
                moments.add(&Moments::of(*side, &strip));
            }
            Some(moments)
        });
    Ok(moments.collect())
}

/// Sums over the pixels that count.
#[derive(Clone, Debug, Default)]
struct Moments {
    pixels: u64,
    counted: u64,
    /// Sum and sum of squares, for each channel.
    channels: Vec<(f64, f64)>,
}

impl Moments {
    fn of(side: SampleFormat, bands: &Bands) -> Self {
        let raster = side.raster(bands);
        let mask = side.mask(bands);
        let counts = |at: usize| mask.as_ref().is_none_or(|mask| mask.valid()[at]);
        let white = white(side);
        let channels = (0..raster.channels()).map(|channel| {
            let values = raster.plane(channel).iter().enumerate();
            let values = values.filter(|(at, _)| counts(*at));
            values.fold((0.0, 0.0), |(sum, squares), (_, &value)| {
                let value = (f64::from(value) + 1.0) / 2.0 * white;
                (sum + value, squares + value * value)
            })
        });
        Self {
            channels: channels.collect(),
            pixels: raster.pixels() as u64,
            counted: (0..raster.pixels()).filter(|at| counts(*at)).count() as u64,
        }
    }

    fn add(&mut self, other: &Self) {
        self.pixels += other.pixels;
        self.counted += other.counted;
        self.channels
            .resize(self.channels.len().max(other.channels.len()), (0.0, 0.0));
        for (sum, other) in self.channels.iter_mut().zip(&other.channels) {
            *sum = (sum.0 + other.0, sum.1 + other.1);
        }
    }
}

fn white(side: SampleFormat) -> f64 {
    match side.encoding {
        Encoding::Depth { max } => f64::from(max),
        _ => 1.0,
    }
}

fn summary(group: &FileGroup<'_>, facts: &[FileFacts]) -> Group {
    let mut sizes: HashMap<(u32, u32), usize> = HashMap::new();
    let mut samples: BTreeMap<String, usize> = BTreeMap::new();
    for header in facts.iter().filter_map(|facts| facts.header) {
        *sizes.entry((header.width, header.height)).or_default() += 1;
        let kind = format!("{} × {} bit", header.channels, header.bits);
        *samples.entry(kind).or_default() += 1;
    }
    let mut sizes: Vec<SizeCount> = sizes
        .into_iter()
        .map(|((width, height), files)| SizeCount {
            width,
            height,
            files,
        })
        .collect();
    sizes.sort_by_key(|size| (std::cmp::Reverse(size.files), size.width, size.height));
    let halves = group.halves.iter().enumerate();
    Group {
        name: group.name,
        files: facts.len(),
        bytes: facts.iter().map(|facts| facts.bytes).sum(),
        sizes,
        samples,
        statistics: halves
            .filter_map(|(index, (name, side))| statistics(name, *side, index, facts))
            .collect(),
    }
}

fn statistics(
    name: &'static str,
    side: SampleFormat,
    index: usize,
    facts: &[FileFacts],
) -> Option<SideStatistics> {
    let mut moments = Moments::default();
    for half in facts.iter().filter_map(|facts| facts.moments.get(index)) {
        moments.add(half);
    }
    if moments.counted == 0 {
        return None;
    }
    let count = moments.counted as f64;
    let channels = moments.channels.iter().map(|(sum, squares)| {
        let mean = sum / count;
        let std = (squares / count - mean * mean).max(0.0).sqrt();
        ChannelStatistics { mean, std }
    });
    Some(SideStatistics {
        side: name,
        white: white(side),
        measured: matches!(side.encoding, Encoding::Depth { .. })
            .then(|| count / moments.pixels as f64),
        channels: channels.collect(),
    })
}

/// Files of equal bytes; only those of equal length are read.
fn duplicates(files: &[(usize, PathBuf, u64)]) -> Vec<Duplicate> {
    let mut by_length: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut seen = HashSet::new();
    for (index, (_, path, bytes)) in files.iter().enumerate() {
        if *bytes > 0 && seen.insert(path) {
            by_length.entry(*bytes).or_default().push(index);
        }
    }
    let mut alike: Vec<usize> = by_length
        .into_values()
        .filter(|same| same.len() > 1)
        .flatten()
        .collect();
    alike.sort_unstable();
    let digests = alike.par_iter().map(|&index| digest(&files[index].1));
    let digests: Vec<Option<String>> = digests.collect();
    let mut by_digest: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, digest) in alike.into_iter().zip(digests) {
        if let Some(digest) = digest {
            by_digest.entry(digest).or_default().push(index);
        }
    }
    let same = by_digest.into_iter().filter(|(_, same)| same.len() > 1);
    let mut duplicates: Vec<Duplicate> = same
        .map(|(sha256, same)| Duplicate {
            sha256,
            across: same.iter().any(|&index| files[index].0 != files[same[0]].0),
            files: same.iter().map(|&index| files[index].1.clone()).collect(),
        })
        .collect();
    duplicates.sort_by(|a, b| a.files.cmp(&b.files));
    duplicates
}

fn digest(path: &Path) -> Option<String> {
    sha256_of(fs::File::open(path).ok()?).ok()
}

/// Pairs as the network sees them, input left, target right, evenly spread over the set: those
/// that train, then those that validate. Pairs that cannot be made are left out.
pub fn contact_sheet(train: &PairSource, validation: &PairSource, frame: Frame) -> RgbImage {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    for (source, count) in [(train, SHEET_TRAIN), (validation, SHEET_VALIDATION)] {
        let mut source = source.clone();
        // Whoever describes the set says what is wrong with it.
        let _ = source.drop_unusable(frame);
        let (input, target) = source.encodings();
        let count = count.min(source.len());
        for index in (0..count).map(|number| number * source.len() / count) {
            let Ok(pair) = source.pair(index, Sampling::Fixed { frame }) else {
                continue;
            };
            let shown = [
                input.shown(&pair.real_a, &pair.real_a),
                target.shown(&pair.real_b, &pair.real_a),
            ];
            row.extend(shown.iter().map(|shown| thumbnail(&painted(shown))));
            if row.len() == 2 * SHEET_COLUMNS {
                rows.push(std::mem::take(&mut row));
            }
        }
        rows.push(std::mem::take(&mut row));
    }
    rows.retain(|row| !row.is_empty());
    grid(&rows)
}

fn thumbnail(image: &RgbImage) -> RgbImage {
    let longer = image.width().max(image.height()).max(1);
    if longer <= SHEET_SIDE {
        return image.clone();
    }
    let scaled = |side: u32| (side * SHEET_SIDE / longer).max(1);
    imageops::thumbnail(image, scaled(image.width()), scaled(image.height()))
}
