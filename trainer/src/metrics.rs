//! How close a picture is to its target: L1, PSNR and SSIM of what people see, 8 bits a sample,
//! and the errors of depths in their own unit.

use model::pixels::to_byte;
use model::{Encoding, Raster};
use serde::{Deserialize, Serialize};

use crate::data::Pair;
use crate::data::raster::{Mask, to_depth};

/// Half width of the SSIM window, 11 × 11.
const SSIM_REACH: usize = 5;
const SSIM_SIGMA: f64 = 1.5;
const SSIM_C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const SSIM_C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
/// PSNR of equal pictures, which is infinite.
const PSNR_CEILING: f64 = 100.0;
/// Largest ratio of a depth to its target that `delta1` counts as right.
const DELTA: f64 = 1.25;

/// Distances of a picture from its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean absolute difference, 0 to 1.
    pub l1: f64,
    /// Peak signal-to-noise ratio in dB; 100 for equal pictures.
    pub psnr: f64,
    /// Structural similarity, -1 to 1 (Wang et al. 2004; Gaussian window, mean over channels).
    pub ssim: f64,
    /// Errors of depth, where the pictures are depths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<DepthMetrics>,
}

/// Errors of depths over the measured pixels of the target (Eigen et al. 2014, section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DepthMetrics {
    /// Mean absolute error, in the unit of the files.
    pub mae: f64,
    /// Root of the mean squared error, in the unit of the files.
    pub rmse: f64,
    /// Mean of the absolute error relative to the target.
    pub abs_rel: f64,
    /// Share of pixels whose ratio to the target, either way, is below 1.25.
    pub delta1: f64,
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
    /// Compares pictures of equal size, both as [`Encoding::shown`] gives them; if their numbers
    /// of channels differ, as RGB. Only pixels of `mask` count. SSIM is that of the pictures
    /// with equal pixels where the mask has none.
    pub fn between(picture: &Raster, target: &Raster, mask: Option<&Mask>) -> Self {
        let (picture, target) = match picture.channels() == target.channels() {
            true => (Bytes::new(picture, mask), Bytes::new(target, mask)),
            false => (
                Bytes::new(&picture.to_rgb(), mask),
                Bytes::new(&target.to_rgb(), mask),
            ),
        };
        let (mut absolute, mut squared) = (0.0, 0.0);
        for (&a, &b) in picture.samples().zip(target.samples()) {
            let difference = f64::from(a) - f64::from(b);
            absolute += difference.abs();
            squared += difference * difference;
        }
        let per_channel = mask.map_or(target.width * target.height, Mask::count);
        let count = (per_channel * target.planes.len()).max(1) as f64;
        let mse = squared / count;
        let psnr = match mse > 0.0 {
            true => 10.0 * (255.0 * 255.0 / mse).log10(),
            false => PSNR_CEILING,
        };
        Self {
            l1: absolute / count / 255.0,
            psnr: psnr.min(PSNR_CEILING),
            ssim: ssim(&picture, &target),
            depth: None,
        }
    }

    /// Compares an output, and the untouched input, with the pair's target.
    pub fn of_pair(
        fake_b: &Raster,
        pair: &Pair,
        (input, target): (Encoding, Encoding),
    ) -> (Self, Self) {
        let mask = pair.mask.as_ref();
        let real_b = target.shown(&pair.real_b, &pair.real_a);
        let against_target = |raster: &Raster, encoding: Encoding| {
            let shown = encoding.shown(raster, &pair.real_a);
            let mut metrics = Self::between(&shown, &real_b, mask);
            if let (Encoding::Depth { .. }, Encoding::Depth { max }) = (encoding, target) {
                metrics.depth = Some(DepthMetrics::between(raster, &pair.real_b, mask, max));
            }
            metrics
        };
        (
            against_target(fake_b, target),
            against_target(&pair.real_a, input),
        )
    }

    fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let mean = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / count;
        Self {
            l1: mean(|metrics| metrics.l1),
            psnr: mean(|metrics| metrics.psnr),
            ssim: mean(|metrics| metrics.ssim),
            depth: DepthMetrics::mean(all.iter().filter_map(|metrics| metrics.depth).collect()),
        }
    }
}

impl DepthMetrics {
    /// Compares depths up to `max`, encoded as [`Encoding::Depth`].
    pub fn between(picture: &Raster, target: &Raster, mask: Option<&Mask>, max: u16) -> Self {
        let depths = |raster: &Raster| -> Vec<f64> {
            let values = raster.values().iter();
            values.map(|&unit| f64::from(to_depth(unit, max))).collect()
        };
        let (found, expected) = (depths(picture), depths(target));
        let counts = |index: usize| mask.is_none_or(|mask| mask.valid()[index]);
        let (mut sums, mut count) = (Self::default(), 0.0f64);
        let pixels = found.iter().zip(&expected).enumerate();
        for (_, (&found, &expected)) in pixels.filter(|(index, _)| counts(*index)) {
            let error = (found - expected).abs();
            let ratio = (found / expected).max(expected / found);
            count += 1.0;
            sums.mae += error;
            sums.rmse += error * error;
            sums.abs_rel += error / expected;
            sums.delta1 += f64::from(u8::from(ratio < DELTA));
        }
        let count = count.max(1.0);
        Self {
            mae: sums.mae / count,
            rmse: (sums.rmse / count).sqrt(),
            abs_rel: sums.abs_rel / count,
            delta1: sums.delta1 / count,
        }
    }

    fn mean(all: Vec<Self>) -> Option<Self> {
        let count = all.len() as f64;
        let mean = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / count;
        (!all.is_empty()).then(|| Self {
            mae: mean(|depth| depth.mae),
            rmse: mean(|depth| depth.rmse),
            abs_rel: mean(|depth| depth.abs_rel),
            delta1: mean(|depth| depth.delta1),
        })
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

/// A picture as bytes, plane by plane; 0 where a mask leaves pixels out.
#[derive(PartialEq)]
struct Bytes {
    width: usize,
    height: usize,
    planes: Vec<Vec<u8>>,
}

impl Bytes {
    fn new(raster: &Raster, mask: Option<&Mask>) -> Self {
        let counts = |index: usize| mask.is_none_or(|mask| mask.valid()[index]);
        let byte = |(index, &unit): (usize, &f32)| match counts(index) {
            true => to_byte(unit),
            false => 0,
        };
        let plane = |channel| raster.plane(channel).iter().enumerate().map(byte).collect();
        Self {
            width: raster.width(),
            height: raster.height(),
            planes: (0..raster.channels()).map(plane).collect(),
        }
    }

    fn samples(&self) -> impl Iterator<Item = &u8> {
        self.planes.iter().flatten()
    }
}

/// Mean SSIM over the windows that lie wholly inside, and over channels.
fn ssim(a: &Bytes, b: &Bytes) -> f64 {
    if a.width <= 2 * SSIM_REACH || a.height <= 2 * SSIM_REACH {
        return if a == b { 1.0 } else { f64::NAN };
    }
    let wide = |plane: &[u8]| -> Vec<f64> { plane.iter().map(|&byte| f64::from(byte)).collect() };
    let planes = a.planes.iter().zip(&b.planes);
    let per_channel =
        planes.map(|(a_plane, b_plane)| ssim_plane(&wide(a_plane), &wide(b_plane), a.width));
    per_channel.sum::<f64>() / a.planes.len().max(1) as f64
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
    use rand::{Rng, SeedableRng};

    fn raster(byte: impl FnMut() -> u8) -> Raster {
        let units =
            std::iter::repeat_with(byte).map(|byte| model::pixels::to_unit(f32::from(byte)));
        Raster::from_planes(32, 24, units.take(3 * 32 * 24).collect())
    }

    fn noise(seed: u64) -> Raster {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        raster(|| rng.random())
    }

    #[test]
    fn a_picture_equals_itself() {
        let metrics = Metrics::between(&noise(1), &noise(1), None);
        assert_eq!((metrics.l1, metrics.psnr), (0.0, 100.0));
        assert!((metrics.ssim - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_of_one_grey_level_has_the_psnr_of_the_formula() {
        let metrics = Metrics::between(&raster(|| 100), &raster(|| 101), None);
        assert!((metrics.psnr - 48.1308).abs() < 1e-3);
        assert!((metrics.l1 - 1.0 / 255.0).abs() < 1e-9);
    }

    #[test]
    fn unrelated_noise_has_little_structure_in_common() {
        assert!(Metrics::between(&noise(1), &noise(900), None).ssim < 0.3);
    }

    /// Depths 100 to 400 of at most 1000 whose every third pixel was not measured.
    fn sparse(unmeasured: f32) -> Pair {
        let valid: Vec<bool> = (0..32 * 24).map(|index| index % 3 != 0).collect();
        let depth = |index: usize| (100 + index % 301) as f32 / 500.0 - 1.0;
        let values = valid.iter().enumerate();
        let values = values.map(|(index, &valid)| if valid { depth(index) } else { unmeasured });
        let real_b = Raster::from_planes(32, 24, values.collect());
        Pair {
            real_a: Raster::from_planes(32, 24, vec![-1.0; 32 * 24]),
            real_b,
            mask: Some(Mask::new(valid)),
        }
    }

    #[test]
    fn what_was_not_measured_counts_in_no_metric() {
        const DEPTH: Encoding = Encoding::Depth { max: 1000 };
        let fake_b = noise(3).select(&[0]);
        let judged = |unmeasured| Metrics::of_pair(&fake_b, &sparse(unmeasured), (DEPTH, DEPTH));
        assert_eq!(judged(-1.0), judged(0.7));
        assert!(judged(-1.0).0.depth.expect("depths").mae > 50.0);
        let exact = sparse(0.3).real_b;
        let (output, input) = Metrics::of_pair(&exact, &sparse(-1.0), (DEPTH, DEPTH));
        assert_eq!((output.l1, output.psnr), (0.0, 100.0));
        let depth = output.depth.expect("depths");
        assert_eq!((depth.mae, depth.delta1), (0.0, 1.0));
        assert_eq!(input.depth.expect("depths").delta1, 0.0);
    }

    #[test]
    fn depth_errors_are_in_the_unit_of_the_files() {
        let depths = |units: [f32; 2]| {
            let values = units.map(|unit| unit / 5000.0 - 1.0);
            Raster::from_planes(2, 1, values.to_vec())
        };
        let (found, expected) = (depths([1100.0, 3000.0]), depths([1000.0, 2000.0]));
        let depth = DepthMetrics::between(&found, &expected, None, 10_000);
        assert!((depth.mae - 550.0).abs() < 0.1, "{depth:?}");
        assert!((depth.rmse - (505_000f64).sqrt()).abs() < 0.1, "{depth:?}");
        assert!((depth.abs_rel - 0.3).abs() < 1e-3, "{depth:?}");
        assert!((depth.delta1 - 0.5).abs() < 1e-9, "{depth:?}");
    }
}
