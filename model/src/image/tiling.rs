//! Images in tiles: where tiles lie, what each of them sees, and how their results become one
//! image without seams. Knows nothing of networks, devices and files, so that native programs
//! and browsers share it.

use std::collections::VecDeque;
use std::f32::consts::FRAC_PI_2;
use std::ops::Range;

use thiserror::Error;

use crate::image::pixels::{SizeRule, mirrored};
use crate::image::raster::Raster;

/// Side of a tile, in pixels, where nobody chooses one.
pub const TILE_SIDE: usize = 1024;
/// Overlap of tiles whose results differ, in pixels, where nobody chooses one.
const BLENDED_OVERLAP: usize = 128;
/// Tiles whose results differ anyway begin at multiples of this, rather than of the network's
/// own multiple, which may be half of a tile.
const BLENDED_ALIGNMENT: usize = 32;
/// Smallest share of a tile's side that may be left of it without what its edges spoil, 1 to
/// this, before tiles are blended instead.
const SMALLEST_EXACT_SHARE: usize = 3;

/// Tiles that cannot be laid out.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TilingError {
    /// Hardly anything of a tile would be new.
    #[error(
        "an overlap of {overlap} leaves less than {needed} new pixels of tiles of {tile}; take \
         larger tiles or a smaller overlap"
    )]
    Overlap {
        /// Side of the tiles.
        tile: usize,
        /// Overlap asked for.
        overlap: usize,
        /// Pixels by which tiles are moved at least.
        needed: usize,
    },
    /// No pixels at all.
    #[error("the picture is {width}×{height}; both sides need at least one pixel")]
    Empty {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
}

/// A rectangle of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

/// A tile of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    column: usize,
    row: usize,
}

/// How an image is cut into tiles and put together again.
#[derive(Clone, Debug)]
pub struct TilePlan {
    columns: Axis,
    rows: Axis,
    exact: bool,
}

impl TilePlan {
    /// One tile that holds the whole image of `width` and `height`, padded by `rule`.
    ///
    /// # Errors
    /// [`TilingError::Empty`].
    pub fn whole(size: (usize, usize), rule: SizeRule) -> Result<Self, TilingError> {
        let joint = Joint {
            stride: usize::MAX,
            margin: 0,
            feather: 1,
            alignment: 1,
            exact: true,
        };
        Self::laid_out(size, rule, usize::MAX, joint)
    }

    /// Tiles of `side` pixels, rounded up by `rule`, which overlap by `overlap` pixels or more.
    ///
    /// `radius` is how far the network looks; tiles then overlap so much, unless told
    /// otherwise, that no pixel is taken whose surroundings are not in its tile: the result is
    /// that of the whole image. `None` says that the network looks at all of a tile. Such
    /// tiles, and tiles that are too small for the radius, fade into each other.
    ///
    /// # Errors
    /// [`TilingError`].
    pub fn new(
        size: (usize, usize),
        rule: SizeRule,
        radius: Option<usize>,
        side: usize,
        overlap: Option<usize>,
    ) -> Result<Self, TilingError> {
        let tile = rule.padded(side);
        let joint = Joint::choose(tile, rule.divisor(), radius, overlap)?;
        Self::laid_out(size, rule, tile, joint)
    }

    fn laid_out(
        (width, height): (usize, usize),
        rule: SizeRule,
        tile: usize,
        joint: Joint,
    ) -> Result<Self, TilingError> {
        if width == 0 || height == 0 {
            return Err(TilingError::Empty { width, height });
        }
        let columns = Axis::new(width, rule.padded(width), tile, joint);
        let rows = Axis::new(height, rule.padded(height), tile, joint);
        let exact = joint.exact || columns.origins.len() * rows.origins.len() == 1;
        Ok(Self {
            columns,
            rows,
            exact,
        })
    }

    /// The tiles, row by row.
    pub fn tiles(&self) -> impl Iterator<Item = Tile> + use<> {
        let (columns, rows) = (self.columns.origins.len(), self.rows.origins.len());
        (0..rows).flat_map(move |row| (0..columns).map(move |column| Tile { column, row }))
    }

    /// How many tiles there are.
    pub fn count(&self) -> usize {
        self.columns.origins.len() * self.rows.origins.len()
    }

    /// Width and height of each tile.
    pub fn tile_size(&self) -> (usize, usize) {
        (self.columns.tile, self.rows.tile)
    }

    /// Whether the result is that of the whole image in one piece.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Columns and rows of the image in whose front a tile begins or ends to count.
    pub fn seams(&self) -> (Vec<usize>, Vec<usize>) {
        (self.columns.seams(), self.rows.seams())
    }

    /// The part of the image that a tile shows.
    pub fn source(&self, tile: Tile) -> Rect {
        let (x, y) = (self.columns.source(tile.column), self.rows.source(tile.row));
        Rect {
            x: x.start,
            y: y.start,
            width: x.len(),
            height: y.len(),
        }
    }

    /// What the network sees of a tile: `cut`, the image's part that [`Self::source`] names,
    /// mirrored where the tile reaches over the image's edge.
    pub fn input(&self, tile: Tile, cut: &Raster) -> Raster {
        let (columns, rows) = (self.columns.shown(tile.column), self.rows.shown(tile.row));
        let source = self.source(tile);
        let mut values = Vec::with_capacity(cut.channels() * columns.len() * rows.len());
        for channel in 0..cut.channels() {
            let plane = cut.plane(channel);
            for y in rows {
                let row = &plane[(y - source.y) * source.width..][..source.width];
                values.extend(columns.iter().map(|x| row[x - source.x]));
            }
        }
        Raster::from_planes(columns.len(), rows.len(), values)
    }
}

/// Rows of the result that no later tile changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Row of the image at which it begins.
    pub top: usize,
    /// As wide as the image.
    pub raster: Raster,
}

/// Joins translated tiles. It holds no more rows than a tile has.
#[derive(Debug)]
pub struct Mosaic<'a> {
    plan: &'a TilePlan,
    channels: usize,
    /// Rows from `top` on that are not finished, the channels of each side by side.
    rows: VecDeque<Vec<f32>>,
    top: usize,
}

impl<'a> Mosaic<'a> {
    /// An empty image of `channels` channels.
    pub fn new(plan: &'a TilePlan, channels: usize) -> Self {
        Self {
            plan,
            channels,
            rows: VecDeque::new(),
            top: 0,
        }
    }

    /// Adds a translated tile, in the order of [`TilePlan::tiles`], and gives the rows that are
    /// finished with it.
    pub fn add(&mut self, tile: Tile, fake_b: &Raster) -> Option<Strip> {
        let plan = self.plan;
        let (columns, rows) = (&plan.columns, &plan.rows);
        let (across, down) = (&columns.weights[tile.column], &rows.weights[tile.row]);
        for (y, from_y) in rows.inside(tile.row) {
            let weight = down[from_y];
            if weight == 0.0 {
                continue;
            }
            let row = self.row(y);
            for channel in 0..fake_b.channels() {
                let line = &fake_b.plane(channel)[from_y * fake_b.width()..][..fake_b.width()];
                let sums = &mut row[channel * columns.length..][..columns.length];
                for (x, from_x) in columns.inside(tile.column) {
                    sums[x] += weight * across[from_x] * line[from_x];
                }
            }
        }
        let last_of_row = tile.column + 1 == columns.origins.len();
        match last_of_row {
            true => self.finished(rows.begins_at(tile.row + 1)),
            false => None,
        }
    }

    fn row(&mut self, y: usize) -> &mut Vec<f32> {
        let width = self.plan.columns.length;
        let index = y - self.top;
        while self.rows.len() <= index {
            self.rows.push_back(vec![0.0; self.channels * width]);
        }
        &mut self.rows[index]
    }

    fn finished(&mut self, until: usize) -> Option<Strip> {
        let (width, top) = (self.plan.columns.length, self.top);
        let count = until.saturating_sub(top).min(self.rows.len());
        let rows: Vec<Vec<f32>> = self.rows.drain(..count).collect();
        self.top += count;
        let planes = (0..self.channels).flat_map(|channel| {
            rows.iter()
                .flat_map(move |row| &row[channel * width..][..width])
        });
        (count > 0).then(|| Strip {
            top,
            raster: Raster::from_planes(width, count, planes.copied().collect()),
        })
    }
}

/// How neighbours overlap.
#[derive(Clone, Copy, Debug)]
struct Joint {
    /// Distance of neighbours, at most.
    stride: usize,
    /// Pixels at a tile's edge that do not count.
    margin: usize,
    /// Pixels over which it fades in.
    feather: usize,
    /// Tiles begin at multiples of this.
    alignment: usize,
    exact: bool,
}

impl Joint {
    fn choose(
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
struct Axis {
    /// Pixels of the image.
    length: usize,
    /// Pixels of padding before it.
    before: usize,
    /// For each position, the pixel of the image that is there.
    pixels: Vec<usize>,
    /// Pixels of a tile.
    tile: usize,
    /// Where tiles begin.
    origins: Vec<usize>,
    /// What each pixel of each tile counts; at every position they sum up to one.
    weights: Vec<Vec<f32>>,
}

impl Axis {
    fn new(length: usize, padded: usize, tile: usize, joint: Joint) -> Self {
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

    fn shown(&self, index: usize) -> &[usize] {
        &self.pixels[self.origins[index]..][..self.tile]
    }

    fn source(&self, index: usize) -> Range<usize> {
        let shown = self.shown(index);
        let first = shown.iter().min().copied().unwrap_or_default();
        let last = shown.iter().max().copied().unwrap_or_default();
        first..last + 1
    }

    /// Pixels of the image in a tile, each with its place in the tile.
    fn inside(&self, index: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (origin, before) = (self.origins[index], self.before);
        let first = self.begins_at(index);
        let end = (origin + self.tile).saturating_sub(before).min(self.length);
        (first..end).map(move |pixel| (pixel, pixel + before - origin))
    }

    /// First pixel of the image in a tile; behind the last tile, the end of the image.
    fn begins_at(&self, index: usize) -> usize {
        let origin = self.origins.get(index).copied().unwrap_or(usize::MAX);
        origin.saturating_sub(self.before).min(self.length)
    }

    fn seams(&self) -> Vec<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(size: (usize, usize), radius: Option<usize>, overlap: Option<usize>) -> TilePlan {
        TilePlan::new(size, SizeRule::multiple_of(8), radius, 64, overlap).expect("a plan")
    }

    fn image(width: usize, height: usize) -> Raster {
        let values = (0..2 * width * height).map(|index| ((index * 37) % 256) as f32 / 128.0 - 1.0);
        Raster::from_planes(width, height, values.collect())
    }

    fn cut(image: &Raster, rect: Rect) -> Raster {
        let plane = |channel: usize| {
            let rows = image.plane(channel).chunks_exact(image.width());
            let rows = rows.skip(rect.y).take(rect.height);
            rows.flat_map(move |row| &row[rect.x..][..rect.width])
        };
        let values = (0..image.channels()).flat_map(plane).copied().collect();
        Raster::from_planes(rect.width, rect.height, values)
    }

    fn through(plan: &TilePlan, image: &Raster, network: impl Fn(Raster) -> Raster) -> Raster {
        let mut mosaic = Mosaic::new(plan, image.channels());
        let mut strips = Vec::new();
        for tile in plan.tiles() {
            let input = plan.input(tile, &cut(image, plan.source(tile)));
            assert_eq!((input.width(), input.height()), plan.tile_size());
            strips.extend(mosaic.add(tile, &network(input)));
            assert!(mosaic.rows.len() <= plan.tile_size().1);
        }
        let mut planes = vec![Vec::new(); image.channels()];
        let mut next = 0;
        for strip in strips {
            assert_eq!(strip.top, next, "strips follow each other");
            next += strip.raster.height();
            for (channel, plane) in planes.iter_mut().enumerate() {
                plane.extend_from_slice(strip.raster.plane(channel));
            }
        }
        Raster::from_planes(image.width(), next, planes.concat())
    }

    fn largest_difference(a: &Raster, b: &Raster) -> f32 {
        assert_eq!(
            (a.width(), a.height(), a.channels()),
            (b.width(), b.height(), b.channels())
        );
        let pairs = a.values().iter().zip(b.values());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn weights_sum_up_to_one_at_every_pixel_whatever_the_overlap() {
        for length in [1, 63, 64, 65, 100, 200, 1001] {
            for overlap in [None, Some(0), Some(8), Some(30), Some(56)] {
                for radius in [None, Some(4), Some(20)] {
                    let plan = plan((length, 8), radius, overlap);
                    let mut sums = vec![0.0; length];
                    for index in 0..plan.columns.origins.len() {
                        for (pixel, at) in plan.columns.inside(index) {
                            sums[pixel] += plan.columns.weights[index][at];
                        }
                    }
                    let off = sums.iter().map(|sum: &f32| (sum - 1.0).abs());
                    let off = off.fold(0.0, f32::max);
                    assert!(off < 1e-5, "{length} {overlap:?} {radius:?}: {off}");
                }
            }
        }
    }

    #[test]
    fn tiles_that_nothing_is_done_to_are_the_image() {
        for (width, height) in [(1, 1), (64, 64), (65, 200), (301, 77)] {
            let image = image(width, height);
            for overlap in [None, Some(0), Some(40)] {
                let plan = plan((width, height), None, overlap);
                let joined = through(&plan, &image, |tile| tile);
                assert!(largest_difference(&joined, &image) < 1e-6);
            }
        }
    }

    #[test]
    fn what_a_tiles_edges_spoil_never_arrives_where_the_radius_is_known() {
        let image = image(300, 150);
        let plan = plan((300, 150), Some(10), None);
        assert!(plan.is_exact() && plan.count() > 20);
        let spoilt = |tile: Raster| {
            let (width, height, channels) = (tile.width(), tile.height(), tile.channels());
            let mut values = tile.into_values();
            for (at, value) in values.iter_mut().enumerate() {
                let (x, y) = (at % width, at / width % height);
                let from_edge = x.min(y).min(width - 1 - x).min(height - 1 - y);
                if from_edge < 10 {
                    *value += 100.0;
                }
            }
            assert_eq!(channels, 2);
            Raster::from_planes(width, height, values)
        };
        let joined = through(&plan, &image, spoilt);
        // The image's own edges are edges of the network's input, tiled or not.
        let inner = Rect {
            x: 10,
            y: 10,
            width: 280,
            height: 130,
        };
        assert!(largest_difference(&cut(&joined, inner), &cut(&image, inner)) < 1e-6);
    }

    #[test]
    fn tiles_of_different_brightness_fade_into_each_other_without_a_step() {
        let plan = plan((400, 64), None, Some(32));
        let (seams, _) = plan.seams();
        assert!(seams.len() > 8, "{seams:?}");
        let flat = Raster::from_planes(400, 64, vec![0.0; 2 * 400 * 64]);
        let count = std::cell::Cell::new(0.0);
        let joined = through(&plan, &flat, |tile| {
            count.set(1.0 - count.get());
            let pixels = tile.values().len();
            Raster::from_planes(tile.width(), tile.height(), vec![count.get(); pixels])
        });
        let row = &joined.plane(0)[..400];
        let steepest = row
            .windows(2)
            .map(|two| (two[1] - two[0]).abs())
            .fold(0.0, f32::max);
        // A raised cosine over 16 pixels.
        assert!(steepest < 0.11, "{steepest}");
        for seam in seams {
            let step = (row[seam] - row[seam - 1]).abs();
            assert!(step < 0.02, "{step} at {seam}");
        }
    }

    #[test]
    fn a_small_image_is_one_tile_and_an_overlap_of_a_whole_tile_is_refused() {
        assert_eq!(plan((60, 60), None, None).count(), 1);
        assert!(plan((60, 60), None, None).is_exact());
        let rule = SizeRule::multiple_of(8);
        let refused = TilePlan::new((500, 500), rule, None, 64, Some(60));
        let message = refused.expect_err("no room").to_string();
        assert!(
            message.contains("60") && message.contains("64"),
            "{message}"
        );
        assert!(TilePlan::whole((0, 5), rule).is_err());
    }
}
