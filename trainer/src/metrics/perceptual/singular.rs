//! Sums of singular values of large matrices, in f64: Householder reflections to a triangle or to
//! two diagonals, then bisection (Golub and Van Loan, Matrix Computations, 5.2, 5.4 and 8.4).

/// Halvings of the interval that holds a singular value: to the last bit of the largest.
const HALVINGS: usize = 54;
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

    fn transposed(&self) -> Self {
        let row = |row: usize| self.columns.iter().map(|column| column[row]).collect();
        Self::new(self.columns.len(), (0..self.rows).map(row).collect())
    }

    /// The sum of all singular values.
    pub fn nuclear_norm(self) -> f64 {
        let tall = match self.rows < self.columns.len() {
            true => self.transposed(),
            false => self,
        };
        singular_value_sum(&tall.shortened().bidiagonal())
    }

    /// Reflected from both sides until only the diagonal and the one above it are left: these,
    /// alternating. For square matrices.
    fn bidiagonal(mut self) -> Vec<f64> {
        let size = self.columns.len();
        let mut entries = Vec::with_capacity(2 * size);
        for step in 0..size {
            let (done, rest) = self.columns.split_at_mut(step + 1);
            let Some(first) = done.last_mut() else { break };
            if let Some(mirror) = Mirror::of(&mut first[step..]) {
                for column in rest.iter_mut() {
                    mirror.reflect(&mut column[step..]);
                }
            }
            entries.push(first[step]);
            let mut row: Vec<f64> = rest.iter().map(|column| column[step]).collect();
            let mirror = Mirror::of(&mut row);
            entries.extend(row.first());
            if let Some(mirror) = mirror {
                reflect_rows(&mirror, rest, step + 1);
            }
        }
        entries
    }
}

/// Applies a reflection to the rows from `start` on of these columns.
fn reflect_rows(mirror: &Mirror, columns: &mut [Vec<f64>], start: usize) {
    let rows = columns.first().map_or(0, |column| column.len() - start);
    let mut along = vec![0.0; rows];
    for (column, &factor) in columns.iter().zip(&mirror.normal) {
        add_multiple(&mut along, factor, &column[start..]);
    }
    for (column, &factor) in columns.iter_mut().zip(&mirror.normal) {
        add_multiple(&mut column[start..], -mirror.scale * factor, &along);
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

/// Of the matrix with these entries on and above its diagonal, alternating. They are the positive
/// eigenvalues of the tridiagonal matrix with zeros on its diagonal and these beside it.
fn singular_value_sum(entries: &[f64]) -> f64 {
    let largest = entries
        .iter()
        .fold(0.0, |most: f64, entry| most.max(entry.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let squares: Vec<f64> = entries
        .iter()
        .map(|entry| (entry / largest).powi(2))
        .collect();
    let count = entries.len().div_ceil(2);
    // No eigenvalue is larger than the entries of a row together.
    let bound = 2.0;
    let value = |index: usize| {
        let (mut low, mut high) = (0.0, bound);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            match eigenvalues_below(&squares, middle) > count + index {
                true => high = middle,
                false => low = middle,
            }
        }
        (low + high) / 2.0
    };
    (0..count).map(value).sum::<f64>() * largest
}

/// How many eigenvalues of a tridiagonal matrix with zeros on its diagonal are below `limit`:
/// negative pivots of the matrix less `limit` (Sturm).
fn eigenvalues_below(squares: &[f64], limit: f64) -> usize {
    let mut pivot = -limit;
    let mut count = usize::from(pivot < 0.0);
    for square in squares {
        // A pivot of zero would divide by zero; its sign does not matter.
        let divisor = if pivot == 0.0 {
            f64::MIN_POSITIVE
        } else {
            pivot
        };
        pivot = -limit - square / divisor;
        count += usize::from(pivot < 0.0);
    }
    count
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (left, left_rest) = a.as_chunks::<LANES>();
    let (right, right_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
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
