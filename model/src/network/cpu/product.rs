//! Products of matrices that lie in slices.

use gemm::Parallelism;

use super::geometry::Threads;

/// A matrix in memory.
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
}

fn is_within(rows: usize, columns: usize, length: usize) -> bool {
    let values = rows.checked_mul(columns);
    values.is_some_and(|values| values <= length)
}

/// `left`, `[rows, depth]`, times `right`, `[depth, columns]`; added to what is there, if wanted.
pub(super) fn product(
    [rows, columns, depth]: [usize; 3],
    into: &mut [f32],
    (left, right): (Matrix<'_>, Matrix<'_>),
    add: bool,
    threads: Threads,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns));
    assert!(is_within(rows, columns, into.len()));
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::All => Parallelism::Rayon(0),
    };
    // SAFETY: all that is read and written lies in the slices, as was just checked without
    // wrapping, so that every stride that is used fits an `isize`; `into` is borrowed alone, so it
    // overlaps neither of the others.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            into.as_mut_ptr(),
            1,
            columns as isize,
            add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
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
}
