//! The metrics as columns of tables and files: names, digits and order, the same everywhere.

use super::{DepthMetrics, Metrics};

/// A metric as tables and files show it.
pub struct Column {
    /// Name in files.
    pub key: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Digits behind the point, for people.
    pub digits: usize,
    /// Whether it is an error of depths.
    pub of_depth: bool,
    value: fn(&Metrics) -> Option<f64>,
}

impl Column {
    const fn new(
        key: &'static str,
        title: &'static str,
        digits: usize,
        value: fn(&Metrics) -> Option<f64>,
    ) -> Self {
        Self {
            key,
            title,
            digits,
            of_depth: false,
            value,
        }
    }

    const fn depth(
        key: &'static str,
        title: &'static str,
        digits: usize,
        value: fn(&Metrics) -> Option<f64>,
    ) -> Self {
        Self {
            of_depth: true,
            ..Self::new(key, title, digits, value)
        }
    }

    /// The value, if it was measured.
    pub fn of(&self, metrics: &Metrics) -> Option<f64> {
        (self.value)(metrics)
    }

    /// The value for people; a dash where it was not measured.
    pub fn text(&self, metrics: &Metrics) -> String {
        match self.of(metrics) {
            Some(value) => format!("{value:.*}", self.digits),
            None => "–".to_string(),
        }
    }
}

/// All metrics, in the order of tables.
pub const COLUMNS: [Column; 10] = [
    Column::new("l1", "L1", 4, |metrics| Some(metrics.l1)),
    Column::new("psnr", "PSNR dB", 2, |metrics| Some(metrics.psnr)),
    Column::new("ssim", "SSIM", 4, |metrics| Some(metrics.ssim)),
    Column::new("ms_ssim", "MS-SSIM", 4, |metrics| metrics.ms_ssim),
    Column::new("lpips", "LPIPS", 4, |metrics| metrics.lpips),
    Column::new("fid", "FID", 2, |metrics| metrics.fid),
    Column::depth("mae", "MAE", 1, |metrics| {
        of_depth(metrics, |depth| depth.mae)
    }),
    Column::depth("rmse", "RMSE", 1, |metrics| {
        of_depth(metrics, |depth| depth.rmse)
    }),
    Column::depth("abs_rel", "relative error", 4, |metrics| {
        of_depth(metrics, |depth| depth.abs_rel)
    }),
    Column::depth("delta1", "within 1.25", 4, |metrics| {
        of_depth(metrics, |depth| depth.delta1)
    }),
];

fn of_depth(metrics: &Metrics, value: fn(&DepthMetrics) -> f64) -> Option<f64> {
    metrics.depth.as_ref().map(value)
}
