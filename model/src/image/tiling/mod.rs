//! Images in tiles: where tiles lie, what each of them sees, and how their results become one
//! image without seams. Knows nothing of networks, devices and files, so that native programs
//! and browsers share it.

mod axis;
mod mosaic;

use thiserror::Error;

use crate::image::pixels::SizeRule;
use crate::image::raster::Raster;
use axis::{Axis, Joint};
pub use mosaic::{Mosaic, Strip};

/// Side of a tile, in pixels, where nobody chooses one.
pub const TILE_SIDE: usize = 1024;
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
    Empty { width: usize, height: usize },
}

/// A rectangle of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    pub x: usize,
    pub y: usize,
    pub width: usize,
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
                    // Up to eight tiles meet at a pixel: some thirty roundings of 2^-24.
                    assert!(off < 4e-6, "{length} {overlap:?} {radius:?}: {off}");
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
