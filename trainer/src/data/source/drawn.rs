//! Pairs of façades that the program draws.

use rand::RngExt;

use crate::data::demo::{self, DemoSplit};
use crate::data::direction::Direction;
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::augment::sample_pair;
use crate::data::sample::bands::Bands;
use crate::data::sample::raster::PairFormat;

/// A set of façades.
#[derive(Clone, Debug)]
pub struct DrawnPairs {
    /// Seed of the whole set.
    pub seed: u64,
    /// Which part.
    pub split: DemoSplit,
    pub count: usize,
    /// Which image is the input: the label map is A, the photo B.
    pub direction: Direction,
    /// What networks see of it.
    pub format: PairFormat,
    /// Whether input and target are of different façades.
    pub unpaired: bool,
}

impl DrawnPairs {
    pub(crate) fn pair(&self, index: usize, mut sampling: Sampling<'_>) -> Pair {
        let side = sampling.frame().load_size;
        let facade = |index: usize| demo::facade(self.seed, self.split, index as u64, side);
        let first = facade(index);
        let photo = match (self.unpaired, &mut sampling) {
            (false, _) => first.photo,
            (true, Sampling::Jitter { rng, .. }) => facade(rng.random_range(0..self.count)).photo,
            (true, Sampling::Fixed { .. }) => facade((index + 1) % self.count).photo,
        };
        let halves = (Bands::from(first.label), Bands::from(photo));
        sample_pair(self.direction.orient(halves), self.format, sampling)
    }

    pub(crate) fn name(&self, index: usize) -> String {
        format!("facade-{index:04}")
    }
}
