//! Sizes, samples, means and deviations of files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use model::Encoding;

use crate::data::SampleFormat;
use crate::data::inspect::FileFacts;
use crate::data::inspect::description::{ChannelStatistics, Group, SideStatistics, SizeCount};
use crate::data::sample::bands::Bands;
use crate::data::source::files::FileGroup;
use crate::image_file::ImageFileError;

/// Rows of an image that are numbers at a time: four times as many bytes as in the file.
const SUMMED_ROWS: u32 = 64;

pub fn moments_of(path: &Path, group: &FileGroup<'_>) -> Result<Vec<Moments>, ImageFileError> {
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
pub struct Moments {
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

pub fn summary(group: &FileGroup<'_>, facts: &[FileFacts]) -> Group {
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
