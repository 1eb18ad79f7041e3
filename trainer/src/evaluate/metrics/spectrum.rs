//! How much fine texture there is: power by spatial frequency, compared with that of the target.

use std::array;
use std::f64::consts::PI;

/// Side of a block: its cosine transform tells periods from 2 to 16 pixels apart.
const BLOCK: usize = 8;
/// Rings of equal frequency; the mean of a block is in none.
const RINGS: usize = BLOCK - 1;
/// Power of rounding to 8 bits. Texture below it is no texture.
const ROUNDING: f64 = 1.0 / 12.0;

/// Mean distance in dB between the spectra of `image` and `target`, over rings of frequency;
/// `None` if both are smaller than a block. Values are 0 to 255.
pub(super) fn spectrum(image: &[f64], target: &[f64], width: usize) -> Option<f64> {
    let (image, target) = (power(image, width)?, power(target, width)?);
    let apart = image.iter().zip(&target);
    let decibels = apart.map(|(image, target)| 10.0 * (image / target).log10().abs());
    Some(decibels.sum::<f64>() / RINGS as f64)
}

/// Mean power of a coefficient in each ring, over the blocks of an image.
fn power(values: &[f64], width: usize) -> Option<[f64; RINGS]> {
    let waves = waves();
    let (rows, columns) = (values.len() / width.max(1) / BLOCK, width / BLOCK);
    let mut sums = [0.0; RINGS];
    for row in 0..rows {
        for column in 0..columns {
            add_block(
                values,
                (row * width + column) * BLOCK,
                width,
                &waves,
                &mut sums,
            );
        }
    }
    let counts = coefficients();
    let blocks = (rows * columns) as f64;
    (blocks > 0.0).then(|| array::from_fn(|ring| sums[ring] / blocks / counts[ring] + ROUNDING))
}

fn add_block(
    values: &[f64],
    corner: usize,
    width: usize,
    waves: &[[f64; BLOCK]; BLOCK],
    sums: &mut [f64; RINGS],
) {
    let row = |y: usize| &values[corner + y * width..][..BLOCK];
    for (u, wave) in waves.iter().enumerate() {
        let column: [f64; BLOCK] = array::from_fn(|y| product(wave, row(y)));
        for (v, wave) in waves.iter().enumerate() {
            if let Some(ring) = ring(u, v) {
                sums[ring] += product(wave, &column).powi(2);
            }
        }
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The orthonormal cosines of a block's side.
fn waves() -> [[f64; BLOCK]; BLOCK] {
    let side = BLOCK as f64;
    array::from_fn(|u| {
        let scale = if u == 0 { 1.0 / side } else { 2.0 / side };
        array::from_fn(|x| scale.sqrt() * (PI * (x as f64 + 0.5) * u as f64 / side).cos())
    })
}

/// Which ring a coefficient lies in; the corners, finer than any line along an axis, are in none.
fn ring(u: usize, v: usize) -> Option<usize> {
    let distance = ((u * u + v * v) as f64).sqrt().round() as usize;
    (1..=RINGS).contains(&distance).then(|| distance - 1)
}

fn coefficients() -> [f64; RINGS] {
    let mut counts = [0.0; RINGS];
    let all = (0..BLOCK).flat_map(|v| (0..BLOCK).map(move |u| (u, v)));
    for ring in all.filter_map(|(u, v)| ring(u, v)) {
        counts[ring] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 19;

    fn plane(value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let pixels = (0..17).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        pixels.map(|(x, y)| value(x, y)).collect()
    }

    /// Strong texture of every frequency.
    fn noise(x: usize, y: usize) -> f64 {
        let hash = (x * 7919 + y * 104_729 + x * y * 31) % 251;
        hash as f64
    }

    #[test]
    fn half_the_contrast_is_six_decibels_away_and_brightness_counts_for_nothing() {
        let target = plane(noise);
        let found = spectrum(&plane(|x, y| 60.0 + noise(x, y) / 2.0), &target, WIDTH);
        // Less the power of rounding, which is a ten-thousandth of the noise's.
        assert!((found.expect("blocks") - 6.02).abs() < 0.02, "{found:?}");
        assert_eq!(spectrum(&target, &target, WIDTH), Some(0.0));
    }

    #[test]
    fn a_wave_has_its_power_in_the_ring_of_its_frequency() {
        let wave = |x: usize| 20.0 * (PI * (x as f64 + 0.5) * 5.0 / 8.0).cos();
        let found = power(&plane(|x, _| wave(x % BLOCK)), WIDTH).expect("blocks");
        let strongest = (0..RINGS).max_by(|&a, &b| found[a].total_cmp(&found[b]));
        assert_eq!(strongest, Some(4));
        assert!(
            found
                .iter()
                .enumerate()
                .all(|(ring, power)| ring == 4 || *power < 0.1)
        );
    }

    #[test]
    fn what_is_smaller_than_a_block_has_no_spectrum() {
        assert_eq!(spectrum(&[1.0; 49], &[2.0; 49], 7), None);
    }
}
