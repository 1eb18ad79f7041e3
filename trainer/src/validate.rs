//! Judges a generator on validation pairs and draws what it made of them.

use burn::tensor::Device;
use image::{RgbImage, imageops};
use model::pixels::to_byte;
use model::{Generator, Mode, Raster};

use crate::data::batch::{rasters, stacked};
use crate::data::{DataError, Frame, Pair, PairSource, Sampling};
use crate::metrics::{Evaluation, Metrics};

/// Pixels between the pictures of a grid.
const GRID_GAP: u32 = 4;
const GRID_BACKGROUND: image::Rgb<u8> = image::Rgb([245, 245, 245]);

/// Judges what `translate` makes of the first `count` pairs of `source`: input and output are
/// rasters in the source's encodings. Targets without a single pixel that counts are left out.
///
/// Pairs that cannot be made are told to `problem` and left out.
pub fn evaluate(
    source: &PairSource,
    frame: Frame,
    count: usize,
    translate: impl Fn(&Pair) -> Raster,
    problem: impl FnMut(DataError),
) -> Evaluation {
    let encodings = source.encodings();
    let rows: Vec<_> = fixed_pairs(source, frame, count, problem)
        .filter(|pair| pair.mask.as_ref().is_none_or(|mask| mask.count() > 0))
        .map(|pair| Metrics::of_pair(&translate(&pair), &pair, encodings))
        .collect();
    Evaluation::from_rows(&rows)
}

/// A row for each of the first `count` pairs: input, output, target, as people see them.
pub fn sample_grid(
    source: &PairSource,
    frame: Frame,
    count: usize,
    translate: impl Fn(&Pair) -> Raster,
) -> RgbImage {
    let (input, target) = source.encodings();
    let rows: Vec<_> = fixed_pairs(source, frame, count, |_| ())
        .map(|pair| {
            let fake_b = translate(&pair);
            vec![
                painted(&input.shown(&pair.real_a, &pair.real_a)),
                painted(&target.shown(&fake_b, &pair.real_a)),
                painted(&target.shown(&pair.real_b, &pair.real_a)),
            ]
        })
        .collect();
    grid(&rows)
}

/// What `generator` makes of a pair's input.
pub fn translate_pair(generator: &Generator, mode: Mode, pair: &Pair, device: &Device) -> Raster {
    let real_a = stacked(std::iter::once(&pair.real_a), device);
    let fake_b = rasters(generator.forward(real_a, mode));
    fake_b.into_iter().next().unwrap_or_default()
}

/// The first `count` pairs that can be made, the same ones every time.
pub fn fixed_pairs(
    source: &PairSource,
    frame: Frame,
    count: usize,
    mut problem: impl FnMut(DataError),
) -> impl Iterator<Item = Pair> {
    let pairs = (0..source.len()).map(move |index| source.pair(index, Sampling::Fixed { frame }));
    let good = pairs.filter_map(move |pair| pair.map_err(&mut problem).ok());
    good.take(count)
}

/// A raster, as [`Encoding::shown`](model::Encoding::shown) gives it, as an RGB picture.
pub fn painted(shown: &Raster) -> RgbImage {
    let rgb = shown.to_rgb();
    let width = rgb.width();
    RgbImage::from_fn(width as u32, rgb.height() as u32, |x, y| {
        let at = y as usize * width + x as usize;
        image::Rgb([0, 1, 2].map(|channel| to_byte(rgb.plane(channel)[at])))
    })
}

/// Pictures in rows, each in the upper left corner of a cell as large as the largest of them.
pub fn grid(rows: &[Vec<RgbImage>]) -> RgbImage {
    let largest = |side: fn(&RgbImage) -> u32| rows.iter().flatten().map(side).max().unwrap_or(0);
    let pitch_x = largest(RgbImage::width) + GRID_GAP;
    let pitch_y = largest(RgbImage::height) + GRID_GAP;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let (width, height) = (columns * pitch_x, rows.len() as u32 * pitch_y);
    let mut grid = RgbImage::from_pixel(width + GRID_GAP, height + GRID_GAP, GRID_BACKGROUND);
    for (row, pictures) in rows.iter().enumerate() {
        for (column, picture) in pictures.iter().enumerate() {
            let x = GRID_GAP + column as u32 * pitch_x;
            let y = GRID_GAP + row as u32 * pitch_y;
            imageops::replace(&mut grid, picture, i64::from(x), i64::from(y));
        }
    }
    grid
}
