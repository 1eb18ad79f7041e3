//! The Fréchet distance of two sets of features, taken for normal distributions (Dowson and Landau
//! 1982), in f64. What the features are of is not known here.

use super::matrix::Columns;

/// Features of images, one row after the other.
#[derive(Clone, Debug)]
pub struct FeatureRows {
    width: usize,
    values: Vec<f32>,
}

impl FeatureRows {
    /// Rows of `width` features each; `width` is positive.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            values: Vec::new(),
        }
    }

    /// Adds rows; values that do not fill one are dropped.
    pub fn extend(&mut self, values: &[f32]) {
        let whole = values.len() / self.width * self.width;
        self.values.extend_from_slice(&values[..whole]);
    }

    pub fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    fn column(&self, index: usize) -> impl Iterator<Item = f64> {
        let values = self.values.iter().skip(index).step_by(self.width);
        values.map(|&value| f64::from(value))
    }

    fn means(&self) -> Vec<f64> {
        let mean = |index| self.column(index).sum::<f64>() / self.rows() as f64;
        (0..self.width).map(mean).collect()
    }

    /// Deviations from `means`, such that the product of two columns is their covariance.
    fn deviations(&self, means: &[f64]) -> Columns {
        let scale = 1.0 / ((self.rows() - 1) as f64).sqrt();
        let deviation = |(index, mean): (usize, &f64)| {
            let values = self.column(index);
            values.map(|value| (value - mean) * scale).collect()
        };
        let columns = means.iter().enumerate().map(deviation);
        Columns::new(self.rows(), columns.collect())
    }
}

/// |m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁ S₂)^½) of the means and the unbiased covariances of two sets of
/// equally wide rows; `None` where a set has fewer than two rows, and so no covariance, or numbers
/// that are none.
///
/// With the deviations A and B of the sets, S₁ = AᵀA and S₂ = BᵀB, the root's trace is the sum of
/// the singular values of A Bᵀ. So it is exact also for fewer rows than features, where
/// covariances are singular.
pub fn frechet_distance(one: &FeatureRows, other: &FeatureRows) -> Option<f64> {
    if one.rows() < 2 || other.rows() < 2 {
        return None;
    }
    let (one_means, other_means) = (one.means(), other.means());
    let between = one_means.iter().zip(&other_means);
    let between: f64 = between.map(|(a, b)| (a - b).powi(2)).sum();
    let (a, b) = (one.deviations(&one_means), other.deviations(&other_means));
    let spread = a.square_sum() + b.square_sum();
    let shared = a
        .shortened()
        .times_transposed(&b.shortened())
        .nuclear_norm();
    let distance = between + spread - 2.0 * shared;
    distance.is_finite().then_some(distance.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(width: usize, values: &[f32]) -> FeatureRows {
        let mut rows = FeatureRows::new(width);
        rows.extend(values);
        rows
    }

    #[test]
    fn a_set_is_at_no_distance_from_itself_and_a_shift_costs_its_square() {
        let values = [1.0, 2.0, -3.0, 0.5, 4.0, 1.5, 0.0, 0.25];
        let shifted = values.map(|value| value + 3.0);
        let distance = |other: &[f32]| frechet_distance(&rows(2, &values), &rows(2, other));
        assert!(distance(&values).expect("a distance") < 1e-12);
        let found = distance(&shifted).expect("a distance");
        assert!((found - 18.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn of_one_feature_it_is_the_formula_of_one_dimension() {
        // Means 2 and 5, variances 4 and 1.
        let (one, other) = (rows(1, &[0.0, 2.0, 4.0]), rows(1, &[4.0, 5.0, 6.0]));
        let found = frechet_distance(&one, &other).expect("a distance");
        assert!((found - (9.0 + 1.0)).abs() < 1e-12, "{found}");
    }

    #[test]
    fn one_image_has_no_distribution() {
        assert_eq!(
            frechet_distance(&rows(2, &[1.0, 2.0]), &rows(2, &[0.0; 8])),
            None
        );
    }
}
