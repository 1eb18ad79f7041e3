//! Judges a generator on validation pairs and draws what it made of them.

use std::convert::Infallible;

use burn::tensor::Device;
use image::RgbImage;
use model::{Generator, Mode, Raster};

use crate::data::direction::Direction;
use crate::data::sample::batch::{rasters, stacked};
use crate::data::{DataError, Frame, Pair, PairSource, Sampling};
use crate::evaluate::metrics::{Judged, Shown};
use crate::image_file::grid::{grid, painted};

/// Judges what `translate` makes of `count` pairs of `source`, evenly chosen: input and output are
/// rasters in the source's encodings. Targets without a single pixel that counts are left out.
///
/// Pairs that cannot be made are told to `problem` and left out.
pub fn judge(
    source: &PairSource,
    frame: Frame,
    count: usize,
    translate: impl Fn(&Pair) -> Raster,
    problem: impl FnMut(DataError),
) -> Vec<Judged> {
    let judged = judge_with(source, frame, count, translate, problem, |_, _| Ok(()));
    judged.unwrap_or_else(|never: Infallible| match never {})
}

/// As [`judge`]; `more` adds to each row. Its first error is the end.
pub fn judge_with<E>(
    source: &PairSource,
    frame: Frame,
    count: usize,
    translate: impl Fn(&Pair) -> Raster,
    problem: impl FnMut(DataError),
    mut more: impl FnMut(&Shown, &mut Judged) -> Result<(), E>,
) -> Result<Vec<Judged>, E> {
    let encodings = source.encodings();
    numbered_pairs(source, frame, count, problem)
        .filter(|(_, _, pair)| pair.mask.as_ref().is_none_or(|mask| mask.count() > 0))
        .map(|(_, name, pair)| {
            let fake_b = translate(&pair);
            let shown = Shown::new(&fake_b, &pair, encodings);
            let (output, input) = shown.metrics();
            let mut judged = Judged {
                name,
                output,
                input,
            };
            more(&shown, &mut judged)?;
            Ok(judged)
        })
        .collect()
}

/// A row for each of `count` pairs, evenly chosen: input, output, target, as people see them.
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

/// A row for each of `count` pairs, evenly chosen, there and back: `real_A`, `fake_B`, `rec_A`,
/// `idt_B`, then `real_B`, `fake_A`, `rec_B`, `idt_A`. The identities are left out where they
/// make no sense: where A and B differ in channels.
pub fn cycle_grid(
    source: &PairSource,
    frame: Frame,
    count: usize,
    translate: impl Fn(Direction, &Raster) -> Raster,
) -> RgbImage {
    let (a, b) = source.encodings();
    let rows: Vec<_> = fixed_pairs(source, frame, count, |_| ())
        .map(|Pair { real_a, real_b, .. }| {
            let fake_b = translate(Direction::AtoB, &real_a);
            let fake_a = translate(Direction::BtoA, &real_b);
            let rec_a = translate(Direction::BtoA, &fake_b);
            let rec_b = translate(Direction::AtoB, &fake_a);
            let shown_a = |image: &Raster| painted(&a.shown(image, &real_b));
            let shown_b = |image: &Raster| painted(&b.shown(image, &real_a));
            let mut there = vec![shown_a(&real_a), shown_b(&fake_b), shown_a(&rec_a)];
            let mut back = vec![shown_b(&real_b), shown_a(&fake_a), shown_b(&rec_b)];
            if real_a.channels() == real_b.channels() {
                there.push(shown_a(&translate(Direction::BtoA, &real_a)));
                back.push(shown_b(&translate(Direction::AtoB, &real_b)));
            }
            there.append(&mut back);
            there
        })
        .collect();
    grid(&rows)
}

/// What `generator` makes of one image.
pub fn translate_raster(
    generator: &Generator,
    mode: Mode,
    real_a: &Raster,
    device: &Device,
) -> Raster {
    let real_a = stacked(std::iter::once(real_a), device);
    let fake_b = rasters(generator.forward(real_a, mode));
    fake_b.into_iter().next().unwrap_or_default()
}

/// `count` pairs that can be made, evenly chosen, the same ones every time.
pub fn fixed_pairs(
    source: &PairSource,
    frame: Frame,
    count: usize,
    problem: impl FnMut(DataError),
) -> impl Iterator<Item = Pair> {
    numbered_pairs(source, frame, count, problem).map(|(_, _, pair)| pair)
}

/// As [`fixed_pairs`], with number and name of each.
pub fn numbered_pairs(
    source: &PairSource,
    frame: Frame,
    count: usize,
    mut problem: impl FnMut(DataError),
) -> impl Iterator<Item = (usize, String, Pair)> {
    let pairs = evenly_first(source.len(), count)
        .into_iter()
        .map(move |index| {
            let pair = source.pair(index, Sampling::Fixed { frame })?;
            Ok((index, source.name(index), pair))
        });
    let good = pairs.filter_map(move |pair: Result<_, DataError>| pair.map_err(&mut problem).ok());
    good.take(count)
}

/// Numbers below `length`: `count` of them evenly spread, for sets are often sorted by class, then
/// the others, which stand in for those that cannot be read.
fn evenly_first(length: usize, count: usize) -> Vec<usize> {
    let count = count.min(length);
    let mut order: Vec<usize> = (0..count).map(|number| number * length / count).collect();
    let mut is_chosen = vec![false; length];
    order.iter().for_each(|&index| is_chosen[index] = true);
    order.extend((0..length).filter(|&index| !is_chosen[index]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_pairs_are_evenly_spread_and_the_others_stand_in() {
        assert_eq!(evenly_first(10, 4), [0, 2, 5, 7, 1, 3, 4, 6, 8, 9]);
        assert_eq!(evenly_first(3, 16), [0, 1, 2]);
        assert_eq!(evenly_first(0, 4), [0; 0]);
    }
}
