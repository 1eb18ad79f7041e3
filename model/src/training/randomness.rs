//! Randomness of training: each draw follows from the seed, the step and what it is for, so
//! that a resumed run is the same run.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are for; each purpose has a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Crops and mirrors.
    Jitter = 0,
    /// The order of pictures.
    Shuffle = 1,
    /// The pools of past fakes.
    Pool = 3,
    /// Changes to what the discriminators see.
    DiffAugment = 4,
    /// What generators drop.
    Dropout = 5,
}

/// Random numbers for `purpose` at `position`, such as a step or a sample.
pub fn stream(seed: u64, purpose: Purpose, position: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    rng.set_stream(purpose as u64);
    rng
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;

    #[test]
    fn neighbouring_seeds_and_steps_and_all_purposes_have_numbers_of_their_own() {
        let purposes = [
            Purpose::Jitter,
            Purpose::Shuffle,
            Purpose::Pool,
            Purpose::DiffAugment,
            Purpose::Dropout,
        ];
        let mut seen = BTreeSet::new();
        for (seed, position) in (0..32).flat_map(|seed| (0..32).map(move |step| (seed, step))) {
            for purpose in purposes {
                let first = stream(seed, purpose, position).next_u64();
                assert!(seen.insert(first), "{seed}, {purpose:?}, {position}");
            }
        }
    }
}
