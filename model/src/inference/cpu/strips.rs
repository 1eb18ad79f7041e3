//! One forward pass that several workers share, for places without shared memory, such as a
//! browser's workers: each has some rows of every feature map, and hands its outermost rows to
//! its neighbours between the layers, and the statistics of its rows to all where a norm takes
//! those of the image. The innermost maps have hardly any rows; everyone gets all of those and
//! computes the same. The result is that of one worker, to the bit where norms are fixed, else but
//! for the rounding of statistics.

use std::mem::swap;
use std::ops::Range;

use super::buffers::{Buffers, MadeFor};
use super::features::Features;
use super::generator::CpuGenerator;
use super::normalisation::Moments;
use crate::inference::dataflow::{MapShape, Step};

/// Fewer rows of the innermost shared map would be shared too unevenly; no layer reaches further beyond
/// an edge.
const LEAST_ROWS: usize = 4;

/// Which rows of an image each worker has, and what it does with them.
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
    /// Its first and its last rows. The answer: the last rows of the worker above and the first of
    /// the one below, anything where there is none.
    Edges(Vec<f32>),
    /// All its rows, or their statistics. The answer: those of all workers, from top to bottom.
    All {
        /// Its own.
        rows: Vec<f32>,
        /// Numbers of all.
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

impl CpuGenerator {
    /// How `workers` share an input of this height and width; `None` where they cannot: only inputs with
    /// rows for all.
    pub fn strips(&self, size: [usize; 2], workers: usize) -> Option<Strips<'_>> {
        Strips::new(self, size, workers)
    }
}

impl<'a> Strips<'a> {
    /// Rows for each of `workers`; `None` for an image that is too low for so many, or just one.
    fn new(
        generator: &'a CpuGenerator,
        [height, width]: [usize; 2],
        workers: usize,
    ) -> Option<Self> {
        let is_shared = |level: &usize| height >> level >= LEAST_ROWS * workers;
        let maps = generator.network.dataflow.maps.iter();
        let innermost = maps.map(|map| map.level).max()?;
        let level = (1..=innermost).rev().find(is_shared)?;
        (workers > 1).then_some(Self {
            generator,
            height,
            width,
            workers,
            level,
        })
    }

    /// The rows of the image that a worker has.
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

    /// How many workers share the image.
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
        let network = &self.generator.network;
        let kept = self.generator.buffers().take();
        let fitting = kept.filter(|buffers| buffers.fit(self.made_for(worker)));
        let mut buffers = fitting.unwrap_or_else(|| self.new_buffers(worker));
        network.begin(real_a, &mut buffers);
        for (layer, step) in network.dataflow.steps.iter().enumerate() {
            if let Some(mut whole) = buffers.gathered[layer].take() {
                gather(&buffers.features[step.from], &mut whole, &exchange).await?;
                swap(&mut buffers.features[step.from], &mut whole);
                network.run(layer, &mut buffers, 0);
                swap(&mut buffers.features[step.from], &mut whole);
                buffers.gathered[layer] = Some(whole);
                continue;
            }
            if !self.is_shared(network.dataflow.maps[step.from].level) {
                let rows = self.rows_at(step.level, worker);
                let first_row = if self.is_shared(step.level) {
                    rows.start
                } else {
                    0
                };
                network.run(layer, &mut buffers, first_row);
                continue;
            }
            network.close(layer, &mut buffers);
            let features = &mut buffers.features[step.from];
            let rows = exchange(Exchange::Edges(features.outer_rows())).await?;
            features.set_neighbours(&rows, [worker > 0, worker + 1 < self.workers]);
            network.multiply(layer, &mut buffers);
            let norm = &network.layers[layer];
            let normalisation = match norm.fixed() {
                Some(normalisation) => normalisation,
                None => {
                    let part = norm.moments(&buffers.accumulators);
                    norm.normalisation(&self.moments_of_all(&part, step.level, &exchange).await?)
                }
            };
            network.write(layer, &normalisation, &mut buffers, 0);
        }
        let fake_b = network.finish(real_a, &buffers);
        *self.generator.buffers() = Some(buffers);
        Ok(fake_b)
    }

    /// The statistics of all rows, from those of a worker's rows of a level.
    async fn moments_of_all<E>(
        &self,
        part: &Moments,
        level: usize,
        exchange: &impl AsyncFn(Exchange) -> Result<Vec<f32>, E>,
    ) -> Result<Moments, E> {
        let rows = part.to_numbers();
        let total = rows.len() * self.workers;
        let numbers = exchange(Exchange::All { rows, total }).await?;
        let rows = (0..self.workers).map(|worker| self.rows_at(level, worker).len());
        Ok(Moments::of_parts(&numbers, &rows.collect::<Vec<_>>()))
    }

    fn made_for(&self, worker: usize) -> MadeFor {
        let dataflow = &self.generator.network.dataflow;
        MadeFor {
            size: dataflow.image_size(1, [self.height, self.width]),
            workers: self.workers,
            worker,
        }
    }

    fn new_buffers(&self, worker: usize) -> Buffers {
        let (dataflow, made_for) = (&self.generator.network.dataflow, self.made_for(worker));
        let rows = |shape: MapShape| match self.is_shared(shape.level) {
            true => self.rows_at(shape.level, worker).len(),
            false => self.height >> shape.level,
        };
        let gathered = |step: &Step| {
            let from = dataflow.maps[step.from];
            let gathers = self.is_shared(from.level) && !self.is_shared(step.level);
            gathers.then(|| Features::new(from.size(made_for.size), from.border))
        };
        let mut buffers = Buffers::new(dataflow, made_for, rows);
        buffers.gathered = dataflow.steps.iter().map(gathered).collect();
        buffers
    }
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
