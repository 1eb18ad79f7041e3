//! Out-of-focus blur: a disk, as a lens makes it, or a Gaussian.

use std::ops::RangeInclusive;

use image::RgbImage;
use rand::{Rng, RngExt};

/// Radii of `deblur` in pixels, for a photo whose shorter side has [`REFERENCE_SIDE`] pixels.
pub const RADII: RangeInclusive<f32> = 3.0..=8.0;
/// The shorter side for which radii hold; other sizes scale them.
pub const REFERENCE_SIDE: f32 = 256.0;

/// A blur kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blur {
    /// Uniform disk of this radius in pixels, with a soft edge one pixel wide.
    Disk(f32),
    /// Gaussian whose standard deviation is half of this radius in pixels.
    Gaussian(f32),
}

impl Blur {
    /// Draws kind and radius for a photo whose shorter side is `side`.
    pub fn draw(rng: &mut impl Rng, radii: RangeInclusive<f32>, side: u32) -> Self {
        let radius = rng.random_range(radii) * side as f32 / REFERENCE_SIDE;
        match rng.random_bool(0.5) {
            true => Self::Disk(radius),
            false => Self::Gaussian(radius),
        }
    }

    /// Blurs an image; its border pixels are repeated outwards.
    pub fn apply(self, image: &RgbImage) -> RgbImage {
        match self {
            Self::Disk(radius) => disk(image, radius),
            Self::Gaussian(radius) => image::imageops::blur(image, radius / 2.0),
        }
    }
}

/// Each row of the disk is a box, so that running sums make its cost linear in the radius.
fn disk(image: &RgbImage, radius: f32) -> RgbImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let reach = radius.ceil() as i64;
    let spans: Vec<(i64, f32)> = (-reach..=reach)
        .filter_map(|dy| {
            let half = radius * radius - (dy * dy) as f32;
            (half > 0.0).then(|| (dy, half.sqrt()))
        })
        .collect();
    let weight: f32 = spans.iter().map(|(_, half)| 2.0 * half + 1.0).sum();
    let sums = PrefixSums::new(image);
    let mut blurred = vec![0u8; width * height * 3];
    for (y, row) in blurred.chunks_exact_mut(width * 3).enumerate() {
        let mut totals = vec![0.0f32; width * 3];
        for &(dy, half) in &spans {
            let source = (y as i64 + dy).clamp(0, height as i64 - 1) as usize;
            sums.add_boxes(source, half, &mut totals);
        }
        for (byte, total) in row.iter_mut().zip(&totals) {
            *byte = (total / weight).round().clamp(0.0, 255.0) as u8;
        }
    }
    from_raw(image, blurred)
}

/// Running sums along each row, the border pixels repeated outwards.
struct PrefixSums {
    width: usize,
    margin: usize,
    sums: Vec<u32>,
}

impl PrefixSums {
    fn new(image: &RgbImage) -> Self {
        let width = image.width() as usize;
        let margin = (RADII.end() * 1024.0 / REFERENCE_SIDE).ceil() as usize + 2;
        let padded = width + 2 * margin;
        let mut sums = Vec::with_capacity((padded + 1) * 3 * image.height() as usize);
        for row in image.as_raw().chunks_exact(width * 3) {
            let mut running = [0u32; 3];
            sums.extend_from_slice(&running);
            for x in 0..padded {
                let source = x.saturating_sub(margin).min(width - 1);
                for (channel, sum) in running.iter_mut().enumerate() {
                    *sum += u32::from(row[source * 3 + channel]);
                }
                sums.extend_from_slice(&running);
            }
        }
        Self {
            width,
            margin,
            sums,
        }
    }

    /// Adds, for each pixel of the row, the box that reaches `half` pixels to both sides; the
    /// pixels at its ends count by the share that is covered.
    fn add_boxes(&self, row: usize, half: f32, totals: &mut [f32]) {
        let stride = (self.width + 2 * self.margin + 1) * 3;
        let sums = &self.sums[row * stride..][..stride];
        let whole = (half.floor() as usize).min(self.margin - 2);
        let share = (half - whole as f32).clamp(0.0, 1.0);
        for x in 0..self.width {
            let left = (x + self.margin - whole) * 3;
            let right = (x + self.margin + whole + 1) * 3;
            for channel in 0..3 {
                let inside = sums[right + channel] - sums[left + channel];
                let outside = (sums[left + channel] - sums[left - 3 + channel])
                    + (sums[right + 3 + channel] - sums[right + channel]);
                totals[x * 3 + channel] += inside as f32 + share * outside as f32;
            }
        }
    }
}

fn from_raw(like: &RgbImage, bytes: Vec<u8>) -> RgbImage {
    RgbImage::from_raw(like.width(), like.height(), bytes).unwrap_or_else(|| like.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn dot() -> RgbImage {
        let mut image = RgbImage::new(41, 41);
        image.put_pixel(20, 20, Rgb([255, 255, 255]));
        image
    }

    #[test]
    fn a_flat_image_stays_flat() {
        let flat = RgbImage::from_pixel(40, 30, Rgb([10, 120, 250]));
        for blur in [Blur::Disk(5.3), Blur::Gaussian(7.0)] {
            assert_eq!(blur.apply(&flat), flat);
        }
    }

    #[test]
    fn a_disk_spreads_a_dot_evenly_to_its_radius_and_no_further() {
        let blurred = Blur::Disk(4.0).apply(&dot());
        assert_eq!(blurred.get_pixel(20, 20), blurred.get_pixel(22, 21));
        assert!(blurred.get_pixel(20, 20)[0] > 0);
        assert_eq!(blurred.get_pixel(20, 26)[0], 0);
        assert_eq!(blurred.get_pixel(14, 20)[0], 0);
    }

    #[test]
    fn a_gaussian_is_symmetric_and_falls_off() {
        let blurred = Blur::Gaussian(4.0).apply(&dot());
        assert_eq!(blurred.get_pixel(17, 20), blurred.get_pixel(23, 20));
        assert_eq!(blurred.get_pixel(20, 17), blurred.get_pixel(17, 20));
        assert!(blurred.get_pixel(20, 20)[0] > blurred.get_pixel(23, 20)[0]);
    }

    #[test]
    fn the_radius_scales_with_the_image() {
        use rand::SeedableRng;
        let radius = |side| {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
            match Blur::draw(&mut rng, RADII, side) {
                Blur::Disk(radius) | Blur::Gaussian(radius) => radius,
            }
        };
        assert!(RADII.contains(&radius(256)));
        assert!((radius(512) - 2.0 * radius(256)).abs() < 1e-4);
    }
}
