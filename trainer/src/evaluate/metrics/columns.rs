//! The metrics as columns of tables, files and charts: names, digits and order, the same everywhere.

use super::Metrics;

/// A metric as tables and files show it.
pub struct Column {
    /// Name in files.
    pub key: &'static str,
    /// Name in TensorBoard.
    pub tag: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Digits behind the point, for people.
    pub digits: usize,
    pub better: Better,
    value: fn(&Metrics) -> Option<f64>,
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
}

impl Column {
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

    /// Whether it is an error of depths.
    pub fn is_of_depth(&self) -> bool {
        self.tag.starts_with("depth_")
    }
}

/// All metrics, in the order of tables.
#[rustfmt::skip]
pub const COLUMNS: [Column; 12] = [
    column(["l1", "L1", "L1"], 4, Better::Lower, |metrics| Some(metrics.l1)),
    column(["psnr", "PSNR", "PSNR dB"], 2, Better::Higher, |metrics| Some(metrics.psnr)),
    column(["ssim", "SSIM", "SSIM"], 4, Better::Higher, |metrics| Some(metrics.ssim)),
    column(["ms_ssim", "MS-SSIM", "MS-SSIM"], 4, Better::Higher, |metrics| metrics.ms_ssim),
    column(["weave", "weave", "weave"], 2, Better::Lower, |metrics| metrics.weave),
    column(["spectrum", "spectrum_dB", "spectrum"], 2, Better::Lower, |metrics| metrics.spectrum),
    column(["lpips", "LPIPS", "LPIPS"], 4, Better::Lower, |metrics| metrics.lpips),
    column(["fid", "FID", "FID"], 2, Better::Lower, |metrics| metrics.fid),
    column(["mae", "depth_MAE", "MAE"], 1, Better::Lower, |metrics| Some(metrics.depth?.mae)),
    column(["rmse", "depth_RMSE", "RMSE"], 1, Better::Lower, |metrics| Some(metrics.depth?.rmse)),
    column(["abs_rel", "depth_abs_rel", "relative error"], 4, Better::Lower, |metrics| {
        Some(metrics.depth?.abs_rel)
    }),
    column(["delta1", "depth_delta1", "within 1.25"], 4, Better::Higher, |metrics| {
        Some(metrics.depth?.delta1)
    }),
];

const fn column(
    [key, tag, title]: [&'static str; 3],
    digits: usize,
    better: Better,
    value: fn(&Metrics) -> Option<f64>,
) -> Column {
    Column {
        key,
        tag,
        title,
        digits,
        better,
        value,
    }
}
