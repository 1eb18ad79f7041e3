//! Errors of depths in their own unit.

use model::Raster;
use serde::{Deserialize, Serialize};

use crate::data::sample::raster::{Mask, to_depth};

/// Largest ratio of a depth to its target that `delta1` counts as right.
const DELTA: f64 = 1.25;

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

impl DepthMetrics {
    /// Compares depths up to `max`, encoded as [`Encoding::Depth`](model::Encoding::Depth).
    pub fn between(image: &Raster, target: &Raster, mask: Option<&Mask>, max: u16) -> Self {
        let depths = |raster: &Raster| -> Vec<f64> {
            let values = raster.values().iter();
            values.map(|&unit| f64::from(to_depth(unit, max))).collect()
        };
        let (found, expected) = (depths(image), depths(target));
        let counts = |index: usize| mask.is_none_or(|mask| mask.valid()[index]);
        let (mut accumulators, mut count) = (Self::default(), 0.0f64);
        let pixels = found.iter().zip(&expected).enumerate();
        for (_, (&found, &expected)) in pixels.filter(|(index, _)| counts(*index)) {
            let error = (found - expected).abs();
            let ratio = (found / expected).max(expected / found);
            count += 1.0;
            accumulators.mae += error;
            accumulators.rmse += error * error;
            accumulators.abs_rel += error / expected;
            accumulators.delta1 += f64::from(u8::from(ratio < DELTA));
        }
        let count = count.max(1.0);
        Self {
            mae: accumulators.mae / count,
            rmse: (accumulators.rmse / count).sqrt(),
            abs_rel: accumulators.abs_rel / count,
            delta1: accumulators.delta1 / count,
        }
    }

    pub(super) fn mean(all: Vec<Self>) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
