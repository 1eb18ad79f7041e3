//! The networks that judge images, and what the Python libraries said of the same images:
//! fixtures/perceptual/make.py made the numbers.

#![allow(dead_code, reason = "each test program uses its part of it")]

use std::path::PathBuf;

use burn::tensor::Device;
use image::{RgbImage, imageops};
use serde_json::Value;
use trainer::evaluate::metrics::perceptual::{FEATURES, Inception, Lpips};

use crate::made_weights::{fixture, numbers};

/// Top, left, height, width.
pub const CROPS: [(&str, [u32; 4]); 2] = [("small", [0, 0, 64, 64]), ("odd", [40, 70, 75, 61])];
pub const IMAGES: [&str; 4] = ["noisy", "blurred", "shifted", "inverted"];
/// Both add in 32 bits, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands, handed
/// on by up to fifty layers.
pub const RELATIVE: f64 = 1e-4;

pub fn image(name: &str) -> RgbImage {
    let path = fixture(&format!("metrics/{name}.png"));
    image::open(path).expect("an image").to_rgb8()
}

pub fn cropped(name: &str, [top, left, height, width]: [u32; 4]) -> RgbImage {
    imageops::crop_imm(&image(name), left, top, width, height).to_image()
}

pub fn assert_near(what: &str, found: f64, wanted: &Value, tolerance: f64) {
    let wanted = wanted.as_f64().expect("a number");
    assert!(
        (found - wanted).abs() <= tolerance,
        "{what}: {found}, not {wanted}"
    );
}

/// LPIPS of the weights in `files` is that of the Python package.
pub fn lpips_matches(files: &[PathBuf], device: &Device) {
    let lpips = Lpips::load(files, device).expect("a network");
    let wanted = &numbers()["lpips"]["values"];
    for (crop, place) in CROPS {
        let images = IMAGES.map(|name| cropped(name, place));
        let images: Vec<&RgbImage> = images.iter().collect();
        let target = cropped("target", place);
        let found = lpips.distances(&images, &target).expect("distances");
        for (name, found) in IMAGES.iter().zip(found) {
            let name = format!("{crop} {name}");
            assert_near(&name, found, &wanted[&name], RELATIVE * found);
        }
        let same = lpips.distances(&[&target], &target).expect("a distance");
        assert_eq!(same, [0.0]);
    }
}

/// The features of images are those of pytorch-fid.
pub fn features_match(inception: &Inception) {
    let numbers = &numbers()["fid"];
    let crops = CROPS.map(|(crop, place)| (format!("{crop} noisy"), cropped("noisy", place)));
    let mut images = vec![("target".to_string(), image("target"))];
    images.extend(crops);
    for (name, image) in &images {
        let found = inception.features(&[image]);
        let found: Vec<f64> = found.into_iter().map(f64::from).collect();
        assert_eq!(found.len(), FEATURES);
        let wanted = &numbers["features"][name];
        let first = wanted["first"].as_array().expect("features");
        for (found, wanted) in found.iter().zip(first) {
            assert_near(name, *found, wanted, RELATIVE);
        }
        let mean = found.iter().sum::<f64>() / FEATURES as f64;
        assert_near(name, mean, &wanted["mean"], RELATIVE);
        let variance = found
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>();
        let deviation = (variance / FEATURES as f64).sqrt();
        assert_near(name, deviation, &wanted["deviation"], RELATIVE);
    }
}
