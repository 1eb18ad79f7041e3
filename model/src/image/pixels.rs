//! Sizes that a network takes: padding on the way into a tensor, cropping on the way out, and
//! the scale between bytes and units. What channels mean is said in `encoding`.

use thiserror::Error;

use crate::image::raster::Raster;

/// Largest image that is translated in one piece, in pixels after padding.
pub const MAX_PIXELS: usize = 4096 * 4096;

/// Which heights and widths a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRule {
    multiple_of: usize,
}

/// An image that cannot be turned into a tensor.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PixelsError {
    /// Zero width or height.
    #[error("the picture is {width}×{height}; both sides need at least one pixel")]
    Empty { width: usize, height: usize },
    /// More than [`MAX_PIXELS`].
    #[error(
        "the picture is {width}×{height}; scale it down to at most 4096×4096 pixels (16 megapixels)"
    )]
    TooLarge { width: usize, height: usize },
    /// The buffer's length is not four bytes per pixel.
    #[error("{found} bytes are not {width}×{height} RGBA pixels, which take {expected}")]
    Length {
        width: usize,
        height: usize,
        /// `4 · width · height`.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// RGBA pixels do not make such an input.
    #[error(
        "the model takes {0} channels; a picture gives 1 (grey), 3 (RGB) or 4 (RGBA). Files of \
         more bands are translated by `trainer translate`"
    )]
    Channels(usize),
    /// The values do not fill the shape.
    #[error(
        "{found} values are not a tensor of {shape:?} (batch, channels, height, width); pass as \
         many values as these four multiply to, at least one of each"
    )]
    Values {
        /// Batch, channels, height, width.
        shape: [usize; 4],
        /// Values given.
        found: usize,
    },
    /// A tensor whose sides break the size rule.
    #[error(
        "the tensor is {width}×{height}; the model takes sides that are multiples of \
         {multiple_of}: pad or crop it"
    )]
    Multiple {
        width: usize,
        height: usize,
        /// Divisor of both sides.
        multiple_of: usize,
    },
    /// A raster of another number of channels.
    #[error("the model takes {expected} channels, the picture has {found}")]
    Bands {
        /// Channels of the model.
        expected: usize,
        /// Channels given.
        found: usize,
    },
}

impl SizeRule {
    /// Sides must be multiples of `multiple_of`.
    pub fn multiple_of(multiple_of: usize) -> Self {
        Self {
            multiple_of: multiple_of.max(1),
        }
    }

    pub fn divisor(self) -> usize {
        self.multiple_of
    }

    /// The smallest side that fits the rule and holds `side` pixels.
    pub fn padded(self, side: usize) -> usize {
        side.max(1).div_ceil(self.multiple_of) * self.multiple_of
    }
}

/// A raster as the values of a tensor and its shape, `[1, channels, height', width']`, whose sides
/// follow `rule`. The image lies in the middle; the margin mirrors it.
///
/// # Errors
/// Empty and too large images.
pub fn padded(raster: &Raster, rule: SizeRule) -> Result<(Vec<f32>, [usize; 4]), PixelsError> {
    let (width, height) = (raster.width(), raster.height());
    check_size(width, height, rule)?;
    let size = [rule.padded(height), rule.padded(width)];
    let shape = [1, raster.channels(), size[0], size[1]];
    Ok((padded_to(raster, size), shape))
}

/// A raster in the middle of `height` rows and `width` columns, at least its own.
pub(crate) fn padded_to(raster: &Raster, [height, width]: [usize; 2]) -> Vec<f32> {
    let columns = mirrored(raster.width(), width);
    let rows = mirrored(raster.height(), height);
    let left = (width - raster.width()) / 2;
    let right = left + raster.width();
    let mut values = Vec::with_capacity(raster.channels() * width * height);
    for channel in 0..raster.channels() {
        let plane = raster.plane(channel);
        for &y in &rows {
            let row = &plane[y * raster.width()..][..raster.width()];
            values.extend(columns[..left].iter().map(|&x| row[x]));
            values.extend_from_slice(row);
            values.extend(columns[right..].iter().map(|&x| row[x]));
        }
    }
    values
}

/// The image of `width × height` in the middle of `values`, a tensor `[1, channels, height',
/// width']` of the size to which [`padded`] brought it.
pub fn cropped(values: &[f32], width: usize, height: usize, rule: SizeRule) -> Raster {
    let from = [rule.padded(height), rule.padded(width)];
    cropped_from(values, from, (width, height))
}

/// The middle of planes of `[height', width']`.
pub(crate) fn cropped_from(
    values: &[f32],
    [from_height, from_width]: [usize; 2],
    (width, height): (usize, usize),
) -> Raster {
    let (left, top) = ((from_width - width) / 2, (from_height - height) / 2);
    let planes = values.chunks_exact(from_width * from_height);
    let mut image = Vec::with_capacity(planes.len() * width * height);
    for plane in planes {
        for row in plane.chunks_exact(from_width).skip(top).take(height) {
            image.extend_from_slice(&row[left..][..width]);
        }
    }
    Raster::from_planes(width, height, image)
}

/// `0..=255` to `-1..=1`.
pub const fn to_unit(byte: f32) -> f32 {
    byte / 127.5 - 1.0
}

/// `-1..=1` to the nearest of `0..=255`; values outside are clamped.
pub fn to_byte(unit: f32) -> u8 {
    // The cast cuts the fraction off, and clamps; `round` is a call in WebAssembly.
    ((unit + 1.0) * 127.5 + 0.5) as u8
}

/// Refuses images that are empty or, padded by `rule`, above [`MAX_PIXELS`].
///
/// # Errors
/// [`PixelsError::Empty`], [`PixelsError::TooLarge`].
pub fn check_size(width: usize, height: usize, rule: SizeRule) -> Result<(), PixelsError> {
    if width == 0 || height == 0 {
        return Err(PixelsError::Empty { width, height });
    }
    let side_limit = MAX_PIXELS.max(rule.divisor());
    let fits = width <= side_limit
        && height <= side_limit
        && rule
            .padded(width)
            .checked_mul(rule.padded(height))
            .is_some_and(|pixels| pixels <= MAX_PIXELS);
    match fits {
        true => Ok(()),
        false => Err(PixelsError::TooLarge { width, height }),
    }
}

/// As [`check_size`], and refuses buffers that are not four bytes per pixel.
///
/// # Errors
/// [`PixelsError::Length`] besides.
pub fn check_rgba(
    rgba: &[u8],
    width: usize,
    height: usize,
    rule: SizeRule,
) -> Result<(), PixelsError> {
    check_size(width, height, rule)?;
    let expected = 4 * width * height;
    match rgba.len() == expected {
        true => Ok(()),
        false => Err(PixelsError::Length {
            width,
            height,
            expected,
            found: rgba.len(),
        }),
    }
}

/// Refuses a tensor of `values` numbers in `shape` (batch, channels, height, width) that a network
/// with `channels` input channels cannot take as it is.
///
/// # Errors
/// [`PixelsError::Values`], [`PixelsError::Bands`], [`PixelsError::Multiple`], and
/// [`PixelsError::TooLarge`] for a batch of more pixels than [`MAX_PIXELS`].
pub fn check_tensor(
    values: usize,
    shape: [usize; 4],
    channels: usize,
    rule: SizeRule,
) -> Result<(), PixelsError> {
    let [batch, found, height, width] = shape;
    let product = |sides: &[usize]| sides.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
    if values == 0 || product(&shape) != Some(values) {
        return Err(PixelsError::Values {
            shape,
            found: values,
        });
    }
    if found != channels {
        return Err(PixelsError::Bands {
            expected: channels,
            found,
        });
    }
    let multiple_of = rule.divisor();
    if !width.is_multiple_of(multiple_of) || !height.is_multiple_of(multiple_of) {
        return Err(PixelsError::Multiple {
            width,
            height,
            multiple_of,
        });
    }
    match product(&[batch, height, width]) {
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(PixelsError::TooLarge { width, height }),
    }
}

/// For each index of a padded line, the index of the line that it shows: the line lies in the
/// middle and is mirrored outwards about its first and last pixel as often as needed.
pub(crate) fn mirrored(length: usize, padded: usize) -> Vec<usize> {
    let before = (padded - length) / 2;
    let period = (2 * length).saturating_sub(2).max(1);
    (0..padded)
        .map(|index| {
            let phase = (index + period * before.div_ceil(period) - before) % period;
            phase.min(period - phase).min(length - 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_mirrors_about_the_border_pixels() {
        assert_eq!(mirrored(3, 8), [2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(mirrored(4, 4), [0, 1, 2, 3]);
        assert_eq!(mirrored(1, 4), [0, 0, 0, 0]);
        assert_eq!(mirrored(2, 5), [1, 0, 1, 0, 1]);
    }

    #[test]
    fn every_byte_survives_the_way_to_a_unit_value_and_back() {
        for byte in 0..=255u8 {
            assert_eq!(to_byte(to_unit(f32::from(byte))), byte);
        }
    }

    #[test]
    fn sides_are_padded_to_the_next_multiple() {
        let rule = SizeRule::multiple_of(256);
        assert_eq!(rule.padded(1), 256);
        assert_eq!(rule.padded(256), 256);
        assert_eq!(rule.padded(257), 512);
    }

    #[test]
    fn an_image_of_any_size_is_padded_and_cropped_back_unchanged() {
        let rule = SizeRule::multiple_of(16);
        for (width, height) in [(1, 1), (5, 3), (16, 16), (17, 33)] {
            let values = (0..3 * width * height).map(|index| (index * 37 % 256) as f32);
            let raster = Raster::from_planes(width, height, values.collect());
            let (values, shape) = padded(&raster, rule).expect("a fitting size");
            assert_eq!(shape, [1, 3, rule.padded(height), rule.padded(width)]);
            assert_eq!(cropped(&values, width, height, rule), raster);
        }
    }

    #[test]
    fn images_without_pixels_or_with_too_many_are_refused() {
        let rule = SizeRule::multiple_of(256);
        assert_eq!(
            check_size(0, 4, rule),
            Err(PixelsError::Empty {
                width: 0,
                height: 4
            })
        );
        for (width, height) in [(12_000, 12_000), (usize::MAX, 2), (1, usize::MAX)] {
            assert_eq!(
                check_size(width, height, rule),
                Err(PixelsError::TooLarge { width, height })
            );
        }
    }

    #[test]
    fn a_tensor_is_taken_only_if_values_channels_and_sides_fit() {
        let rule = SizeRule::multiple_of(16);
        let check = |values, shape| check_tensor(values, shape, 3, rule);
        assert_eq!(check(2 * 3 * 16 * 32, [2, 3, 16, 32]), Ok(()));
        for (found, shape) in [
            (767, [1, 3, 16, 16]),
            (0, [0, 3, 16, 16]),
            (0, [1, 3, 0, 16]),
            (0, [usize::MAX, 3, usize::MAX, 16]),
        ] {
            assert_eq!(
                check(found, shape),
                Err(PixelsError::Values { shape, found })
            );
        }
        let (expected, found) = (3, 1);
        let bands = Err(PixelsError::Bands { expected, found });
        assert_eq!(check(256, [1, 1, 16, 16]), bands);
        let (width, height, multiple_of) = (16, 15, 16);
        let sides = Err(PixelsError::Multiple {
            width,
            height,
            multiple_of,
        });
        assert_eq!(check(3 * 15 * 16, [1, 3, 15, 16]), sides);
        let (width, height) = (4096, 4096);
        let large = Err(PixelsError::TooLarge { width, height });
        assert_eq!(check(2 * 3 * MAX_PIXELS, [2, 3, height, width]), large);
    }
}
