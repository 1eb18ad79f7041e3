//! Pixels in, tensors out, and back: padding to the sizes that a network takes, cropping after.

use burn::tensor::{Device, Tensor, TensorData};
use thiserror::Error;

/// Largest picture that is translated in one piece, in pixels after padding.
pub const MAX_PIXELS: usize = 4096 * 4096;

/// Which heights and widths a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRule {
    multiple_of: usize,
}

/// A picture that cannot be turned into a tensor.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PixelsError {
    /// Zero width or height.
    #[error("the picture is {width}×{height}; both sides need at least one pixel")]
    Empty {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// More than [`MAX_PIXELS`].
    #[error(
        "the picture is {width}×{height}; scale it down to at most 4096×4096 pixels (16 megapixels)"
    )]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The buffer's length is not four bytes per pixel.
    #[error("{found} bytes are not {width}×{height} RGBA pixels, which take {expected}")]
    Length {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// `4 · width · height`.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Only grey and RGB pictures can be made from RGBA pixels.
    #[error("the model takes {0} channels; a picture gives 1 (grey) or 3 (RGB)")]
    Channels(usize),
}

impl SizeRule {
    /// Sides must be multiples of `multiple_of`.
    pub fn multiple_of(multiple_of: usize) -> Self {
        Self {
            multiple_of: multiple_of.max(1),
        }
    }

    /// The divisor.
    pub fn divisor(self) -> usize {
        self.multiple_of
    }

    /// The smallest side that fits the rule and holds `side` pixels.
    pub fn padded(self, side: usize) -> usize {
        side.max(1).div_ceil(self.multiple_of) * self.multiple_of
    }
}

/// Turns RGBA8 pixels into a tensor `[1, channels, height', width']` in `[-1, 1]`, whose sides
/// follow `rule`. The picture lies in the middle; the margin mirrors it. Alpha is not read.
///
/// # Errors
/// Empty and too large pictures, a buffer of the wrong length, channels other than 1 and 3.
pub fn to_tensor(
    rgba: &[u8],
    width: usize,
    height: usize,
    channels: usize,
    rule: SizeRule,
    device: &Device,
) -> Result<Tensor<4>, PixelsError> {
    check(rgba, width, height, channels, rule)?;
    let (padded_width, padded_height) = (rule.padded(width), rule.padded(height));
    let columns = mirrored(width, padded_width);
    let rows = mirrored(height, padded_height);
    let plane = padded_width * padded_height;
    let mut values = vec![0.0f32; channels * plane];
    for (y, &source_y) in rows.iter().enumerate() {
        for (x, &source_x) in columns.iter().enumerate() {
            let pixel = &rgba[4 * (source_y * width + source_x)..][..3];
            let target = y * padded_width + x;
            if channels == 3 {
                for channel in 0..3 {
                    values[channel * plane + target] = to_unit(f32::from(pixel[channel]));
                }
            } else {
                values[target] = to_unit(luma(pixel));
            }
        }
    }
    let data = TensorData::new(values, [1, channels, padded_height, padded_width]);
    Ok(Tensor::from_data(data, device))
}

/// Turns the values of a tensor `[1, channels, height', width']` that [`to_tensor`] padded from
/// `width × height` back into RGBA8 pixels of that size, with the alpha of `source`. One channel
/// becomes grey; channels beyond the third are dropped.
pub fn to_rgba(
    values: &[f32],
    channels: usize,
    source: &[u8],
    width: usize,
    height: usize,
    rule: SizeRule,
) -> Vec<u8> {
    let (padded_width, padded_height) = (rule.padded(width), rule.padded(height));
    let (left, top) = ((padded_width - width) / 2, (padded_height - height) / 2);
    let plane = padded_width * padded_height;
    let mut rgba = source.to_vec();
    for y in 0..height {
        for x in 0..width {
            let from = (y + top) * padded_width + x + left;
            let pixel = &mut rgba[4 * (y * width + x)..][..3];
            for (channel, byte) in pixel.iter_mut().enumerate() {
                let channel = if channels < 3 { 0 } else { channel };
                *byte = to_byte(values[channel * plane + from]);
            }
        }
    }
    rgba
}

/// `0..=255` to `-1..=1`.
pub fn to_unit(byte: f32) -> f32 {
    byte / 127.5 - 1.0
}

/// `-1..=1` to the nearest of `0..=255`; values outside are clamped.
pub fn to_byte(unit: f32) -> u8 {
    ((unit + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8
}

/// Rec. 601 luma of an RGB pixel, `0..=255`.
fn luma(rgb: &[u8]) -> f32 {
    0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])
}

fn check(
    rgba: &[u8],
    width: usize,
    height: usize,
    channels: usize,
    rule: SizeRule,
) -> Result<(), PixelsError> {
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
    if !fits {
        return Err(PixelsError::TooLarge { width, height });
    }
    let expected = 4 * width * height;
    if rgba.len() != expected {
        return Err(PixelsError::Length {
            width,
            height,
            expected,
            found: rgba.len(),
        });
    }
    match channels {
        1 | 3 => Ok(()),
        _ => Err(PixelsError::Channels(channels)),
    }
}

/// For each index of a padded line, the index of the line that it shows: the line lies in the
/// middle and is mirrored outwards about its first and last pixel as often as needed.
fn mirrored(length: usize, padded: usize) -> Vec<usize> {
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
    fn a_picture_of_any_size_is_padded_and_cropped_back_unchanged() {
        let rule = SizeRule::multiple_of(16);
        for (width, height) in [(1, 1), (5, 3), (16, 16), (17, 33)] {
            let rgba: Vec<u8> = (0..4 * width * height)
                .map(|index| (index * 37 % 256) as u8)
                .collect();
            let (padded_width, padded_height) = (rule.padded(width), rule.padded(height));
            let mut planes = vec![0.0; 3 * padded_width * padded_height];
            for (y, source_y) in mirrored(height, padded_height).into_iter().enumerate() {
                for (x, source_x) in mirrored(width, padded_width).into_iter().enumerate() {
                    for channel in 0..3 {
                        let at = (channel * padded_height + y) * padded_width + x;
                        let byte = rgba[4 * (source_y * width + source_x) + channel];
                        planes[at] = to_unit(f32::from(byte));
                    }
                }
            }
            assert_eq!(to_rgba(&planes, 3, &rgba, width, height, rule), rgba);
        }
    }

    #[test]
    fn pictures_without_pixels_or_with_too_many_are_refused() {
        let rule = SizeRule::multiple_of(256);
        assert_eq!(
            check(&[], 0, 4, 3, rule),
            Err(PixelsError::Empty {
                width: 0,
                height: 4
            })
        );
        for (width, height) in [(12_000, 12_000), (usize::MAX, 2), (1, usize::MAX)] {
            assert_eq!(
                check(&[], width, height, 3, rule),
                Err(PixelsError::TooLarge { width, height })
            );
        }
    }
}
