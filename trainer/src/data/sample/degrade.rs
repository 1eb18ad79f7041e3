//! What is taken from photos so that a network learns to give it back: lines, holes, resolution.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_filled_rect_mut};
use imageproc::rect::Rect;
use rand::{Rng, RngExt};

/// Fill of holes: the middle of the range, which is 0 for the network.
pub const HOLE: Rgb<u8> = Rgb([128; 3]);
/// How many times smaller the input of `super-resolve` is.
pub const REDUCTION: u32 = 4;

/// Dark lines on white where the brightness changes (Canny, after a slight blur).
pub fn edges(photo: &RgbImage) -> RgbImage {
    const SIGMA: f32 = 1.0;
    const LOW: f32 = 40.0;
    const HIGH: f32 = 100.0;
    let luma = imageops::blur(&imageops::grayscale(photo), SIGMA);
    let lines = imageproc::edges::canny(&luma, LOW, HIGH);
    RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
        Rgb([255 - lines.get_pixel(x, y)[0]; 3])
    })
}

/// Holes as people make them: one to three rectangles, or one to four brush strokes.
pub fn with_holes(photo: &RgbImage, rng: &mut impl Rng) -> RgbImage {
    let mut image = photo.clone();
    match rng.random_bool(0.5) {
        true => (0..rng.random_range(1..=3)).for_each(|_| cut_rectangle(&mut image, rng)),
        false => (0..rng.random_range(1..=4)).for_each(|_| cut_stroke(&mut image, rng)),
    }
    image
}

fn cut_rectangle(image: &mut RgbImage, rng: &mut impl Rng) {
    let (width, height) = image.dimensions();
    let mut part = |side: u32| ((side as f32 * rng.random_range(0.1..0.4)) as u32).max(1);
    let (hole_width, hole_height) = (part(width), part(height));
    let x = rng.random_range(0..=width - hole_width);
    let y = rng.random_range(0..=height - hole_height);
    let hole = Rect::at(x as i32, y as i32).of_size(hole_width, hole_height);
    draw_filled_rect_mut(image, hole, HOLE);
}

/// A line of a few bends, drawn as a row of disks.
fn cut_stroke(image: &mut RgbImage, rng: &mut impl Rng) {
    let (width, height) = (image.width() as f32, image.height() as f32);
    let side = width.min(height);
    let radius = (side * rng.random_range(0.015..0.05)).max(1.0);
    let (mut x, mut y) = (rng.random_range(0.0..width), rng.random_range(0.0..height));
    for _ in 0..rng.random_range(2..=5) {
        let angle = rng.random_range(0.0..std::f32::consts::TAU);
        let length = side * rng.random_range(0.1..0.3);
        let steps = (length / radius * 2.0).ceil().max(1.0);
        let (dx, dy) = (angle.cos() * length / steps, angle.sin() * length / steps);
        for _ in 0..steps as u32 {
            draw_filled_circle_mut(image, (x as i32, y as i32), radius as i32, HOLE);
            (x, y) = (x + dx, y + dy);
        }
    }
}

/// [`REDUCTION`] times smaller and as large as before again, both bicubic.
pub fn low_resolution(photo: &RgbImage) -> RgbImage {
    let (width, height) = photo.dimensions();
    let reduced = |side: u32| (side / REDUCTION).max(1);
    let small = imageops::resize(
        photo,
        reduced(width),
        reduced(height),
        FilterType::CatmullRom,
    );
    imageops::resize(&small, width, height, FilterType::CatmullRom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn checks() -> RgbImage {
        RgbImage::from_fn(80, 60, |x, y| {
            Rgb([if (x + y) % 2 == 0 { 20 } else { 230 }; 3])
        })
    }

    #[test]
    fn edges_are_dark_lines_where_the_brightness_changes() {
        let photo = RgbImage::from_fn(40, 40, |x, _| Rgb([if x < 20 { 20 } else { 230 }; 3]));
        let lines = edges(&photo);
        assert_eq!(*lines.get_pixel(5, 20), Rgb([255; 3]));
        assert!((17..23).any(|x| *lines.get_pixel(x, 20) == Rgb([0; 3])));
    }

    #[test]
    fn holes_follow_the_seed_and_leave_the_rest_as_it_is() {
        let holed = |seed| with_holes(&checks(), &mut ChaCha8Rng::seed_from_u64(seed));
        for seed in 0..20 {
            assert_eq!(holed(seed), holed(seed));
            let image = holed(seed);
            let photo = checks();
            let pixels = || image.pixels().zip(photo.pixels());
            assert!(pixels().all(|(found, was)| found == was || *found == HOLE));
            let holes = pixels().filter(|(found, _)| **found == HOLE).count();
            assert!((1..80 * 60 * 3 / 4).contains(&holes), "{seed}: {holes}");
        }
        assert_ne!(holed(1), holed(2));
    }

    #[test]
    fn a_low_resolution_loses_detail_and_keeps_size_and_brightness() {
        let low = low_resolution(&checks());
        assert_eq!(low.dimensions(), (80, 60));
        assert!(low.pixels().all(|pixel| pixel[0].abs_diff(125) < 12));
    }
}
