//! Large matrices in f64: the triangle of a QR decomposition by Householder reflections (Golub and
//! Van Loan, Matrix Computations, 5.2), products, and sums of singular values.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Most sweeps of the QR iteration for a singular value; it takes two or three.
const SWEEPS: usize = 60;
/// Numbers that are summed side by side, which processors do faster than one after the other.
const LANES: usize = 8;
/// Columns of a product that are made together, few enough for a processor's cache.
const BLOCK: usize = 16;

/// A matrix as its columns, equally long.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    rows: usize,
    columns: Vec<Vec<f64>>,
}

impl Columns {
    /// `columns`, each of `rows` numbers.
    pub fn new(rows: usize, columns: Vec<Vec<f64>>) -> Self {
        Self { rows, columns }
    }

    /// Sum of the squares of all entries.
    pub fn square_sum(&self) -> f64 {
        self.columns.iter().map(|column| dot(column, column)).sum()
    }

    /// `transpose(self) * self` stays what it is, in no more rows than columns: the upper triangle
    /// of a QR decomposition.
    pub fn shortened(mut self) -> Self {
        let width = self.columns.len();
        if self.rows <= width {
            return self;
        }
        for step in 0..width {
            let (done, rest) = self.columns.split_at_mut(step + 1);
            let Some(first) = done.last_mut() else { break };
            if let Some(mirror) = Mirror::of(&mut first[step..]) {
                for column in rest {
                    mirror.reflect(&mut column[step..]);
                }
            }
        }
        for column in &mut self.columns {
            column.truncate(width);
        }
        Self::new(width, self.columns)
    }

    /// `self * transpose(other)`; both have equally many columns.
    pub fn times_transposed(&self, other: &Self) -> Self {
        let mut product = vec![vec![0.0; self.rows]; other.rows];
        for (block, columns) in product.chunks_mut(BLOCK).enumerate() {
            for (left, right) in self.columns.iter().zip(&other.columns) {
                let factors = &right[block * BLOCK..];
                for (column, &factor) in columns.iter_mut().zip(factors) {
                    add_multiple(column, factor, left);
                }
            }
        }
        Self::new(self.rows, product)
    }

    /// The sum of all singular values; NaN where an entry is not finite.
    pub fn nuclear_norm(&self) -> f64 {
        let entries = self.columns.concat();
        if !entries.iter().all(|entry| entry.is_finite()) {
            return f64::NAN;
        }
        // The transpose has the same singular values.
        let data = TensorData::new(entries, [self.columns.len(), self.rows]);
        let matrix = Tensor::<2>::from_data(data, (&Device::flex(), DType::F64));
        let (_, values, _) = burn_linalg::svd::<2, 1>(matrix, SWEEPS);
        values.into_data().iter::<f64>().sum()
    }
}

/// A reflection at the plane with this normal.
struct Mirror {
    normal: Vec<f64>,
    /// 2 over the square of the normal's length.
    scale: f64,
}

impl Mirror {
    /// The reflection that leaves of `vector` its first entry alone, already applied to it; none
    /// for zeros.
    fn of(vector: &mut [f64]) -> Option<Self> {
        let largest = vector
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        if largest == 0.0 {
            return None;
        }
        let mut normal: Vec<f64> = vector.iter().map(|value| value / largest).collect();
        let length = dot(&normal, &normal).sqrt();
        // The sign that nothing cancels with.
        let signed = if normal[0] < 0.0 { -length } else { length };
        normal[0] += signed;
        let scale = 2.0 / dot(&normal, &normal);
        vector.fill(0.0);
        vector[0] = -signed * largest;
        Some(Self { normal, scale })
    }

    fn reflect(&self, vector: &mut [f64]) {
        let along = self.scale * dot(&self.normal, vector);
        add_multiple(vector, -along, &self.normal);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (left, left_rest) = a.as_chunks::<LANES>();
    let (right, right_rest) = b.as_chunks::<LANES>();
    let mut accumulators = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            accumulators[lane] += left[lane] * right[lane];
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(a, b)| a * b);
    accumulators.iter().sum::<f64>() + rest.sum::<f64>()
}

fn add_multiple(to: &mut [f64], factor: f64, of: &[f64]) {
    for (to, of) in to.iter_mut().zip(of) {
        *to += factor * of;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(rows: usize, columns: usize, seed: u64) -> Columns {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut column = || (0..rows).map(|_| rng.random_range(-1.0..1.0)).collect();
        Columns::new(rows, (0..columns).map(|_| column()).collect())
    }

    /// Columns at right angles, each of length one.
    fn orthonormal(rows: usize, columns: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut done: Vec<Vec<f64>> = Vec::new();
        for mut column in random(rows, columns, seed).columns {
            for _ in 0..2 {
                for other in &done {
                    let along = dot(&column, other);
                    add_multiple(&mut column, -along, other);
                }
            }
            let length = dot(&column, &column).sqrt();
            done.push(column.iter().map(|value| value / length).collect());
        }
        done
    }

    /// A matrix with these singular values.
    fn with_singular_values(rows: usize, columns: usize, values: &[f64]) -> Columns {
        let mut left = orthonormal(rows, values.len(), 1);
        for (column, value) in left.iter_mut().zip(values) {
            for entry in column {
                *entry *= value;
            }
        }
        let right = orthonormal(columns, values.len(), 2);
        Columns::new(rows, left).times_transposed(&Columns::new(columns, right))
    }

    #[test]
    fn the_norm_is_the_sum_of_the_singular_values_that_a_matrix_was_made_of() {
        let many: Vec<f64> = (1..=40).map(|index| f64::from(index).powi(2)).collect();
        for (rows, columns, values) in [
            (1, 1, &[3.0][..]),
            (5, 5, &[4.0, 4.0, 4.0, 1e-9, 0.0]),
            (30, 7, &[100.0, 10.0, 1.0]),
            (7, 30, &[1e-8, 1e8]),
            (40, 40, &many),
            (61, 50, &many),
        ] {
            let found = with_singular_values(rows, columns, values).nuclear_norm();
            let wanted: f64 = values.iter().sum();
            assert!(
                (found - wanted).abs() < 1e-12 * wanted * values.len() as f64,
                "{rows} x {columns}: {found}, not {wanted}"
            );
        }
        assert_eq!(random(4, 0, 1).nuclear_norm(), 0.0);
        assert_eq!(Columns::new(3, vec![vec![0.0; 3]; 2]).nuclear_norm(), 0.0);
    }

    #[test]
    fn a_shortened_matrix_has_the_same_products_of_columns() {
        let tall = random(50, 12, 5);
        let short = tall.clone().shortened();
        assert_eq!((short.rows, short.columns.len()), (12, 12));
        for a in 0..12 {
            for b in 0..12 {
                let before = dot(&tall.columns[a], &tall.columns[b]);
                let after = dot(&short.columns[a], &short.columns[b]);
                assert!((before - after).abs() < 1e-12, "{a}, {b}");
            }
        }
    }
}
