//! Joins translated tiles.

use std::collections::VecDeque;

use crate::image::raster::Raster;
use crate::image::tiling::{Tile, TilePlan};

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
    pub(super) rows: VecDeque<Vec<f32>>,
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
