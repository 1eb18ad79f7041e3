//! Metrics are those of the Python libraries that people report: fixtures/metrics/make.py and
//! fixtures/perceptual/make.py made the numbers.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod made_weights;
#[path = "metrics/networks.rs"]
mod networks;
#[path = "metrics/perceptual.rs"]
mod perceptual;

use made_weights::fixture;
use model::Raster;
use model::pixels::to_unit;
use serde_json::Value;
use trainer::evaluate::metrics::Metrics;

/// The libraries compute in 64 bits throughout, ours of pixels in 32: each is off by up to 2⁻²⁴, where
/// a step of 8 bits is 2⁻⁸ and the metrics add tens of thousands of them.
const TOLERANCE: f64 = 1e-5;

fn image(name: &str) -> Raster {
    let image = image::open(fixture(&format!("metrics/{name}.png"))).expect("an image");
    let image = image.to_rgb8();
    let plane = |channel: usize| image.pixels().map(move |pixel| pixel[channel]);
    let bytes = (0..3).flat_map(plane);
    let values = bytes.map(|byte| to_unit(f32::from(byte))).collect();
    let (width, height) = image.dimensions();
    Raster::from_planes(width as usize, height as usize, values)
}

#[test]
fn l1_psnr_ssim_and_multi_scale_ssim_are_those_of_the_python_libraries() {
    let json = std::fs::read(fixture("metrics/metrics.json")).expect("the numbers are there");
    let all: Value = serde_json::from_slice(&json).expect("JSON");
    let target = image("target");
    let all = all.as_object().expect("images by name");
    assert_eq!(all.len(), 4);
    for (name, wanted) in all {
        let metrics = Metrics::between(&image(name), &target, None);
        for (metric, found) in [
            ("l1", metrics.l1),
            ("psnr", metrics.psnr),
            ("ssim", metrics.ssim),
            (
                "ms_ssim",
                metrics.ms_ssim.expect("the images are large enough"),
            ),
        ] {
            let wanted = wanted[metric].as_f64().expect("a number");
            let off = (found - wanted).abs();
            assert!(off <= TOLERANCE, "{name}, {metric}: {found}, not {wanted}");
        }
    }
}
