//! How close a picture is to its target: L1, PSNR and SSIM of 8-bit RGB.

use image::RgbImage;
use serde::{Deserialize, Serialize};

/// Half width of the SSIM window, 11 × 11.
const SSIM_REACH: usize = 5;
const SSIM_SIGMA: f64 = 1.5;
const SSIM_C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const SSIM_C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
/// PSNR of equal pictures, which is infinite.
const PSNR_CEILING: f64 = 100.0;

/// Distances of a picture from its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean absolute difference, 0 to 1.
    pub l1: f64,
    /// Peak signal-to-noise ratio in dB; 100 for equal pictures.
    pub psnr: f64,
    /// Structural similarity, -1 to 1 (Wang et al. 2004; Gaussian window, mean over channels).
    pub ssim: f64,
}

/// Mean metrics over a set, and those of the untouched inputs beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Pictures judged.
    pub count: usize,
    /// The generator's outputs.
    pub output: Metrics,
    /// The inputs as they are.
    pub input: Metrics,
}

impl Metrics {
    /// Compares pictures of equal size.
    pub fn between(picture: &RgbImage, target: &RgbImage) -> Self {
        let (mut absolute, mut squared) = (0.0, 0.0);
        for (&a, &b) in picture.as_raw().iter().zip(target.as_raw()) {
            let difference = f64::from(a) - f64::from(b);
            absolute += difference.abs();
            squared += difference * difference;
        }
        let count = target.as_raw().len().max(1) as f64;
        let mse = squared / count;
        let psnr = match mse > 0.0 {
            true => 10.0 * (255.0 * 255.0 / mse).log10(),
            false => PSNR_CEILING,
        };
        Self {
            l1: absolute / count / 255.0,
            psnr: psnr.min(PSNR_CEILING),
            ssim: ssim(picture, target),
        }
    }

    fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let mean = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / count;
        Self {
            l1: mean(|metrics| metrics.l1),
            psnr: mean(|metrics| metrics.psnr),
            ssim: mean(|metrics| metrics.ssim),
        }
    }
}

impl Evaluation {
    /// Means over pairs of (output, input) metrics.
    pub fn from_rows(rows: &[(Metrics, Metrics)]) -> Self {
        let column = |pick: fn(&(Metrics, Metrics)) -> Metrics| {
            Metrics::mean(&rows.iter().map(pick).collect::<Vec<_>>())
        };
        Self {
            count: rows.len(),
            output: column(|row| row.0),
            input: column(|row| row.1),
        }
    }
}

/// Mean SSIM over the windows that lie wholly inside, and over channels.
fn ssim(a: &RgbImage, b: &RgbImage) -> f64 {
    let (width, height) = (a.width() as usize, a.height() as usize);
    if width <= 2 * SSIM_REACH || height <= 2 * SSIM_REACH {
        return if a == b { 1.0 } else { f64::NAN };
    }
    let channel = |picture: &RgbImage, index: usize| -> Vec<f64> {
        let values = picture.as_raw().iter().skip(index).step_by(3);
        values.map(|&byte| f64::from(byte)).collect()
    };
    let per_channel = (0..3).map(|index| ssim_plane(&channel(a, index), &channel(b, index), width));
    per_channel.sum::<f64>() / 3.0
}

fn ssim_plane(a: &[f64], b: &[f64], width: usize) -> f64 {
    let product =
        |x: &[f64], y: &[f64]| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x * y).collect() };
    let blurred = |plane: &[f64]| windowed(plane, width);
    let (mean_a, mean_b) = (blurred(a), blurred(b));
    let (aa, bb, ab) = (
        blurred(&product(a, a)),
        blurred(&product(b, b)),
        blurred(&product(a, b)),
    );
    let total: f64 = (0..mean_a.len())
        .map(|at| {
            let (ma, mb) = (mean_a[at], mean_b[at]);
            let variance = (aa[at] - ma * ma) + (bb[at] - mb * mb);
            let covariance = ab[at] - ma * mb;
            ((2.0 * ma * mb + SSIM_C1) * (2.0 * covariance + SSIM_C2))
                / ((ma * ma + mb * mb + SSIM_C1) * (variance + SSIM_C2))
        })
        .sum();
    total / mean_a.len() as f64
}

/// Gaussian-weighted means over the windows that lie wholly inside the plane.
fn windowed(plane: &[f64], width: usize) -> Vec<f64> {
    let kernel: Vec<f64> = (0..=2 * SSIM_REACH)
        .map(|tap| {
            let offset = tap as f64 - SSIM_REACH as f64;
            (-offset * offset / (2.0 * SSIM_SIGMA * SSIM_SIGMA)).exp()
        })
        .collect();
    let total: f64 = kernel.iter().sum();
    let kernel: Vec<f64> = kernel.iter().map(|weight| weight / total).collect();
    let inner = width - 2 * SSIM_REACH;
    let rows: Vec<f64> = plane
        .chunks_exact(width)
        .flat_map(|row| row.windows(kernel.len()).map(|window| dot(window, &kernel)))
        .collect();
    let height = plane.len() / width;
    (0..height - 2 * SSIM_REACH)
        .flat_map(|y| {
            let (rows, kernel) = (&rows, &kernel);
            (0..inner).map(move |x| {
                let column = kernel.iter().enumerate();
                column
                    .map(|(tap, weight)| weight * rows[(y + tap) * inner + x])
                    .sum()
            })
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use rand::{Rng, SeedableRng};

    fn noise(seed: u64) -> RgbImage {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        RgbImage::from_fn(32, 24, |_, _| Rgb(rng.random()))
    }

    #[test]
    fn a_picture_equals_itself() {
        let metrics = Metrics::between(&noise(1), &noise(1));
        assert_eq!((metrics.l1, metrics.psnr), (0.0, 100.0));
        assert!((metrics.ssim - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_of_one_grey_level_has_the_psnr_of_the_formula() {
        let a = RgbImage::from_pixel(16, 16, Rgb([100; 3]));
        let b = RgbImage::from_pixel(16, 16, Rgb([101; 3]));
        let metrics = Metrics::between(&a, &b);
        assert!((metrics.psnr - 48.1308).abs() < 1e-3);
        assert!((metrics.l1 - 1.0 / 255.0).abs() < 1e-9);
    }

    #[test]
    fn unrelated_noise_has_little_structure_in_common() {
        assert!(Metrics::between(&noise(1), &noise(900)).ssim < 0.3);
    }
}
