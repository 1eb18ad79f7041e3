//! Products of matrices that lie in slices.

use std::cell::RefCell;
use std::ops::Range;

use super::geometry::Threads;
use crate::vector::threads::*;
#[cfg(target_arch = "x86_64")]
use crate::vector::{Eight, Sixteen};
use crate::vector::{Four, Instructions, Lanes, Level, add_products};

/// Terms of each sum that are added before the next columns have their turn: so many rows of a panel
/// stay in the first cache.
const DEPTH: usize = 256;
/// Columns, and rows, whose packed values stay in the second cache.
const COLUMNS: usize = 256;
const ROWS_AT_A_TIME: usize = 96;
/// So few columns would leave lanes empty, and cost more to pack than to multiply.
const FEW_COLUMNS: usize = 12;
/// Parts for each thread, some of which are slower than others.
const PARTS: usize = 3;

/// Rows whose sums stay in the registers that every processor of the target has.
const BASELINE_ROWS: usize = if cfg!(target_arch = "aarch64") { 8 } else { 4 };

/// A matrix in memory.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Whose rows lie `stride` values apart.
    pub(super) fn rows(values: &'a [f32], stride: usize) -> Self {
        Self {
            values,
            row_stride: stride,
            column_stride: 1,
        }
    }

    /// Whose columns do.
    pub(super) fn columns(values: &'a [f32], stride: usize) -> Self {
        Self {
            values,
            row_stride: 1,
            column_stride: stride,
        }
    }

    /// Whether all of a matrix of this size lies in the values, at distances that a pointer takes.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = |count: usize, stride: usize| count.checked_sub(1)?.checked_mul(stride);
        let place = || last(rows, self.row_stride)?.checked_add(last(columns, self.column_stride)?);
        rows == 0 || columns == 0 || place().is_some_and(|place| place < self.values.len())
    }

    /// What is in a row from a column on, if it lies side by side.
    fn from(&self, row: usize, column: usize) -> &'a [f32] {
        &self.values[row * self.row_stride + column * self.column_stride..]
    }

    /// Copies rows and columns into `packed`: `WIDTH` columns side by side, row after row, then the
    /// next ones; zeros where there are no columns.
    fn pack<const WIDTH: usize>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        packed: &mut Vec<f32>,
    ) {
        let count = columns.len().div_ceil(WIDTH) * WIDTH * rows.len();
        if packed.len() < count {
            packed.resize(count, 0.0);
        }
        let panels = packed[..count].chunks_exact_mut(WIDTH * rows.len());
        for (panel, first) in panels.zip(columns.clone().step_by(WIDTH)) {
            let here = WIDTH.min(columns.end - first);
            if here < WIDTH {
                panel.fill(0.0);
            }
            let panel = panel.as_chunks_mut::<WIDTH>().0;
            if self.column_stride != 1 {
                for column in 0..here {
                    let values = self.from(rows.start, first + column);
                    let values = values.iter().step_by(self.row_stride);
                    let panel = panel.iter_mut().zip(values);
                    panel.for_each(|(to, value)| to[column] = *value);
                }
                continue;
            }
            for (to, row) in panel.iter_mut().zip(rows.clone()) {
                let values = self.from(row, first);
                match values.first_chunk::<WIDTH>() {
                    // Of a length that is known while this is compiled, and so without a call.
                    Some(values) if here == WIDTH => *to = *values,
                    _ => to[..here].copy_from_slice(&values[..here]),
                }
            }
        }
    }

    fn transposed(self) -> Self {
        Self {
            values: self.values,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

fn is_within(rows: usize, columns: usize, length: usize) -> bool {
    let values = rows.checked_mul(columns);
    values.is_some_and(|values| values <= length)
}

/// `left`, `[rows, depth]`, times `right`, `[depth, columns]`; added to what is there, if wanted.
/// Every sum is made in the order of `depth`, whatever the sizes and the threads.
pub(super) fn product(
    [rows, columns, depth]: [usize; 3],
    into: &mut [f32],
    (left, right): (Matrix<'_>, Matrix<'_>),
    add: bool,
    threads: Threads,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns));
    assert!(is_within(rows, columns, into.len()));
    if depth == 0 && !add {
        into[..rows * columns].fill(0.0);
    }
    if columns < FEW_COLUMNS && rows >= FEW_COLUMNS && left.column_stride != 1 {
        let mut transposed = vec![0.0; rows * columns];
        let matrices = (right.transposed(), left.transposed());
        let sizes = [columns, rows, depth];
        product(sizes, &mut transposed, matrices, false, threads);
        for (row, into) in into.chunks_exact_mut(columns).take(rows).enumerate() {
            let values = transposed[row..].iter().step_by(rows);
            for (to, value) in into.iter_mut().zip(values) {
                *to = if add { *to + value } else { *value };
            }
        }
        return;
    }
    let product = Product {
        left,
        right,
        depth,
        add,
        into: Into {
            values: into.as_mut_ptr(),
            stride: columns,
        },
    };
    let parts = match threads {
        Threads::One => 1,
        Threads::All => PARTS * current_num_threads(),
    };
    let [row_parts, column_parts] = match columns < rows {
        true => [
            ranges(rows, parts, ROWS_AT_A_TIME / 8),
            ranges(columns, 1, 1),
        ],
        false => [ranges(rows, 1, 1), ranges(columns, parts, 32)],
    };
    let work = |(rows, columns): (&Range<usize>, &Range<usize>)| {
        // SAFETY: all that is read and written lies in the slices, as was just checked without
        // wrapping; no two parts have the same rows and columns.
        unsafe { product.part(rows.clone(), columns.clone()) };
    };
    let parts = row_parts
        .iter()
        .flat_map(|rows| column_parts.iter().map(move |columns| (rows, columns)));
    match threads {
        Threads::One => parts.for_each(work),
        Threads::All => parts.collect::<Vec<_>>().into_par_iter().for_each(work),
    }
}

/// At most `parts` ranges, which begin at multiples of `unit`.
fn ranges(count: usize, parts: usize, unit: usize) -> Vec<Range<usize>> {
    let size = count.div_ceil(parts).next_multiple_of(unit).max(1);
    let starts = (0..count).step_by(size);
    starts
        .map(|start| start..(start + size).min(count))
        .collect()
}

struct Product<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    depth: usize,
    add: bool,
    into: Into,
}

/// Rows of sums, `stride` apart.
struct Into {
    values: *mut f32,
    stride: usize,
}

// SAFETY: threads write different sums.
unsafe impl Sync for Into {}

thread_local! {
    static PACKED: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

impl Product<'_> {
    /// # Safety
    /// All of these rows and columns lie in the matrices, and nobody else writes their sums.
    unsafe fn part(&self, rows: Range<usize>, columns: Range<usize>) {
        // SAFETY: as for this function.
        unsafe {
            match (Instructions::in_use().level(), columns.len()) {
                #[cfg(target_arch = "x86_64")]
                (Level::Avx512, ..=16) => self.part_in::<Sixteen, 12, 1, 16>(rows, columns),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx512, _) => self.part_in::<Sixteen, 12, 2, 32>(rows, columns),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx2, ..=8) => self.part_in::<Eight, 6, 1, 8>(rows, columns),
                #[cfg(target_arch = "x86_64")]
                (Level::Avx2, _) => self.part_in::<Eight, 6, 2, 16>(rows, columns),
                (Level::Baseline, ..=4) => self.part_in::<Four, BASELINE_ROWS, 1, 4>(rows, columns),
                (Level::Baseline, _) => self.part_in::<Four, BASELINE_ROWS, 2, 8>(rows, columns),
            }
        }
    }

    unsafe fn part_in<V: Lanes, const ROWS: usize, const VECTORS: usize, const WIDTH: usize>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        PACKED.with_borrow_mut(|[packed_left, packed_right]| {
            for first in columns.clone().step_by(COLUMNS) {
                let columns = first..(first + COLUMNS).min(columns.end);
                for start in (0..self.depth).step_by(DEPTH) {
                    let depth = start..(start + DEPTH).min(self.depth);
                    let (terms, these) = (depth.clone(), columns.clone());
                    self.right.pack::<WIDTH>(terms, these, packed_right);
                    for first in rows.clone().step_by(ROWS_AT_A_TIME) {
                        let rows = first..(first + ROWS_AT_A_TIME).min(rows.end);
                        let is_packed = self.left.column_stride != 1;
                        if is_packed {
                            let left = self.left.transposed();
                            left.pack::<ROWS>(depth.clone(), rows.clone(), packed_left);
                        }
                        let block = Block {
                            packed_left,
                            packed_right,
                            rows,
                            columns: columns.clone(),
                            depth: depth.clone(),
                        };
                        // SAFETY: as for this function; packed is what the block says.
                        unsafe {
                            match is_packed {
                                true => self.block::<V, ROWS, VECTORS, ROWS>(block),
                                false => self.block::<V, ROWS, VECTORS, 1>(block),
                            }
                        }
                    }
                }
            }
        });
    }

    unsafe fn block<V: Lanes, const ROWS: usize, const VECTORS: usize, const STRIDE: usize>(
        &self,
        block: Block<'_>,
    ) {
        let (width, depth) = (VECTORS * V::COUNT, block.depth.len());
        let panels = block.packed_right.chunks_exact(width * depth);
        for (panel, column) in panels.zip(block.columns.clone().step_by(width)) {
            let columns = width.min(block.columns.end - column);
            for (index, row) in block.rows.clone().step_by(ROWS).enumerate() {
                let rows = ROWS.min(block.rows.end - row);
                let left = |row_in_tile: usize| match STRIDE == 1 {
                    true => self
                        .left
                        .from(row + row_in_tile, block.depth.start)
                        .as_ptr(),
                    false => block.packed_left[index * ROWS * depth + row_in_tile..].as_ptr(),
                };
                // SAFETY: the tile lies within the block.
                unsafe {
                    let into = self.into.values.add(row * self.into.stride + column);
                    let into = Tile {
                        into,
                        stride: self.into.stride,
                        rows,
                        columns,
                        add: self.add || block.depth.start > 0,
                    };
                    match () {
                        () if rows > ROWS * 2 / 3 => {
                            into.add::<V, ROWS, VECTORS, STRIDE>(left, panel, depth);
                        }
                        () if ROWS == 12 && rows > 4 => {
                            into.add::<V, 8, VECTORS, STRIDE>(left, panel, depth);
                        }
                        () if ROWS == 4 => into.add::<V, 2, VECTORS, STRIDE>(left, panel, depth),
                        () => into.add::<V, 4, VECTORS, STRIDE>(left, panel, depth),
                    }
                }
            }
        }
    }
}

/// What is multiplied at a time.
struct Block<'a> {
    packed_left: &'a [f32],
    packed_right: &'a [f32],
    rows: Range<usize>,
    columns: Range<usize>,
    depth: Range<usize>,
}

/// Sums that stay in registers.
struct Tile {
    into: *mut f32,
    stride: usize,
    rows: usize,
    columns: usize,
    /// Whether there are sums already.
    add: bool,
}

impl Tile {
    unsafe fn add<V: Lanes, const ROWS: usize, const VECTORS: usize, const STRIDE: usize>(
        self,
        left: impl Fn(usize) -> *const f32,
        right: &[f32],
        depth: usize,
    ) {
        // A short tile computes its last row several times.
        let mut rows = [left(0); ROWS];
        for (row, pointer) in rows.iter_mut().enumerate() {
            *pointer = left(row.min(self.rows - 1));
        }
        // SAFETY: as for this function.
        Instructions::in_use().run(
            #[inline(always)]
            || unsafe { self.add_in::<V, ROWS, VECTORS, STRIDE>(rows, right, depth) },
        );
    }

    #[inline(always)]
    unsafe fn add_in<V: Lanes, const ROWS: usize, const VECTORS: usize, const STRIDE: usize>(
        self,
        rows: [*const f32; ROWS],
        right: &[f32],
        depth: usize,
    ) {
        let is_whole = self.columns == VECTORS * V::COUNT;
        // SAFETY: rows and columns of the tile lie in `into`; a tile with fewer columns than vectors
        // have goes by way of memory of its own.
        unsafe {
            let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
            let mut edge = [0.0f32; 32];
            for (row, sums) in sums.iter_mut().enumerate() {
                if self.add && row < self.rows {
                    let into = self.into.add(row * self.stride);
                    let from = match is_whole {
                        true => into.cast_const(),
                        false => {
                            std::ptr::copy_nonoverlapping(into, edge.as_mut_ptr(), self.columns);
                            edge.as_ptr()
                        }
                    };
                    for (vector, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(from.add(vector * V::COUNT));
                    }
                }
            }
            add_products::<V, ROWS, VECTORS, STRIDE>(rows, right.as_ptr(), depth, &mut sums);
            for (row, sums) in sums.iter().enumerate() {
                if row < self.rows {
                    let into = self.into.add(row * self.stride);
                    let to = match is_whole {
                        true => into,
                        false => edge.as_mut_ptr(),
                    };
                    for (vector, sum) in sums.iter().enumerate() {
                        sum.store(to.add(vector * V::COUNT));
                    }
                    if !is_whole {
                        std::ptr::copy_nonoverlapping(edge.as_ptr(), into, self.columns);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_wrap_around_do_not_lie_in_a_slice() {
        let values = [0.0; 16];
        let half = 1 << (usize::BITS - 1);
        let rows = Matrix::rows(&values, 4);
        assert!(rows.holds(4, 4) && !rows.holds(5, 1) && !rows.holds(1, 17));
        // 2^62 rows, 4 apart, end where they begin.
        assert!(!rows.holds((1 << (usize::BITS - 2)) + 1, 1));
        assert!(!Matrix::columns(&values, half).holds(1, 3));
        assert!(!Matrix::rows(&values, usize::MAX).holds(2, 2));
        assert!(is_within(4, 4, 16) && !is_within(half, 2, 16) && !is_within(5, 4, 16));
    }

    /// Small whole numbers, whose sums are exact.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count)
            .map(|at| ((at * 37 + 11) % 17) as f32 - 8.0)
            .collect()
    }

    #[test]
    fn products_of_every_size_and_order_are_exact_for_small_whole_numbers() {
        let sizes = [1, 3, 12, 13, 16, 33, 100, 300];
        for (rows, columns) in sizes
            .iter()
            .flat_map(|rows| sizes.map(|columns| (*rows, columns)))
        {
            for (depth, add) in [(1, true), (5, false), (300, true)] {
                let (left, right) = (numbers(rows * depth), numbers(depth * columns));
                for order in 0..4 {
                    let [by_row, right_by_row] = [order % 2 == 0, order < 2];
                    let matrix = |values, by_row, rows, columns| match by_row {
                        true => Matrix::rows(values, columns),
                        false => Matrix::columns(values, rows),
                    };
                    let left = matrix(&left, by_row, rows, depth);
                    let right = matrix(&right, right_by_row, depth, columns);
                    let expected: Vec<f32> = (0..rows * columns)
                        .map(|at| {
                            let (row, column) = (at / columns, at % columns);
                            let terms = (0..depth)
                                .map(|term| left.from(row, term)[0] * right.from(term, column)[0]);
                            terms.sum::<f32>() + if add { 7.0 } else { 0.0 }
                        })
                        .collect();
                    for threads in [Threads::One, Threads::All] {
                        let mut into = vec![7.0; rows * columns];
                        let sizes = [rows, columns, depth];
                        product(sizes, &mut into, (left, right), add, threads);
                        assert_eq!(into, expected, "{sizes:?}, order {order}, {threads:?}");
                    }
                }
            }
        }
    }
}
