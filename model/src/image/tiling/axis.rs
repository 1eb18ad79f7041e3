//! Where tiles lie along one side of an image, and what their pixels count.

use std::f32::consts::FRAC_PI_2;
use std::ops::Range;

use crate::image::pixels::mirrored;
use crate::image::tiling::TilingError;

/// Overlap of tiles whose results differ, in pixels, where nobody chooses one.
const BLENDED_OVERLAP: usize = 128;
/// Tiles whose results differ anyway begin at multiples of this, rather than of the network's
/// own multiple, which may be half of a tile.
const BLENDED_ALIGNMENT: usize = 32;
/// Smallest share of a tile's side that may be left of it without what its edges spoil, 1 to
/// this, before tiles are blended instead.
const SMALLEST_EXACT_SHARE: usize = 3;

/// How neighbours overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joint {
    /// Distance of neighbours, at most.
    pub(super) stride: usize,
    /// Pixels at a tile's edge that do not count.
    pub(super) margin: usize,
    /// Pixels over which it fades in.
    pub(super) feather: usize,
    /// Tiles begin at multiples of this.
    pub(super) alignment: usize,
    pub(super) exact: bool,
}

impl Joint {
    pub(super) fn choose(
        tile: usize,
        divisor: usize,
        radius: Option<usize>,
        overlap: Option<usize>,
    ) -> Result<Self, TilingError> {
        let holds = |radius: usize| {
            let left = tile.saturating_sub(2 * radius);
            left >= divisor && left * SMALLEST_EXACT_SHARE >= tile
        };
        let for_radius = radius
            .filter(|radius| holds(*radius))
            .map(|radius| 2 * radius);
        let blended = BLENDED_OVERLAP.min(tile / 4);
        let overlap = overlap.or(for_radius).unwrap_or(blended);
        let radius =
            radius.filter(|radius| overlap >= 2 * radius && tile - overlap.min(tile) >= divisor);
        let alignment = match radius {
            Some(_) => divisor,
            None => divisor.min(BLENDED_ALIGNMENT),
        };
        let stride = tile.saturating_sub(overlap) / alignment * alignment;
        if stride == 0 {
            return Err(TilingError::Overlap {
                tile,
                overlap,
                needed: alignment,
            });
        }
        let margin = radius.unwrap_or(overlap / 4);
        Ok(Self {
            stride,
            margin,
            feather: (overlap - 2 * margin).max(1),
            alignment,
            exact: radius.is_some(),
        })
    }
}

/// Tiles along one side of the image. Positions are those of the padded side.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Pixels of the image.
    pub(super) length: usize,
    /// Pixels of padding before it.
    before: usize,
    /// For each position, the pixel of the image that is there.
    pixels: Vec<usize>,
    pub(super) tile: usize,
    /// Where tiles begin.
    pub(super) origins: Vec<usize>,
    /// What each pixel of each tile counts; at every position they sum up to one.
    pub(super) weights: Vec<Vec<f32>>,
}

impl Axis {
    pub(super) fn new(length: usize, padded: usize, tile: usize, joint: Joint) -> Self {
        let tile = tile.min(padded);
        let way = padded - tile;
        let steps = way.div_ceil(joint.stride);
        // Evenly spread: no pair of neighbours overlaps much more than another.
        let origin = |index: usize| way * index / steps.max(1) / joint.alignment * joint.alignment;
        let mut origins: Vec<usize> = (0..steps).map(origin).collect();
        origins.push(way);
        let mut axis = Self {
            length,
            before: (padded - length) / 2,
            pixels: mirrored(length, padded),
            tile,
            origins,
            weights: Vec::new(),
        };
        axis.weights = axis.balanced(padded, joint);
        axis
    }

    fn balanced(&self, padded: usize, joint: Joint) -> Vec<Vec<f32>> {
        let mut weights: Vec<Vec<f32>> = self
            .origins
            .iter()
            .map(|&origin| {
                let end = origin + self.tile;
                let fade = |inner_edge: bool, distance: usize| match inner_edge {
                    true => faded(distance, joint),
                    false => 1.0,
                };
                (origin..end)
                    .map(|at| fade(origin > 0, at - origin) * fade(end < padded, end - 1 - at))
                    .collect()
            })
            .collect();
        let mut sums = vec![0.0; padded];
        for (origin, weights) in self.origins.iter().zip(&weights) {
            for (sum, weight) in sums[*origin..].iter_mut().zip(weights) {
                *sum += weight;
            }
        }
        for (origin, weights) in self.origins.iter().zip(&mut weights) {
            for (weight, sum) in weights.iter_mut().zip(&sums[*origin..]) {
                *weight /= sum;
            }
        }
        weights
    }

    pub(super) fn shown(&self, index: usize) -> &[usize] {
        &self.pixels[self.origins[index]..][..self.tile]
    }

    pub(super) fn source(&self, index: usize) -> Range<usize> {
        let shown = self.shown(index);
        let first = shown.iter().min().copied().unwrap_or_default();
        let last = shown.iter().max().copied().unwrap_or_default();
        first..last + 1
    }

    /// Pixels of the image in a tile, each with its place in the tile.
    pub(super) fn inside(&self, index: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (origin, before) = (self.origins[index], self.before);
        let first = self.begins_at(index);
        let end = (origin + self.tile).saturating_sub(before).min(self.length);
        (first..end).map(move |pixel| (pixel, pixel + before - origin))
    }

    /// First pixel of the image in a tile; behind the last tile, the end of the image.
    pub(super) fn begins_at(&self, index: usize) -> usize {
        let origin = self.origins.get(index).copied().unwrap_or(usize::MAX);
        origin.saturating_sub(self.before).min(self.length)
    }

    pub(super) fn seams(&self) -> Vec<usize> {
        let edge = |index: usize, weights: &[f32]| {
            let counts = |weight: &&f32| **weight > 0.0;
            let skipped = weights.iter().take_while(|weight| !counts(weight)).count();
            let origin = self.origins[index] + skipped;
            origin.saturating_sub(self.before)
        };
        let ends = |index: usize, weights: &[f32]| {
            let skipped = weights
                .iter()
                .rev()
                .take_while(|weight| **weight == 0.0)
                .count();
            (self.origins[index] + self.tile - skipped).saturating_sub(self.before)
        };
        let numbered = || self.weights.iter().enumerate();
        let mut seams: Vec<usize> = numbered()
            .flat_map(|(index, weights)| [edge(index, weights), ends(index, weights)])
            .filter(|seam| (1..self.length).contains(seam))
            .collect();
        seams.sort_unstable();
        seams.dedup();
        seams
    }
}

/// What a pixel counts at `distance` from an edge behind which the image goes on: nothing in
/// the margin, then rising smoothly to one.
fn faded(distance: usize, joint: Joint) -> f32 {
    if distance < joint.margin {
        return 0.0;
    }
    let way = (distance - joint.margin) as f32 + 0.5;
    let angle = FRAC_PI_2 * (way / joint.feather as f32).min(1.0);
    angle.sin().powi(2)
}
