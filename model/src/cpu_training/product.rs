//! Products of matrices that lie in slices.

use gemm::Parallelism;

use super::sides::Workers;

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

    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = (rows - 1) * self.row_stride + (columns - 1) * self.column_stride;
        last < self.values.len()
    }
}

/// `left`, `[rows, depth]`, times `right`, `[depth, columns]`; added to what is there, if wanted.
pub(super) fn product(
    [rows, columns, depth]: [usize; 3],
    into: &mut [f32],
    (left, right): (Matrix<'_>, Matrix<'_>),
    add: bool,
    workers: Workers,
) {
    assert!(left.holds(rows, depth) && right.holds(depth, columns));
    assert!(rows * columns <= into.len());
    let threads = match workers {
        Workers::One => Parallelism::None,
        Workers::All => Parallelism::Rayon(0),
    };
    // SAFETY: all that is read and written lies in the slices, as was just checked, and `into`
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
            threads,
        );
    }
}
