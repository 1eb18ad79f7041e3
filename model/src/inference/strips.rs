//! One forward pass that several workers share, for places without shared memory, such as a
//! browser's workers: each has some rows of every feature map, and hands its outermost rows to
//! its neighbours between the layers. The innermost maps have hardly any rows; everyone gets all
//! of those and computes the same. The result is that of one worker, to the bit.

use std::mem::swap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::features::{Features, Size};
use super::schedule::MapShape;
use super::sums::Sums;
use super::{CpuGenerator, add_input};

/// Fewer rows of the innermost shared map would be shared too unevenly.
const LEAST_ROWS: usize = 4;

/// Which rows of a picture each worker has, and what it does with them.
#[derive(Clone, Debug)]
pub struct Strips<'a> {
    generator: &'a CpuGenerator,
    height: usize,
    width: usize,
    workers: usize,
    /// The level of the innermost maps that are shared.
    level: usize,
}

/// What a worker hands in between two layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Exchange {
    /// Its first and its last row. The answer: the last row of the worker above and the first of
    /// the one below, zeros where there is none.
    Edges(Vec<f32>),
    /// All its rows. The answer: the rows of all workers, from top to bottom.
    All {
        /// Its rows.
        rows: Vec<f32>,
        /// Numbers in the rows of all.
        total: usize,
    },
}

impl Exchange {
    /// How many numbers the answer has.
    pub fn expected(&self) -> usize {
        match self {
            Self::Edges(rows) => rows.len(),
            Self::All { total, .. } => *total,
        }
    }
}

impl<'a> Strips<'a> {
    /// Rows for each of `workers`; `None` for a picture that is too low for so many, or just one.
    pub(super) fn new(
        generator: &'a CpuGenerator,
        [height, width]: [usize; 2],
        workers: usize,
    ) -> Option<Self> {
        let is_shared = |level: &usize| height >> level >= LEAST_ROWS * workers;
        let maps = generator.network.schedule.maps.iter();
        let innermost = maps.map(|map| map.level).max()?;
        let level = (1..innermost).rev().find(is_shared)?;
        (workers > 1 && generator.network.is_shareable()).then_some(Self {
            generator,
            height,
            width,
            workers,
            level,
        })
    }

    /// The rows of the picture that a worker has.
    pub fn rows(&self, worker: usize) -> Range<usize> {
        self.rows_at(0, worker)
    }

    /// A worker's rows of the tensor `[1, channels, height, width]`.
    pub fn cut(&self, tensor: &[f32], worker: usize) -> Vec<f32> {
        let rows = self.rows(worker);
        let values = rows.start * self.width..rows.end * self.width;
        let planes = tensor.chunks_exact(self.height * self.width);
        let mut part = Vec::with_capacity(planes.len() * values.len());
        for plane in planes {
            part.extend_from_slice(&plane[values.clone()]);
        }
        part
    }

    /// The tensor of which [`Self::cut`] gives `parts`, one of each worker.
    pub fn join(&self, parts: &[Vec<f32>]) -> Vec<f32> {
        let plane = |worker| self.rows(worker).len() * self.width;
        let channels = parts.first().map_or(0, |part| part.len() / plane(0));
        let mut tensor = Vec::with_capacity(channels * self.height * self.width);
        for channel in 0..channels {
            for (worker, part) in parts.iter().enumerate() {
                let length = plane(worker);
                tensor.extend_from_slice(&part[channel * length..][..length]);
            }
        }
        tensor
    }

    /// How many workers share the picture.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Whether each worker has some rows of the maps of a level; of the others everyone has all.
    fn is_shared(&self, level: usize) -> bool {
        level <= self.level
    }

    /// A worker's rows of maps of a level.
    fn rows_at(&self, level: usize, worker: usize) -> Range<usize> {
        let units = self.height >> self.level;
        let bound = |worker: usize| (worker * units / self.workers) << (self.level - level);
        bound(worker)..bound(worker + 1)
    }

    /// A worker's part of [`CpuGenerator::forward`]: `real_a` is a tensor `[1, in_channels, rows,
    /// width]` of its rows, and so is the answer. `exchange` hands rows to the other workers and
    /// gets theirs; all must be at work at the same time.
    ///
    /// # Errors
    /// Those of `exchange`.
    pub async fn forward<E>(
        &self,
        worker: usize,
        real_a: &[f32],
        exchange: impl AsyncFn(Exchange) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<f32>, E> {
        let CpuGenerator {
            network,
            strip_buffers,
            ..
        } = self.generator;
        let fitting = strip_buffers.take().filter(|kept| kept.fit(self, worker));
        let mut buffers = fitting.unwrap_or_else(|| Box::new(StripBuffers::new(self, worker)));
        let StripBuffers {
            features,
            gathered,
            sums,
            ..
        } = &mut *buffers;

        features[network.schedule.image].fill(real_a);
        let steps = network.schedule.steps.iter().zip(gathered);
        for (layer, (step, gathered)) in steps.enumerate() {
            if let Some(whole) = gathered {
                gather(&features[step.from], whole, &exchange).await?;
                swap(&mut features[step.from], whole);
                network.run(layer, features, sums, 0);
                swap(&mut features[step.from], whole);
                continue;
            }
            let mut first_row = 0;
            if self.is_shared(network.schedule.maps[step.from].level) {
                meet(&mut features[step.from], &exchange).await?;
            } else if self.is_shared(step.level) {
                first_row = self.rows_at(step.level, worker).start;
            }
            network.run(layer, features, sums, first_row);
        }
        let mut fake_b = features[network.schedule.output].tensor();
        strip_buffers.keep(buffers);
        if self.generator.adds_input {
            add_input(&mut fake_b, real_a);
        }
        Ok(fake_b)
    }
}

/// What goes from layer to layer in a worker's part.
#[derive(Debug)]
pub(super) struct StripBuffers {
    /// Height, width, workers and worker.
    made_for: [usize; 4],
    features: Vec<Features>,
    /// Where a layer's outputs are not shared any more: all rows of what it reads.
    gathered: Vec<Option<Features>>,
    sums: Sums,
}

impl StripBuffers {
    fn new(strips: &Strips<'_>, worker: usize) -> Self {
        let size = Size {
            pictures: 1,
            height: strips.height,
            width: strips.width,
            channels: strips.generator.in_channels,
        };
        let rows = |shape: MapShape| match strips.is_shared(shape.level) {
            true => strips.rows_at(shape.level, worker).len(),
            false => size.height >> shape.level,
        };
        let network = &strips.generator.network;
        let gathered = network.schedule.steps.iter().map(|step| {
            let from = network.schedule.maps[step.from];
            let gathers = strips.is_shared(from.level) && !strips.is_shared(step.level);
            gathers.then(|| Features::new(from.size(size), from.border))
        });
        Self {
            made_for: Self::key(strips, worker),
            features: network.features(size, rows),
            gathered: gathered.collect(),
            sums: Sums::default(),
        }
    }

    fn key(strips: &Strips<'_>, worker: usize) -> [usize; 4] {
        [strips.height, strips.width, strips.workers, worker]
    }

    fn fit(&self, strips: &Strips<'_>, worker: usize) -> bool {
        self.made_for == Self::key(strips, worker)
    }
}

/// The buffers of the last part for the next.
#[derive(Debug, Default)]
pub(super) struct KeptBuffers(Mutex<Option<Box<StripBuffers>>>);

impl KeptBuffers {
    fn take(&self) -> Option<Box<StripBuffers>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take()
    }

    fn keep(&self, buffers: Box<StripBuffers>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(buffers);
    }
}

/// Gets the rows next to those that are here.
async fn meet<E>(
    features: &mut Features,
    exchange: &impl AsyncFn(Exchange) -> Result<Vec<f32>, E>,
) -> Result<(), E> {
    let rows = exchange(Exchange::Edges(features.outer_rows())).await?;
    features.set_neighbours(&rows);
    Ok(())
}

/// Gets the rows of all.
async fn gather<E>(
    part: &Features,
    whole: &mut Features,
    exchange: &impl AsyncFn(Exchange) -> Result<Vec<f32>, E>,
) -> Result<(), E> {
    let rows = part.rows().to_vec();
    let total = whole.rows().len();
    whole.set_rows(&exchange(Exchange::All { rows, total }).await?);
    Ok(())
}
