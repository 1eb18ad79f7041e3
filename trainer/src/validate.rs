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
/// Pairs that cannot be made are told to `problem` and left out.
pub fn evaluate(
    source: &PairSource,
    size: u32,
    count: usize,
    translate: impl Fn(&Pair) -> RgbImage,
    problem: impl FnMut(DataError),
) -> Evaluation {
    let rows: Vec<_> = fixed_pairs(source, size, count, problem)
        .map(|pair| {
            let fake_b = translate(&pair);
            (
                Metrics::between(&fake_b, &pair.real_b),
                Metrics::between(&pair.real_a, &pair.real_b),
            )
        })
        .collect();
    Evaluation::from_rows(&rows)
}

/// A row for each of the first `count` pairs: input, output, target.
pub fn sample_grid(
    source: &PairSource,
    size: u32,
    count: usize,
    translate: impl Fn(&Pair) -> RgbImage,
) -> RgbImage {
    let rows: Vec<_> = fixed_pairs(source, size, count, |_| ())
        .map(|pair| {
            let fake_b = translate(&pair);
            [pair.real_a, fake_b, pair.real_b]
        })
        .collect();
    grid(&rows, size)
}

/// What `generator` makes of a pair's input.
pub fn translate_pair(generator: &Generator, mode: Mode, pair: &Pair, device: &Device) -> RgbImage {
    let batch = PairedBatch::new(std::slice::from_ref(pair), device);
    let fake_b = pictures(generator.forward(batch.real_a, mode));
    fake_b.into_iter().next().unwrap_or_default()
}

fn fixed_pairs(
    source: &PairSource,
    size: u32,
    count: usize,
    mut problem: impl FnMut(DataError),
) -> impl Iterator<Item = Pair> {
    let pairs = (0..source.len()).map(move |index| source.pair(index, Sampling::Fixed { size }));
    let good = pairs.filter_map(move |pair| pair.map_err(&mut problem).ok());
    good.take(count)
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
