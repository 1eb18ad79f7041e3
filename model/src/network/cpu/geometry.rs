//! The geometry of a convolution: which pixels each kernel position sees, as a matrix (im2col) and
//! back (col2im).

use std::ops::Range;

use crate::network::geometry::StridePadding;
use crate::vector::Instructions;
use crate::vector::threads::*;

/// Values of the unfolded matrix that a thread has in memory at once: few enough for its cache.
pub(super) const BLOCK: usize = 1 << 18;

/// Who does a part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// The thread at hand, beside others with parts of their own.
    One,
    /// All threads together.
    All,
}

impl Threads {
    /// Calls `work` with each chunk of `to` and the chunk of `from` at the same index.
    fn for_each_chunk(
        self,
        (to, to_size): (&mut [f32], usize),
        (from, from_size): (&[f32], usize),
        work: impl Fn(&mut [f32], &[f32]) + Sync,
    ) {
        match self {
            Self::One => {
                let to = to.chunks_exact_mut(to_size);
                to.zip(from.chunks_exact(from_size))
                    .for_each(|(to, from)| work(to, from));
            }
            Self::All => {
                let to = to.par_chunks_exact_mut(to_size);
                to.zip(from.par_chunks_exact(from_size))
                    .for_each(|(to, from)| work(to, from));
            }
        }
    }
}

/// Heights and widths of both sides: a convolution makes the small side of the big one, a transposed
/// convolution the big one of the small one. Each pixel of the small side is one position of the
/// kernel on the big side.
///
/// The big side is split into phases, the pixels that lie a stride apart, so that the values that
/// one tap of the kernel sees along a row of positions are contiguous.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) kernel: usize,
    stride: usize,
    padding: usize,
    pub(super) big: [usize; 2],
    pub(super) small: [usize; 2],
    /// Of one phase.
    phase: [usize; 2],
}

impl Geometry {
    pub(super) fn new(step: StridePadding, kernel: usize, big: [usize; 2]) -> Self {
        let StridePadding { stride, padding } = step;
        let padded = big.map(|side| side + 2 * padding);
        Self {
            kernel,
            stride,
            padding,
            big,
            small: padded.map(|side| (side - kernel) / stride + 1),
            phase: padded.map(|side| side.div_ceil(stride)),
        }
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    pub(super) fn positions(&self) -> usize {
        self.small[0] * self.small[1]
    }

    pub(super) fn pixels(&self) -> usize {
        self.big[0] * self.big[1]
    }

    /// Values of all phases of a channel.
    pub(super) fn phase_values(&self) -> usize {
        self.stride * self.stride * self.phase[0] * self.phase[1]
    }

    /// Rows of positions of so many channels that fit into a block when they are unfolded.
    pub(super) fn blocks(&self, channels: usize) -> Vec<Range<usize>> {
        let height = self.small[0];
        let rows = (BLOCK / self.unfolded(channels, 1)).clamp(1, height);
        let starts = (0..height).step_by(rows);
        starts
            .map(|start| start..(start + rows).min(height))
            .collect()
    }

    /// Values of `[channels, kernel, kernel, rows, width]`.
    pub(super) fn unfolded(&self, channels: usize, rows: usize) -> usize {
        channels * self.taps() * rows * self.small[1]
    }

    /// Where the row `y` of the big side lies in the phases of a channel: its start, and the distance
    /// between phases of neighbouring columns.
    fn row(&self, y: usize) -> (usize, usize) {
        let [height, width] = self.phase;
        let (y, phase) = (
            (y + self.padding) / self.stride,
            (y + self.padding) % self.stride,
        );
        let size = height * width;
        (phase * self.stride * size + y * width, size)
    }

    /// Pixels, `[channels, height, width]`, as phases, `[channels, stride, stride, phase height, phase
    /// width]`, with zeros where there are no pixels.
    pub(super) fn split(&self, pixels: &[f32], threads: Threads) -> Vec<f32> {
        let channels = pixels.len() / self.pixels();
        let mut phases = vec![0.0; channels * self.phase_values()];
        threads.for_each_chunk(
            (&mut phases, self.phase_values()),
            (pixels, self.pixels()),
            |phases, pixels| {
                for (y, row) in pixels.chunks_exact(self.big[1]).enumerate() {
                    let (start, size) = self.row(y);
                    for (column, values) in self.columns() {
                        let from = start + column.phase * size + column.first;
                        let to = &mut phases[from..from + values];
                        apart(&row[column.offset..], self.stride, to);
                    }
                }
            },
        );
        phases
    }

    /// The pixels of phases.
    pub(super) fn join(&self, phases: &[f32], pixels: &mut [f32], threads: Threads) {
        threads.for_each_chunk(
            (pixels, self.pixels()),
            (phases, self.phase_values()),
            |pixels, phases| {
                for (y, row) in pixels.chunks_exact_mut(self.big[1]).enumerate() {
                    let (start, size) = self.row(y);
                    for (column, values) in self.columns() {
                        let from = start + column.phase * size + column.first;
                        let values = &phases[from..from + values];
                        set_apart(values, self.stride, &mut row[column.offset..]);
                    }
                }
            },
        );
    }

    /// For each phase of columns, which pixels of a row it has, and how many.
    fn columns(&self) -> impl Iterator<Item = (Column, usize)> + '_ {
        (0..self.stride.min(self.big[1])).map(|offset| {
            let column = Column {
                offset,
                phase: (offset + self.padding) % self.stride,
                first: (offset + self.padding) / self.stride,
            };
            (column, (self.big[1] - offset).div_ceil(self.stride))
        })
    }

    /// Where, in the phases of a channel, the values begin that a tap sees along a row of positions.
    fn tap_start(&self, y: usize, x: usize, row: usize) -> usize {
        let [height, width] = self.phase;
        let phase = (y % self.stride) * self.stride + x % self.stride;
        (phase * height + row + y / self.stride) * width + x / self.stride
    }

    /// For each tap of the kernel, the values that it sees: `[channels, kernel, kernel,
    /// rows, width]`.
    pub(super) fn unfold(
        &self,
        phases: &[f32],
        rows: &Range<usize>,
        unfolded: &mut [f32],
        threads: Threads,
    ) {
        let width = self.small[1];
        threads.for_each_chunk(
            (unfolded, self.unfolded(1, rows.len())),
            (phases, self.phase_values()),
            |unfolded, phases| {
                self.for_each_run(rows, |at, run| {
                    unfolded[run * width..][..width].copy_from_slice(&phases[at..at + width]);
                });
            },
        );
    }

    /// Adds what each tap of the kernel has to the phases.
    pub(super) fn fold(
        &self,
        unfolded: &[f32],
        rows: &Range<usize>,
        phases: &mut [f32],
        threads: Threads,
    ) {
        let width = self.small[1];
        threads.for_each_chunk(
            (phases, self.phase_values()),
            (unfolded, self.unfolded(1, rows.len())),
            |phases, unfolded| {
                self.for_each_run(rows, |at, run| {
                    let values = &unfolded[run * width..][..width];
                    let accumulators = phases[at..at + width].iter_mut();
                    accumulators
                        .zip(values)
                        .for_each(|(accumulator, value)| *accumulator += value);
                });
            },
        );
    }

    /// Calls `work` with where a row of values lies in the phases, and which row it is unfolded.
    fn for_each_run(&self, rows: &Range<usize>, mut work: impl FnMut(usize, usize)) {
        let mut run = 0;
        for y in 0..self.kernel {
            for x in 0..self.kernel {
                for row in rows.clone() {
                    work(self.tap_start(y, x, row), run);
                    run += 1;
                }
            }
        }
    }
}

/// Copies every value of `from` that is a multiple of `stride` away from the first.
fn apart(from: &[f32], stride: usize, to: &mut [f32]) {
    Instructions::in_use().run(
        #[inline(always)]
        || match stride {
            1 => to.copy_from_slice(&from[..to.len()]),
            // Pairs become vectors.
            2 => {
                let (pairs, last) = from.as_chunks::<2>();
                for (to, pair) in to.iter_mut().zip(pairs) {
                    *to = pair[0];
                }
                if let (Some(to), Some(value)) = (to.get_mut(pairs.len()), last.first()) {
                    *to = *value;
                }
            }
            _ => {
                let values = from.iter().step_by(stride);
                to.iter_mut()
                    .zip(values)
                    .for_each(|(to, value)| *to = *value);
            }
        },
    );
}

/// Copies the values of `from` to where [`apart`] finds them.
fn set_apart(from: &[f32], stride: usize, to: &mut [f32]) {
    Instructions::in_use().run(
        #[inline(always)]
        || match stride {
            1 => to[..from.len()].copy_from_slice(from),
            2 => {
                let (pairs, last) = to.as_chunks_mut::<2>();
                pairs
                    .iter_mut()
                    .zip(from)
                    .for_each(|(pair, value)| pair[0] = *value);
                if let (Some(to), Some(value)) = (last.first_mut(), from.get(pairs.len())) {
                    *to = *value;
                }
            }
            _ => {
                let to = to.iter_mut().step_by(stride);
                to.zip(from).for_each(|(to, value)| *to = *value);
            }
        },
    );
}

/// The pixels of a row that belong to one phase of columns.
struct Column {
    /// The first of them.
    offset: usize,
    phase: usize,
    /// Where the first of them lies in a row of the phase.
    first: usize,
}
