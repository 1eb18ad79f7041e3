//! Makes the pairs of coming steps on other threads. Which pair comes when, and its random
//! jitter, follow from the seed and the step alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use model::training::Order;
use model::training::randomness::{Purpose, stream};

use crate::data::error::DataError;
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::frame::Frame;
use crate::data::source::PairSource;

/// Batches that each worker may be ahead of the training.
const AHEAD: usize = 2;

/// How samples are made.
#[derive(Clone, Copy, Debug)]
pub struct LoaderConfig {
    pub seed: u64,
    /// Pairs per step.
    pub batch: usize,
    /// Scale and crop.
    pub frame: Frame,
    pub flip: bool,
    /// Threads that make pairs.
    pub workers: usize,
}

/// The pairs of one step.
#[derive(Debug)]
pub struct Loaded {
    /// As many as the batch size, unless every image failed.
    pub pairs: Vec<Pair>,
    /// Images that could not be used; the next one took their place.
    pub problems: Vec<DataError>,
}

/// An endless sequence of batches, in step order.
pub struct Loader {
    workers: Vec<Receiver<Loaded>>,
    next_step: u64,
}

impl Loader {
    /// Starts the workers; the first batch is that of step `first_step`.
    pub fn start(source: PairSource, config: LoaderConfig, first_step: u64) -> Self {
        let source = Arc::new(source);
        let count = config.workers.max(1) as u64;
        let workers = (0..count)
            .map(|worker| {
                let (sender, receiver) = sync_channel(AHEAD);
                let source = Arc::clone(&source);
                let steps = (first_step..).filter(move |step| step % count == worker);
                thread::spawn(move || work(&source, config, steps, &sender));
                receiver
            })
            .collect();
        Self {
            workers,
            next_step: first_step,
        }
    }

    /// The batch of the next step; `None` when its worker has died.
    pub fn next_batch(&mut self) -> Option<Loaded> {
        let worker = (self.next_step % self.workers.len() as u64) as usize;
        self.next_step += 1;
        self.workers[worker].recv().ok()
    }
}

fn work(
    source: &PairSource,
    config: LoaderConfig,
    steps: impl Iterator<Item = u64>,
    sender: &SyncSender<Loaded>,
) {
    let mut order = Order::new(config.seed, source.len());
    for step in steps {
        let loaded = load(source, config, step, &mut order);
        if sender.send(loaded).is_err() {
            return;
        }
    }
}

fn load(source: &PairSource, config: LoaderConfig, step: u64, order: &mut Order) -> Loaded {
    let mut loaded = Loaded {
        pairs: Vec::with_capacity(config.batch),
        problems: Vec::new(),
    };
    for slot in 0..config.batch as u64 {
        let sample = step * config.batch as u64 + slot;
        for attempt in 0..source.len() as u64 {
            let index = order.index(sample + attempt);
            let mut rng = stream(config.seed, Purpose::Jitter, sample);
            let sampling = Sampling::Jitter {
                frame: config.frame,
                flip: config.flip,
                rng: &mut rng,
            };
            match source.pair(index, sampling) {
                Ok(pair) => {
                    loaded.pairs.push(pair);
                    break;
                }
                Err(problem) => loaded.problems.push(problem),
            }
        }
    }
    loaded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::demo::DemoSplit;
    use crate::data::direction::Direction;
    use crate::data::sample::raster::{PairFormat, SampleFormat};
    use crate::data::source::drawn::DrawnPairs;

    fn config(workers: usize) -> LoaderConfig {
        LoaderConfig {
            seed: 5,
            batch: 2,
            frame: Frame {
                load_size: 36,
                ..Frame::square(32)
            },
            flip: true,
            workers,
        }
    }

    fn demo() -> PairSource {
        PairSource::Demo(DrawnPairs {
            seed: 1,
            split: DemoSplit::Train,
            count: 5,
            direction: Direction::AtoB,
            format: PairFormat {
                input: SampleFormat::RGB,
                target: SampleFormat::RGB,
            },
            unpaired: false,
        })
    }

    fn first_batches(workers: usize, first_step: u64, count: usize) -> Vec<Vec<Pair>> {
        batches_of(demo(), workers, first_step, count)
    }

    fn batches_of(
        source: PairSource,
        workers: usize,
        first_step: u64,
        count: usize,
    ) -> Vec<Vec<Pair>> {
        let mut loader = Loader::start(source, config(workers), first_step);
        let mut batch = || loader.next_batch().expect("the worker lives").pairs;
        (0..count).map(|_| batch()).collect()
    }

    #[test]
    fn the_number_of_workers_does_not_change_what_comes() {
        assert_eq!(first_batches(1, 0, 6), first_batches(3, 0, 6));
    }

    #[test]
    fn starting_later_continues_the_same_sequence() {
        assert_eq!(first_batches(2, 0, 6)[4..], first_batches(2, 4, 2));
    }
}
