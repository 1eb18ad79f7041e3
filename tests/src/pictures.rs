//! Pictures that the tests draw, and how alike two pictures are.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage, RgbaImage};

/// A picture with soft colours, hard edges and fine texture, different for
/// each `seed`.
pub fn scene(width: u32, height: u32, seed: u32) -> RgbImage {
    let across = |x: u32| x as f32 / width as f32;
    let down = |y: u32| y as f32 / height as f32;
    let phase = seed as f32 * 1.7;
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (across(x), down(y));
        let sky = [90.0 + 120.0 * v, 140.0 + 60.0 * u, 230.0 - 110.0 * v];
        let ripple = 18.0 * ((31.0 * u + phase).sin() * (23.0 * v - phase).cos());
        let (du, dv) = (u - 0.5 - 0.2 * phase.sin(), v - 0.5 - 0.2 * phase.cos());
        let petal = (du * du + dv * dv).sqrt() + 0.05 * (6.0 * dv.atan2(du) + phase).sin();
        let colour = if petal < 0.08 {
            [240.0, 210.0, 60.0]
        } else if petal < 0.28 {
            [220.0, 40.0 + 80.0 * u, 110.0]
        } else {
            sky
        };
        Rgb(colour.map(|channel: f32| (channel + ripple).clamp(0.0, 255.0) as u8))
    })
}

/// Writes a picture that was drawn.
pub fn save(picture: &RgbImage, path: &Path) -> Result<()> {
    picture
        .save(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a picture with its alpha.
pub fn load(path: &Path) -> Result<RgbaImage> {
    let picture = image::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(picture.into_rgba8())
}

/// How far two pictures are apart, in steps of 1/255.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The mean over a channel, of the channel where it is largest.
    pub mean: f64,
    /// The largest of all.
    pub max: u8,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "mean {:.4}, max {}", self.mean, self.max)
    }
}

/// Compares two pictures of one size, channel by channel, without the alpha.
pub fn difference(left: &RgbaImage, right: &RgbaImage) -> Result<Difference> {
    ensure!(
        left.dimensions() == right.dimensions(),
        "the sizes differ: {:?} and {:?}",
        left.dimensions(),
        right.dimensions()
    );
    let mut sums = [0u64; 3];
    let mut max = 0;
    for (left, right) in left.pixels().zip(right.pixels()) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            let apart = left.0[channel].abs_diff(right.0[channel]);
            *sum += u64::from(apart);
            max = max.max(apart);
        }
    }
    let pixels = f64::from(left.width()) * f64::from(left.height());
    let largest = sums.iter().max().copied().unwrap_or(0);
    Ok(Difference {
        mean: largest as f64 / pixels,
        max,
    })
}

/// Fails unless two results are the same but for rounding.
pub fn ensure_alike(left: &RgbaImage, right: &RgbaImage) -> Result<()> {
    let difference = difference(left, right)?;
    ensure!(
        difference.mean <= 2.0 && difference.max <= 8,
        "the results differ too much: {difference}"
    );
    Ok(())
}

/// Fails if a result has next to nothing in it: any two such would be alike.
pub fn ensure_detailed(picture: &RgbaImage) -> Result<()> {
    let values = || picture.pixels().map(|pixel| f64::from(pixel.0[1]));
    let count = f64::from(picture.width()) * f64::from(picture.height());
    let mean = values().sum::<f64>() / count;
    let deviation = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    ensure!(deviation > 2.0, "the result is flat ({deviation:.2})");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_differ_by_seed_and_are_detailed() -> Result<()> {
        let picture = |seed| image::DynamicImage::from(scene(64, 48, seed)).into_rgba8();
        ensure_detailed(&picture(1))?;
        assert!(difference(&picture(1), &picture(2))?.mean > 5.0);
        assert_eq!(difference(&picture(1), &picture(1))?.max, 0);
        Ok(())
    }
}
