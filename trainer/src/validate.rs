//! Judges a generator on validation pairs and draws what it made of them.

use burn::tensor::Device;
use image::{RgbImage, imageops};
use model::{Generator, Mode};

use crate::data::batch::pictures;
use crate::data::{DataError, Pair, PairSource, PairedBatch, Sampling};
use crate::metrics::{Evaluation, Metrics};

/// Pixels between the pictures of a grid.
const GRID_GAP: u32 = 4;
const GRID_BACKGROUND: image::Rgb<u8> = image::Rgb([245, 245, 245]);

/// Judges what `translate` makes of the first `count` pairs of `source`.
///
/// # Errors
/// Every picture was unusable: the last one's error. Single unusable ones are left out.
pub fn evaluate(
    source: &PairSource,
    size: u32,
    count: usize,
    mut translate: impl FnMut(&Pair) -> RgbImage,
) -> Result<Evaluation, DataError> {
    let rows = fixed_pairs(source, size, count)
        .map(|pair| {
            let pair = pair?;
            let fake_b = translate(&pair);
            Ok((
                Metrics::between(&fake_b, &pair.real_b),
                Metrics::between(&pair.real_a, &pair.real_b),
            ))
        })
        .collect();
    Ok(Evaluation::from_rows(&usable(rows)?))
}

/// A row for each of the first `count` pairs: input, output, target.
///
/// # Errors
/// As [`evaluate`].
pub fn sample_grid(
    source: &PairSource,
    size: u32,
    count: usize,
    mut translate: impl FnMut(&Pair) -> RgbImage,
) -> Result<RgbImage, DataError> {
    let rows = fixed_pairs(source, size, count)
        .map(|pair| {
            let pair = pair?;
            let fake_b = translate(&pair);
            Ok([pair.real_a, fake_b, pair.real_b])
        })
        .collect();
    Ok(grid(&usable(rows)?, size))
}

/// What `generator` makes of a pair's input.
pub fn translate_pair(
    generator: &Generator,
    mode: Mode,
    pair: &Pair,
    device: &Device,
) -> RgbImage {
    let batch = PairedBatch::new(std::slice::from_ref(pair), device);
    let fake_b = pictures(generator.forward(batch.real_a, mode));
    fake_b.into_iter().next().unwrap_or_default()
}

fn fixed_pairs(
    source: &PairSource,
    size: u32,
    count: usize,
) -> impl Iterator<Item = Result<Pair, DataError>> {
    let indices = 0..count.min(source.len());
    indices.map(move |index| source.pair(index, Sampling::Fixed { size }))
}

/// The rows that worked; the last error if none did.
fn usable<T>(rows: Vec<Result<T, DataError>>) -> Result<Vec<T>, DataError> {
    let mut problem = None;
    let good: Vec<T> = rows
        .into_iter()
        .filter_map(|row| row.map_err(|error| problem = Some(error)).ok())
        .collect();
    match problem {
        Some(error) if good.is_empty() => Err(error),
        _ => Ok(good),
    }
}

fn grid(rows: &[[RgbImage; 3]], size: u32) -> RgbImage {
    let pitch = size + GRID_GAP;
    let (width, height) = (3 * pitch + GRID_GAP, rows.len() as u32 * pitch + GRID_GAP);
    let mut grid = RgbImage::from_pixel(width, height, GRID_BACKGROUND);
    for (row, pictures) in rows.iter().enumerate() {
        for (column, picture) in pictures.iter().enumerate() {
            let x = GRID_GAP + column as u32 * pitch;
            let y = GRID_GAP + row as u32 * pitch;
            imageops::replace(&mut grid, picture, i64::from(x), i64::from(y));
        }
    }
    grid
}
