//! What convolutions give before anything else is done to it, the statistics of that, and the way
//! from there into feature maps.

use std::ops::Range;

use super::features::Features;
use super::normalisation::{Affine, Moments};
use crate::inference::dataflow::{Size, Target};
use crate::network::activation::{LEAKY_SLOPE, tanh_of};
use crate::network::plan::Activation;
use crate::vector::Instructions;
use crate::vector::threads::*;

/// Positions whose accumulators lie side by side: few enough that the input that they see stays in
/// the cache while every block of output channels passes over it.
pub(super) const CHUNK: usize = 256;

/// Images, rows and columns of the positions that have the same parity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grid {
    pub images: usize,
    pub height: usize,
    pub width: usize,
}

impl Grid {
    pub fn positions(self) -> usize {
        self.images * self.height * self.width
    }
}

/// `[chunk, phase, block, position, lane]`: output channels in blocks of lanes, positions of the
/// same parity in chunks.
#[derive(Debug, Default)]
pub(super) struct Accumulators {
    values: Vec<f32>,
    used: usize,
    grid: Grid,
    channels: usize,
    scale: usize,
    lanes: usize,
}

impl Accumulators {
    /// Makes room for an output of `size`, made in `scale²` phases.
    pub fn begin(&mut self, size: Size, scale: usize, lanes: usize) {
        self.grid = Grid {
            images: size.images,
            height: size.height / scale,
            width: size.width / scale,
        };
        (self.channels, self.scale, self.lanes) = (size.channels, scale, lanes);
        let chunks = self.grid.positions().div_ceil(CHUNK);
        self.used = chunks * scale * scale * self.blocks() * CHUNK * lanes;
        if self.values.len() < self.used {
            self.values.resize(self.used, 0.0);
        }
    }

    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// Blocks of output channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.used]
    }

    /// The accumulators of a block in one row of a phase, in pieces, with the column of each.
    fn row(
        &self,
        phase: usize,
        block: usize,
        image: usize,
        y: usize,
    ) -> impl Iterator<Item = (usize, &[f32])> {
        let first = (image * self.grid.height + y) * self.grid.width;
        let end = first + self.grid.width;
        let phases = self.scale * self.scale;
        let mut position = first;
        std::iter::from_fn(move || {
            if position == end {
                return None;
            }
            let (chunk, within) = (position / CHUNK, position % CHUNK);
            let count = (CHUNK - within).min(end - position);
            let piece = (chunk * phases + phase) * self.blocks() + block;
            let start = (piece * CHUNK + within) * self.lanes;
            let column = position - first;
            position += count;
            Some((column, &self.values[start..][..count * self.lanes]))
        })
    }

    /// Mean and biased variance of every channel, over all images or over each.
    pub fn moments(&self, each_image: bool) -> Moments {
        match self.lanes {
            4 => self.moments_of::<4>(each_image),
            8 => self.moments_of::<8>(each_image),
            16 => self.moments_of::<16>(each_image),
            _ => self.moments_of::<32>(each_image),
        }
    }

    fn moments_of<const LANES: usize>(&self, each_image: bool) -> Moments {
        let groups = if each_image { self.grid.images } else { 1 };
        let images = self.grid.images / groups;
        let stride = self.blocks() * LANES;
        let mut moments = Moments::new(groups, stride);
        let blocks = moments.channels.par_chunks_mut(LANES).enumerate();
        blocks.for_each(|(index, channels)| {
            let (group, block) = (index / self.blocks(), index % self.blocks());
            let images = group * images..(group + 1) * images;
            let (mean, variance) = Instructions::in_use().run(
                #[inline(always)]
                || self.moments_of_block::<LANES>(block, images),
            );
            for (lane, channel) in channels.iter_mut().enumerate() {
                (channel.mean, channel.variance) = (mean[lane], variance[lane]);
            }
        });
        moments
    }

    /// Mean and biased variance of each lane.
    fn moments_of_block<const LANES: usize>(
        &self,
        block: usize,
        images: Range<usize>,
    ) -> ([f64; LANES], [f64; LANES]) {
        let mean = self.mean_of::<LANES>(block, images.clone(), |value, _| value);
        let centre = mean.map(|mean| mean as f32);
        let variance = self.mean_of::<LANES>(block, images, |value, lane| {
            (value - centre[lane]) * (value - centre[lane])
        });
        (mean, variance)
    }

    fn mean_of<const LANES: usize>(
        &self,
        block: usize,
        images: Range<usize>,
        term: impl Fn(f32, usize) -> f32,
    ) -> [f64; LANES] {
        let phases = self.scale * self.scale;
        let count = images.len() * self.grid.height * self.grid.width * phases;
        let rows = images.flat_map(|image| (0..self.grid.height).map(move |y| (image, y)));
        let mut total = [0.0; LANES];
        for (image, y) in rows {
            let pieces = (0..phases).flat_map(|phase| self.row(phase, block, image, y));
            for (_, values) in pieces {
                let mut part = [0.0; LANES];
                for values in values.as_chunks::<LANES>().0 {
                    for lane in 0..LANES {
                        part[lane] += term(values[lane], lane);
                    }
                }
                for (total, part) in total.iter_mut().zip(part) {
                    *total += f64::from(part);
                }
            }
        }
        total.map(|total| total / count as f64)
    }

    /// Writes as many rows of the outputs as `features` has, from `row` on.
    pub fn write(&self, affine: &Affine, target: Target, features: &mut Features, row: usize) {
        let to = (features, target.channel, row);
        match target.activation {
            _ if target.adds => self.write_as(affine, to, |before, value| before + value),
            Activation::Relu => self.write_as(affine, to, |_, value| larger(value, 0.0)),
            Activation::Tanh => self.write_as(affine, to, |_, value| tanh_of(value)),
            Activation::LeakyRelu | Activation::Identity => {
                let slope = match target.activation {
                    Activation::LeakyRelu => LEAKY_SLOPE as f32,
                    _ => 1.0,
                };
                self.write_as(affine, to, |_, value| larger(value, value * slope));
            }
        }
    }

    fn write_as(
        &self,
        affine: &Affine,
        to: (&mut Features, usize, usize),
        result: impl Fn(f32, f32) -> f32 + Copy + Sync + Send,
    ) {
        match self.lanes {
            4 => self.write_lanes::<4>(affine, to, result),
            8 => self.write_lanes::<8>(affine, to, result),
            16 => self.write_lanes::<16>(affine, to, result),
            _ => self.write_lanes::<32>(affine, to, result),
        }
    }

    fn write_lanes<const LANES: usize>(
        &self,
        affine: &Affine,
        (features, first_channel, first_row): (&mut Features, usize, usize),
        result: impl Fn(f32, f32) -> f32 + Copy + Sync + Send,
    ) {
        let (scale, stride) = (self.scale, features.size.channels);
        features.for_each_row(|image, y, row| {
            let y = y + first_row;
            Instructions::in_use().run(
                #[inline(always)]
                || {
                    for block in 0..self.blocks() {
                        let channel = block * LANES;
                        let count = LANES.min(self.channels - channel);
                        let (factors, summands) = affine.of::<LANES>(image, channel);
                        for parity in 0..scale {
                            let phase = y % scale * scale + parity;
                            for (column, accumulators) in self.row(phase, block, image, y / scale) {
                                let start =
                                    (column * scale + parity) * stride + first_channel + channel;
                                let pixels = row[start..].chunks_mut(scale * stride);
                                for (pixel, accumulators) in
                                    pixels.zip(accumulators.as_chunks::<LANES>().0)
                                {
                                    let value = |lane: usize| {
                                        accumulators[lane] * factors[lane] + summands[lane]
                                    };
                                    // Arrays of a known length become vectors: a block that is not full
                                    // computes its empty lanes too.
                                    if let (true, Some(pixel)) =
                                        (count == LANES, pixel.first_chunk_mut())
                                    {
                                        *pixel =
                                            lanes::<LANES>(|lane| result(pixel[lane], value(lane)));
                                        continue;
                                    }
                                    let before = lanes::<LANES>(|lane| pixel[lane.min(count - 1)]);
                                    let after =
                                        lanes::<LANES>(|lane| result(before[lane], value(lane)));
                                    for (lane, after) in after.iter().enumerate().take(count) {
                                        pixel[lane] = *after;
                                    }
                                }
                            }
                        }
                    }
                },
            );
        });
    }
}

#[inline(always)]
fn lanes<const LANES: usize>(value: impl Fn(usize) -> f32) -> [f32; LANES] {
    let mut values = [0.0; LANES];
    for (lane, slot) in values.iter_mut().enumerate() {
        *slot = value(lane);
    }
    values
}

/// One instruction everywhere; `max`, which says what becomes of NaN, is a call in WebAssembly.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
