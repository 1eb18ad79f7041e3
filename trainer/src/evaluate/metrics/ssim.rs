//! Structural similarity of single planes, values 0 to 255: Wang et al. 2004 with a Gaussian
//! window, and over several scales, Wang, Simoncelli and Bovik 2003.

/// Half width of the window, 11 × 11.
const REACH: usize = 5;
const SIGMA: f64 = 1.5;
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
/// Weight of each scale, the finest first.
const SCALES: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// One channel of an image.
pub(super) struct Plane {
    width: usize,
    values: Vec<f64>,
}

impl Plane {
    pub(super) fn new(width: usize, values: Vec<f64>) -> Self {
        Self { width, values }
    }

    fn height(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    fn product(&self, other: &Self) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self::new(self.width, pairs.map(|(a, b)| a * b).collect())
    }

    /// Gaussian-weighted means over the windows that lie wholly inside.
    fn windowed(&self) -> Vec<f64> {
        let kernel = kernel();
        let inner = self.width - 2 * REACH;
        let mut rows = vec![0.0; inner * self.height()];
        let across = rows.chunks_exact_mut(inner);
        for (accumulators, row) in across.zip(self.values.chunks_exact(self.width)) {
            for (tap, weight) in kernel.iter().enumerate() {
                add(accumulators, *weight, &row[tap..]);
            }
        }
        let mut means = vec![0.0; inner * (self.height() - 2 * REACH)];
        for (y, accumulators) in means.chunks_exact_mut(inner).enumerate() {
            for (tap, weight) in kernel.iter().enumerate() {
                add(accumulators, *weight, &rows[(y + tap) * inner..]);
            }
        }
        means
    }

    /// Means of 2 × 2 pixels; odd sides get a border of zeros first, as in the common
    /// implementations.
    fn halved(&self) -> Self {
        let (width, height) = (self.width, self.height());
        let (border_x, border_y) = (width % 2, height % 2);
        let at = |x: usize, y: usize| match (x.checked_sub(border_x), y.checked_sub(border_y)) {
            (Some(x), Some(y)) if x < width && y < height => self.values[y * width + x],
            _ => 0.0,
        };
        let (half_width, half_height) = (width / 2 + border_x, height / 2 + border_y);
        let mean = |x: usize, y: usize| {
            let (x, y) = (2 * x, 2 * y);
            (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0
        };
        let values = (0..half_height)
            .flat_map(|y| (0..half_width).map(move |x| (x, y)))
            .map(|(x, y)| mean(x, y))
            .collect();
        Self::new(half_width, values)
    }
}

/// Mean over the windows that lie wholly inside; `None` where there is none.
pub(super) fn ssim(a: &Plane, b: &Plane) -> Option<f64> {
    compared(a, b).map(|(similarity, _)| similarity)
}

/// The product of the similarities of five scales, each half as large as the one before; `None`
/// if the coarsest has no room for a window.
pub(super) fn ms_ssim(a: &Plane, b: &Plane) -> Option<f64> {
    let coarsest = SCALES.len() - 1;
    let (mut a, mut b) = (
        Plane::new(a.width, a.values.clone()),
        Plane::new(b.width, b.values.clone()),
    );
    let mut product = 1.0;
    for (scale, weight) in SCALES.into_iter().enumerate() {
        let (similarity, contrast) = compared(&a, &b)?;
        let factor = if scale == coarsest {
            similarity
        } else {
            contrast
        };
        product *= factor.max(0.0).powf(weight);
        (a, b) = (a.halved(), b.halved());
    }
    Some(product)
}

/// Means of the similarity, and of its part without brightness.
fn compared(a: &Plane, b: &Plane) -> Option<(f64, f64)> {
    if a.width <= 2 * REACH || a.height() <= 2 * REACH {
        return None;
    }
    let (mean_a, mean_b) = (a.windowed(), b.windowed());
    let (aa, bb, ab) = (
        a.product(a).windowed(),
        b.product(b).windowed(),
        a.product(b).windowed(),
    );
    let (mut similarity, mut contrast) = (0.0, 0.0);
    for at in 0..mean_a.len() {
        let (ma, mb) = (mean_a[at], mean_b[at]);
        let variance = (aa[at] - ma * ma) + (bb[at] - mb * mb);
        let covariance = ab[at] - ma * mb;
        let of_contrast = (2.0 * covariance + C2) / (variance + C2);
        contrast += of_contrast;
        similarity += of_contrast * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
    }
    let count = mean_a.len() as f64;
    Some((similarity / count, contrast / count))
}

fn kernel() -> Vec<f64> {
    let taps = (0..=2 * REACH).map(|tap| {
        let offset = tap as f64 - REACH as f64;
        (-offset * offset / (2.0 * SIGMA * SIGMA)).exp()
    });
    let taps: Vec<f64> = taps.collect();
    let total: f64 = taps.iter().sum();
    taps.iter().map(|weight| weight / total).collect()
}

/// Adds to each sum the weighted value at its place.
fn add(accumulators: &mut [f64], weight: f64, values: &[f64]) {
    for (sum, value) in accumulators.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_equals_itself_on_every_scale_that_fits() {
        let plane = |side: usize| {
            let values = (0..side * side).map(|at| (at * 37 % 256) as f64);
            Plane::new(side, values.collect())
        };
        for side in [161, 176, 200] {
            let similarity = ms_ssim(&plane(side), &plane(side));
            assert!((similarity.expect("room for five scales") - 1.0).abs() < 1e-9);
        }
        assert_eq!(ms_ssim(&plane(160), &plane(160)), None);
        assert_eq!(ssim(&plane(10), &plane(10)), None);
        assert!(ssim(&plane(11), &plane(11)).is_some());
    }
}
