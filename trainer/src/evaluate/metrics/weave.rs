//! Texture where there should be none: how far pixels lie from a plane, in the blocks where the target is flat.

/// Side of a block. Smaller than what images show on purpose, larger than the period of what up-sampling weaves.
const BLOCK: usize = 8;
/// A block of the target is flat if its own deviation is smaller, of 255.
const FLAT: f64 = 3.0;

/// Mean standard deviation of `image` over the blocks where `target` is flat, each without its plane, so that
/// gradients count as flat; `None` if no block is. Values are 0 to 255.
pub(super) fn weave(image: &[f64], target: &[f64], width: usize) -> Option<f64> {
    let height = target.len() / width.max(1);
    let corners = (0..height / BLOCK)
        .flat_map(|row| (0..width / BLOCK).map(move |column| (row * width + column) * BLOCK));
    let flat = corners.filter(|&corner| deviation(target, corner, width) < FLAT);
    let (count, sum) = flat.fold((0u32, 0.0), |(count, sum), corner| {
        (count + 1, sum + deviation(image, corner, width))
    });
    (count > 0).then(|| sum / f64::from(count))
}

/// Standard deviation of the block at `corner` from the plane that fits it best.
fn deviation(values: &[f64], corner: usize, width: usize) -> f64 {
    const COUNT: f64 = (BLOCK * BLOCK) as f64;
    /// Of the squared places along a side, seen from its middle: mean over the block.
    const SPREAD: f64 = (BLOCK * BLOCK - 1) as f64 / 12.0;
    let middle = (BLOCK - 1) as f64 / 2.0;
    let (mut sum, mut squares, mut across, mut down) = (0.0, 0.0, 0.0, 0.0);
    for y in 0..BLOCK {
        let row = &values[corner + y * width..][..BLOCK];
        for (x, &value) in row.iter().enumerate() {
            sum += value;
            squares += value * value;
            across += (x as f64 - middle) * value;
            down += (y as f64 - middle) * value;
        }
    }
    let [mean, across, down] = [sum, across, down].map(|sum| sum / COUNT);
    let of_plane = (across * across + down * down) / SPREAD;
    (squares / COUNT - mean * mean - of_plane).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 19;

    fn plane(value: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let pixels = (0..17).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        pixels.map(|(x, y)| value(x, y)).collect()
    }

    fn checks(x: usize, y: usize) -> f64 {
        if (x + y).is_multiple_of(2) { 1.0 } else { -1.0 }
    }

    #[test]
    fn a_weave_of_four_grey_levels_on_a_gradient_is_four() {
        let gradient = |x, y| 20.0 + 5.0 * x as f64 - 0.5 * y as f64;
        let target = plane(gradient);
        let found = weave(&target, &target, WIDTH).expect("flat blocks");
        assert!(found < 1e-5, "{found}");
        let woven = plane(|x, y| gradient(x, y) + 4.0 * checks(x, y));
        let found = weave(&woven, &target, WIDTH).expect("flat blocks");
        // A plane fits a little of even so regular a texture.
        assert!((3.9..=4.0).contains(&found), "{found}");
    }

    #[test]
    fn only_blocks_that_are_flat_in_the_target_count() {
        let left = |x| if x < 8 { 1.0 } else { 0.0 };
        let target = plane(|x, y| 100.0 + 20.0 * left(x) * checks(x, y));
        let image = plane(|x, y| 100.0 + (2.0 + 50.0 * left(x)) * checks(x, y));
        let found = weave(&image, &target, WIDTH).expect("flat blocks");
        assert!((1.9..=2.0).contains(&found), "{found}");
        let textured = plane(|x, y| 20.0 * checks(x, y));
        assert_eq!(weave(&image, &textured, WIDTH), None);
    }
}
