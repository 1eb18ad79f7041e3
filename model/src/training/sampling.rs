//! Which pair a step learns from, and which part of it: from the seed and the sample's number alone.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::randomness::{Purpose, stream};

/// The order of pairs: a new shuffle each epoch.
#[derive(Clone, Debug)]
pub struct Order {
    seed: u64,
    epoch: Option<u64>,
    indices: Vec<usize>,
}

impl Order {
    /// Of `len` pairs, at least one.
    pub fn new(seed: u64, len: usize) -> Self {
        Self {
            seed,
            epoch: None,
            indices: (0..len).collect(),
        }
    }

    /// The pair of a sample.
    pub fn index(&mut self, sample: u64) -> usize {
        let len = self.indices.len() as u64;
        let epoch = sample / len;
        if self.epoch != Some(epoch) {
            self.indices = (0..len as usize).collect();
            self.indices
                .shuffle(&mut stream(self.seed, Purpose::Shuffle, epoch));
            self.epoch = Some(epoch);
        }
        self.indices[(sample % len) as usize]
    }
}

/// Where a sample is cut out of a scaled image, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    pub x: u32,
    pub y: u32,
    pub mirror: bool,
}

impl Jitter {
    /// Draws one that leaves `free` columns and rows over; mirrors half the samples if `flip` says
    /// so.
    pub fn draw(free: (u32, u32), flip: bool, rng: &mut ChaCha8Rng) -> Self {
        Self {
            x: rng.random_range(0..=free.0),
            y: rng.random_range(0..=free.1),
            mirror: flip && rng.random_bool(0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_comes_once_per_epoch() {
        let mut order = Order::new(9, 7);
        let mut seen: Vec<usize> = (7..14).map(|sample| order.index(sample)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
    }
}
