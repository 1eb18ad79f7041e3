//! sRGB and CIELAB (CIE 15, white point D65; IEC 61966-2-1 for sRGB), one pixel at a time.

/// White of D65, 2° observer, as XYZ with Y = 1.
const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];
/// (6/29)³ and 3 · (6/29)²: where the cube root gives way to a line.
const EPSILON: f32 = 216.0 / 24_389.0;
const SLOPE: f32 = 108.0 / 841.0;

/// sRGB in `0..=1` to L in `0..=100` and a, b, which stay within ±110 for sRGB.
pub fn from_srgb(rgb: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = rgb.map(linear);
    let xyz = [
        0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b,
        0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b,
    ];
    let [x, y, z] = [0, 1, 2].map(|axis| {
        let t = xyz[axis] / WHITE[axis];
        match t > EPSILON {
            true => t.cbrt(),
            false => t / SLOPE + 4.0 / 29.0,
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The way back; colours outside sRGB are clipped to `0..=1`.
pub fn to_srgb([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let y = (lightness + 16.0) / 116.0;
    let axes = [y + a / 500.0, y, y - b / 200.0];
    let [x, y, z] = [0, 1, 2].map(|axis| {
        let t = axes[axis];
        let relative = match t > 6.0 / 29.0 {
            true => t * t * t,
            false => SLOPE * (t - 4.0 / 29.0),
        };
        relative * WHITE[axis]
    });
    [
        3.240_454_2 * x - 1.537_138_5 * y - 0.498_531_4 * z,
        -0.969_266 * x + 1.876_010_8 * y + 0.041_556 * z,
        0.055_643_4 * x - 0.204_025_9 * y + 1.057_225_2 * z,
    ]
    .map(companded)
}

/// An sRGB value as light, both in `0..=1`.
pub fn linear(value: f32) -> f32 {
    match value <= 0.040_45 {
        true => value / 12.92,
        false => ((value + 0.055) / 1.055).powf(2.4),
    }
}

/// Light as an sRGB value, clipped to `0..=1`.
pub fn companded(value: f32) -> f32 {
    let value = value.clamp(0.0, 1.0);
    match value <= 0.003_130_8 {
        true => 12.92 * value,
        false => 1.055 * value.powf(1.0 / 2.4) - 0.055,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: [f32; 3], expected: [f32; 3], tolerance: f32) {
        for axis in 0..3 {
            let difference = (found[axis] - expected[axis]).abs();
            assert!(difference < tolerance, "{found:?} is not {expected:?}");
        }
    }

    /// Values that colour science tables give for the corners of sRGB.
    #[test]
    fn the_corners_of_srgb_have_their_published_lab_values() {
        assert_close(from_srgb([1.0, 1.0, 1.0]), [100.0, 0.0, 0.0], 0.02);
        assert_close(from_srgb([0.0, 0.0, 0.0]), [0.0, 0.0, 0.0], 0.02);
        assert_close(from_srgb([1.0, 0.0, 0.0]), [53.24, 80.09, 67.20], 0.02);
        assert_close(from_srgb([0.0, 1.0, 0.0]), [87.73, -86.18, 83.18], 0.02);
        assert_close(from_srgb([0.0, 0.0, 1.0]), [32.30, 79.19, -107.86], 0.02);
    }

    #[test]
    fn every_colour_survives_the_way_to_lab_and_back() {
        for step in 0..1000u32 {
            let channel = |factor: u32| (step * factor % 256) as f32 / 255.0;
            let rgb = [channel(7), channel(31), channel(113)];
            assert_close(to_srgb(from_srgb(rgb)), rgb, 1e-3);
        }
    }
}
