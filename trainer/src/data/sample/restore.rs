//! What happens to photos between the lens and the viewer, so that a network learns to undo it: blur, low
//! resolution, noise and JPEG, mixed by chance.

use std::ops::RangeInclusive;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageError, ImageFormat, RgbImage};
use model::lab;
use rand::seq::IteratorRandom;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use serde::Serialize;

use super::blur::Blur;

/// A fault of photos. They come about in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Out of focus.
    Blur,
    /// Scaled down by a filter as wide as the new pixels, and bilinearly up again.
    LowResolution,
    /// Of the sensor.
    Noise,
    /// Compressed.
    Jpeg,
}

/// How often photos have faults, and how bad they are. Manifests record it.
#[derive(Debug, Serialize)]
pub struct Mix {
    /// Share of training photos that stay as they are, so that good photos come out as they went in.
    pub clean: f64,
    /// Chance that a photo with a fault has a second one, and the same again for a third.
    pub further_fault: f64,
    /// In pixels, for a photo whose shorter side has 256.
    pub blur_radius: RangeInclusive<f32>,
    /// How many times smaller a photo of low resolution was.
    pub reduction: RangeInclusive<f32>,
    /// Half of all noise: standard deviation of sRGB values from 0 to 255.
    pub srgb_noise: RangeInclusive<f32>,
    /// The other half is shot noise, of as many photons as this where linear light is 1; the
    /// logarithm is drawn evenly.
    pub photons: RangeInclusive<f32>,
    /// As libjpeg counts it.
    pub jpeg_quality: RangeInclusive<u8>,
}

/// What `--task restore` mixes.
pub const MIX: Mix = Mix {
    clean: 0.15,
    further_fault: 0.25,
    blur_radius: 1.5..=8.0,
    reduction: 1.5..=4.0,
    srgb_noise: 4.0..=25.0,
    photons: 40.0..=1000.0,
    jpeg_quality: 15..=70,
};

/// Photos with one fault each, and with none: what a model of `restore` is judged on beside the mix.
pub const PARTS: [(&str, &[Fault]); 5] = [
    ("blurred", &[Fault::Blur]),
    ("small", &[Fault::LowResolution]),
    ("noisy", &[Fault::Noise]),
    ("JPEG", &[Fault::Jpeg]),
    ("clean", &[]),
];

/// Draws which faults a photo has.
pub fn draw_faults(rng: &mut impl Rng) -> Vec<Fault> {
    match rng.random_bool(MIX.clean) {
        true => Vec::new(),
        false => draw_some_faults(rng),
    }
}

/// Draws which faults a photo has that is not clean.
pub fn draw_some_faults(rng: &mut impl Rng) -> Vec<Fault> {
    let further = (0..2).filter(|_| rng.random_bool(MIX.further_fault));
    let count = 1 + further.count();
    let all = [Fault::Blur, Fault::LowResolution, Fault::Noise, Fault::Jpeg];
    let mut faults = all.into_iter().sample(rng, count);
    faults.sort_unstable();
    faults
}

/// A photo with these faults, how bad is drawn.
pub fn with_faults(photo: &RgbImage, faults: &[Fault], rng: &mut impl Rng) -> RgbImage {
    faults
        .iter()
        .fold(photo.clone(), |photo, fault| match fault {
            Fault::Blur => {
                let side = photo.width().min(photo.height());
                Blur::draw(rng, MIX.blur_radius, side).apply(&photo)
            }
            Fault::LowResolution => reduced(&photo, rng.random_range(MIX.reduction)),
            Fault::Noise => noisy(photo, rng),
            Fault::Jpeg => compressed(&photo, rng.random_range(MIX.jpeg_quality)),
        })
}

fn reduced(photo: &RgbImage, reduction: f32) -> RgbImage {
    let (width, height) = photo.dimensions();
    let side = |side: u32| ((side as f32 / reduction).round() as u32).max(1);
    let small = imageops::resize(photo, side(width), side(height), FilterType::Triangle);
    imageops::resize(&small, width, height, FilterType::Triangle)
}

fn noisy(photo: RgbImage, rng: &mut impl Rng) -> RgbImage {
    match rng.random_bool(0.5) {
        true => {
            let deviation = rng.random_range(MIX.srgb_noise);
            with_srgb_noise(photo, deviation, rng)
        }
        false => {
            let (few, many) = (MIX.photons.start().ln(), MIX.photons.end().ln());
            let photons = rng.random_range(few..=many).exp();
            with_shot_noise(photo, photons, rng)
        }
    }
}

fn with_srgb_noise(mut photo: RgbImage, deviation: f32, rng: &mut impl Rng) -> RgbImage {
    for byte in photo.iter_mut() {
        let noise = deviation * rng.sample::<f32, _>(StandardNormal);
        *byte = (f32::from(*byte) + noise).round() as u8;
    }
    photo
}

/// Noise of light itself, whose variance is its mean: a normal distribution, which that of Poisson
/// is near to already for ten photons.
fn with_shot_noise(mut photo: RgbImage, photons: f32, rng: &mut impl Rng) -> RgbImage {
    let light: [f32; 256] = std::array::from_fn(|byte| lab::linear(byte as f32 / 255.0));
    for byte in photo.iter_mut() {
        let light = light[usize::from(*byte)];
        let noise = (light / photons).sqrt() * rng.sample::<f32, _>(StandardNormal);
        *byte = (lab::companded(light + noise) * 255.0).round() as u8;
    }
    photo
}

/// JPEG has no sides of more than 65,535 pixels: such a photo stays as it is.
fn compressed(photo: &RgbImage, quality: u8) -> RgbImage {
    let through = || -> Result<DynamicImage, ImageError> {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(photo)?;
        image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg)
    };
    through().map_or_else(|_| photo.clone(), DynamicImage::into_rgb8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const FLAT: Rgb<u8> = Rgb([60, 120, 200]);

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    fn checks() -> RgbImage {
        RgbImage::from_fn(80, 60, |x, y| {
            Rgb([if (x / 5 + y / 5) % 2 == 0 { 40 } else { 210 }; 3])
        })
    }

    /// Mean and standard deviation of a channel.
    fn spread(image: &RgbImage, channel: usize) -> (f64, f64) {
        let values = || image.pixels().map(|pixel| f64::from(pixel[channel]));
        let count = values().count() as f64;
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }

    #[test]
    fn each_part_follows_the_seed_keeps_the_size_and_changes_all_but_clean_photos() {
        for (name, faults) in PARTS {
            let spoilt = |seed| with_faults(&checks(), faults, &mut rng(seed));
            assert_eq!(spoilt(1), spoilt(1), "{name}");
            assert_eq!(spoilt(1).dimensions(), (80, 60), "{name}");
            assert_eq!(spoilt(1) == checks(), faults.is_empty(), "{name}");
            assert_eq!(spoilt(1) == spoilt(2), faults.is_empty(), "{name}");
        }
    }

    #[test]
    fn photos_have_as_many_faults_as_the_mix_says_in_the_order_they_come_about() {
        const DRAWN: usize = 4000;
        let mut rng = rng(7);
        let drawn: Vec<_> = (0..DRAWN).map(|_| draw_faults(&mut rng)).collect();
        assert!(drawn.iter().all(|faults| faults.is_sorted_by(|a, b| a < b)));
        let share = |count: usize| {
            let of_count = drawn.iter().filter(|faults| faults.len() == count);
            of_count.count() as f64 / DRAWN as f64
        };
        let (some, more) = (1.0 - MIX.clean, MIX.further_fault);
        let expected = [
            MIX.clean,
            some * (1.0 - more) * (1.0 - more),
            some * 2.0 * more * (1.0 - more),
            some * more * more,
        ];
        for (count, expected) in expected.into_iter().enumerate() {
            // Four standard deviations of a share.
            let tolerance = 4.0 * (expected * (1.0 - expected) / DRAWN as f64).sqrt();
            assert!((share(count) - expected).abs() < tolerance, "{count}");
        }
    }

    #[test]
    fn noise_of_srgb_is_alike_everywhere_and_that_of_light_grows_with_it() {
        let flat = RgbImage::from_pixel(100, 100, FLAT);
        let srgb = with_srgb_noise(flat.clone(), 12.0, &mut rng(1));
        let shot = with_shot_noise(flat, 200.0, &mut rng(2));
        for channel in 0..3 {
            let (mean, deviation) = spread(&srgb, channel);
            let expected = f64::from(FLAT[channel]);
            // Five standard deviations of both estimates; nothing is clipped.
            assert!((mean - expected).abs() < 5.0 * 12.0 / 100.0, "{mean}");
            assert!((deviation - 12.0).abs() < 5.0 * 12.0 / 141.0, "{deviation}");
            let light = shot.pixels();
            let light =
                light.map(|pixel| f64::from(lab::linear(f32::from(pixel[channel]) / 255.0)));
            let mean = f64::from(lab::linear(f32::from(FLAT[channel]) / 255.0));
            let variance = light.map(|light| (light - mean).powi(2)).sum::<f64>() / 10_000.0;
            // A tenth is seven standard deviations; rounding to bytes adds less than a hundredth.
            assert!((variance / (mean / 200.0) - 1.0).abs() < 0.1, "{variance}");
        }
    }

    #[test]
    fn a_lower_quality_or_resolution_leaves_less_of_a_photo() {
        let error = |spoilt: RgbImage| {
            let pairs = spoilt.iter().zip(checks().into_raw());
            pairs.map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>()
        };
        assert!(error(compressed(&checks(), 15)) > error(compressed(&checks(), 70)));
        assert!(error(reduced(&checks(), 4.0)) > error(reduced(&checks(), 1.5)));
    }

    #[test]
    fn a_photo_too_long_for_jpeg_stays_as_it_is() {
        let long = RgbImage::from_pixel(65_536, 1, FLAT);
        assert_eq!(compressed(&long, 20), long);
    }
}
