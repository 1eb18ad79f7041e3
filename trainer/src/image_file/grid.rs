//! Rasters as images, and images in rows.

use image::{RgbImage, imageops};
use model::Raster;
use model::pixels::to_byte;

/// Pixels between the images of a grid.
const GRID_GAP: u32 = 4;
const GRID_BACKGROUND: image::Rgb<u8> = image::Rgb([245, 245, 245]);

/// A raster, as [`Encoding::shown`](model::Encoding::shown) gives it, as an RGB image.
pub fn painted(shown: &Raster) -> RgbImage {
    let rgb = shown.to_rgb();
    let width = rgb.width();
    RgbImage::from_fn(width as u32, rgb.height() as u32, |x, y| {
        let at = y as usize * width + x as usize;
        image::Rgb([0, 1, 2].map(|channel| to_byte(rgb.plane(channel)[at])))
    })
}

/// A combined image: A on the left, B on the right.
pub fn combined(a: &RgbImage, b: &RgbImage) -> RgbImage {
    let mut combined = RgbImage::new(a.width() + b.width(), a.height().max(b.height()));
    imageops::replace(&mut combined, a, 0, 0);
    imageops::replace(&mut combined, b, i64::from(a.width()), 0);
    combined
}

/// Images in rows, each in the upper left corner of a cell as large as the largest of them.
pub fn grid(rows: &[Vec<RgbImage>]) -> RgbImage {
    let largest = |side: fn(&RgbImage) -> u32| rows.iter().flatten().map(side).max().unwrap_or(0);
    let pitch_x = largest(RgbImage::width) + GRID_GAP;
    let pitch_y = largest(RgbImage::height) + GRID_GAP;
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0) as u32;
    let (width, height) = (columns * pitch_x, rows.len() as u32 * pitch_y);
    let mut grid = RgbImage::from_pixel(width + GRID_GAP, height + GRID_GAP, GRID_BACKGROUND);
    for (row, images) in rows.iter().enumerate() {
        for (column, image) in images.iter().enumerate() {
            let x = GRID_GAP + column as u32 * pitch_x;
            let y = GRID_GAP + row as u32 * pitch_y;
            imageops::replace(&mut grid, image, i64::from(x), i64::from(y));
        }
    }
    grid
}
