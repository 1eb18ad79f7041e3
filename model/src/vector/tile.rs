//! The innermost loop of convolutions and products of matrices.

use super::Lanes;

/// Adds to the sums of each row the products of its values, `STRIDE` apart, and the vectors of
/// `right`, which lie one after the other. All sums stay in registers; each is made in the order of
/// `depth`.
///
/// # Safety
/// Each of `left` has `depth` values, `right` as many times `VECTORS` vectors. The processor has the
/// instructions of `V`, and the function that this is inlined into is compiled for them.
#[inline(always)]
pub(crate) unsafe fn add_products<
    V: Lanes,
    const ROWS: usize,
    const VECTORS: usize,
    const STRIDE: usize,
>(
    left: [*const f32; ROWS],
    right: *const f32,
    depth: usize,
    sums: &mut [[V; VECTORS]; ROWS],
) {
    let mut now = *sums;
    for at in 0..depth {
        // SAFETY: `at` is less than `depth`.
        unsafe {
            let right = right.add(at * VECTORS * V::COUNT);
            let mut factors = [V::splat(0.0); VECTORS];
            for (vector, factor) in factors.iter_mut().enumerate() {
                *factor = V::load(right.add(vector * V::COUNT));
            }
            for row in 0..ROWS {
                let value = V::splat(*left[row].add(at * STRIDE));
                for vector in 0..VECTORS {
                    now[row][vector] = value.multiply_add(factors[vector], now[row][vector]);
                }
            }
        }
    }
    *sums = now;
}
