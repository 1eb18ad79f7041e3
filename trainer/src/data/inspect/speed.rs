//! How fast a data set's files become training pairs: a GPU waits where they come too slowly.

use std::time::{Duration, Instant};

use model::training::randomness::{Purpose, stream};

use crate::data::pair::Sampling;
use crate::data::sample::frame::Frame;
use crate::data::source::PairSource;

/// Pairs that are looked at, at most.
const PAIRS: usize = 64;
const LONGEST: Duration = Duration::from_secs(2);

/// Pairs that one thread reads, decodes, scales and crops in a second; `None` where none can be
/// made.
pub fn pairs_per_second(source: &PairSource, frame: Frame, seed: u64) -> Option<f64> {
    let count = source.len();
    let every = count.div_ceil(PAIRS).max(1);
    let started = Instant::now();
    let mut made = 0.0;
    for index in (0..count).step_by(every) {
        let mut rng = stream(seed, Purpose::Jitter, index as u64);
        let sampling = Sampling::Jitter {
            frame,
            flip: true,
            rng: &mut rng,
        };
        if source.pair(index, sampling).is_ok() {
            made += 1.0;
        }
        if started.elapsed() > LONGEST {
            break;
        }
    }
    (made > 0.0).then(|| made / started.elapsed().as_secs_f64())
}
