//! Metrics are those of scikit-image and pytorch-msssim: fixtures/metrics/make.py made the numbers.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use model::Raster;
use model::pixels::to_unit;
use serde_json::Value;
use trainer::metrics::Metrics;

const TOLERANCE: f64 = 1e-3;

fn fixture(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/fixtures/metrics").join(file)
}

fn picture(name: &str) -> Raster {
    let picture = image::open(fixture(&format!("{name}.png"))).expect("a picture");
    let picture = picture.to_rgb8();
    let plane = |channel: usize| picture.pixels().map(move |pixel| pixel[channel]);
    let bytes = (0..3).flat_map(plane);
    let values = bytes.map(|byte| to_unit(f32::from(byte))).collect();
    let (width, height) = picture.dimensions();
    Raster::from_planes(width as usize, height as usize, values)
}

#[test]
fn l1_psnr_ssim_and_multi_scale_ssim_are_those_of_the_python_libraries() {
    let json = std::fs::read(fixture("metrics.json")).expect("the numbers are there");
    let all: Value = serde_json::from_slice(&json).expect("JSON");
    let target = picture("target");
    let all = all.as_object().expect("pictures by name");
    assert_eq!(all.len(), 4);
    for (name, wanted) in all {
        let metrics = Metrics::between(&picture(name), &target, None);
        for (metric, found) in [
            ("l1", metrics.l1),
            ("psnr", metrics.psnr),
            ("ssim", metrics.ssim),
            (
                "ms_ssim",
                metrics.ms_ssim.expect("the pictures are large enough"),
            ),
        ] {
            let wanted = wanted[metric].as_f64().expect("a number");
            let off = (found - wanted).abs();
            assert!(off <= TOLERANCE, "{name}, {metric}: {found}, not {wanted}");
        }
    }
}
