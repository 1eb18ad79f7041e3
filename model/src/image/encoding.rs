//! What the numbers of a raster stand for: colours, depths, or parts of CIELAB. The way from
//! RGBA pixels to a generator's input and from its output to an image for people.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::image::lab;
use crate::image::pixels::{PixelsError, to_byte, to_unit};
use crate::image::raster::Raster;

/// L of CIELAB per unit, for `L / 50 - 1`.
const LIGHTNESS_SCALE: f32 = 50.0;
/// a and b of CIELAB per unit.
const CHROMA_SCALE: f32 = 110.0;

/// What each byte stands for.
static UNITS: [f32; 256] = {
    let mut units = [0.0; 256];
    let mut byte = 0;
    while byte < units.len() {
        units[byte] = to_unit(byte as f32);
        byte += 1;
    }
    units
};

/// What a raster's channels mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Samples of 8 or 16 bit, black at -1 and white at 1: one channel is grey, three are RGB,
    /// four are RGBA, and other numbers are bands as the file has them.
    #[default]
    Color,
    /// Distances: 0 is at -1, `max` and everything beyond at 1. In files, 16-bit numbers where 0
    /// says that nothing was measured.
    Depth {
        /// The largest distance, in the unit of the files.
        max: u16,
    },
    /// L of CIELAB (D65): `L / 50 - 1`.
    Lightness,
    /// a and b of CIELAB (D65), each divided by 110; an image joins them with the lightness of
    /// the input.
    Chroma,
}

impl Encoding {
    /// Whether this is what manifests leave out.
    pub fn is_color(&self) -> bool {
        *self == Self::Color
    }

    /// How many channels this encoding has, unless it takes any number.
    pub fn channels(self) -> Option<usize> {
        match self {
            Self::Color => None,
            Self::Depth { .. } | Self::Lightness => Some(1),
            Self::Chroma => Some(2),
        }
    }

    /// A generator's input of `channels` channels from RGBA8 pixels. Depth is read off a grey
    /// image whose white is the largest distance, as [`Self::shown`] draws it.
    ///
    /// # Errors
    /// RGBA pixels make 1, 3 or 4 channels of colour, and no chroma.
    pub fn from_rgba(
        self,
        rgba: &[u8],
        (width, height): (usize, usize),
        channels: usize,
    ) -> Result<Raster, PixelsError> {
        let planes = |count: usize| {
            let pixels = rgba.as_chunks::<4>().0;
            let mut values = Vec::with_capacity(count * pixels.len());
            for channel in 0..count {
                let bytes = pixels.iter().map(|pixel| pixel[channel]);
                values.extend(bytes.map(|byte| UNITS[usize::from(byte)]));
            }
            Raster::from_planes(width, height, values)
        };
        match (self, channels) {
            (Self::Color, 3 | 4) => Ok(planes(channels)),
            (Self::Color | Self::Depth { .. }, 1) => Ok(planes(3).to_grey()),
            (Self::Lightness, 1) => Ok(lightness(&planes(3))),
            _ => Err(PixelsError::Channels(channels)),
        }
    }

    /// A raster as an image for people, samples in `[-1, 1]`: depth and lightness as grey,
    /// chroma as RGB with the lightness of `input`, the generator's input; colours as they are.
    pub fn shown<'a>(self, raster: &'a Raster, input: &Raster) -> Cow<'a, Raster> {
        match self {
            Self::Color | Self::Depth { .. } => Cow::Borrowed(raster),
            Self::Lightness => {
                let neutral = vec![0.0; 2 * raster.pixels()];
                let neutral = Raster::from_planes(raster.width(), raster.height(), neutral);
                Cow::Owned(composed(raster, &neutral).select(&[0]))
            }
            Self::Chroma => Cow::Owned(composed(input, raster)),
        }
    }
}

/// L of an RGB raster, encoded.
pub fn lightness(rgb: &Raster) -> Raster {
    let values = lab_pixels(rgb).map(|[l, ..]| l / LIGHTNESS_SCALE - 1.0);
    Raster::from_planes(rgb.width(), rgb.height(), values.collect())
}

/// a and b of an RGB raster, encoded.
pub fn chroma(rgb: &Raster) -> Raster {
    let (a, b): (Vec<f32>, Vec<f32>) = lab_pixels(rgb)
        .map(|[_, a, b]| (a / CHROMA_SCALE, b / CHROMA_SCALE))
        .unzip();
    Raster::from_planes(rgb.width(), rgb.height(), [a, b].concat())
}

/// RGBA8 pixels of an image as [`Encoding::shown`] gives it. Fewer than three channels are grey;
/// a fourth of four is alpha, otherwise `source`, pixels of the same size, lends its own.
pub fn to_rgba(shown: &Raster, source: &[u8]) -> Vec<u8> {
    let mut rgba = source.to_vec();
    let planes: &[usize] = match shown.channels() {
        0 => &[],
        1 | 2 => &[0, 0, 0],
        4 => &[0, 1, 2, 3],
        _ => &[0, 1, 2],
    };
    for (channel, &plane) in planes.iter().enumerate() {
        let pixels = rgba.as_chunks_mut::<4>().0.iter_mut();
        for (pixel, &value) in pixels.zip(shown.plane(plane)) {
            pixel[channel] = to_byte(value);
        }
    }
    rgba
}

fn lab_pixels(rgb: &Raster) -> impl Iterator<Item = [f32; 3]> {
    let (red, green, blue) = (rgb.plane(0), rgb.plane(1), rgb.plane(2));
    let pixels = red.iter().zip(green).zip(blue);
    pixels.map(|((&r, &g), &b)| lab::from_srgb([r, g, b].map(|value| (value + 1.0) / 2.0)))
}

fn composed(lightness: &Raster, chroma: &Raster) -> Raster {
    let (width, height) = (chroma.width(), chroma.height());
    let mut planes = [const { Vec::new() }; 3];
    let ab = chroma.plane(0).iter().zip(chroma.plane(1));
    for (l, (a, b)) in lightness.plane(0).iter().zip(ab) {
        let lab = [
            (l + 1.0) * LIGHTNESS_SCALE,
            a * CHROMA_SCALE,
            b * CHROMA_SCALE,
        ];
        for (plane, value) in planes.iter_mut().zip(lab::to_srgb(lab)) {
            plane.push(value * 2.0 - 1.0);
        }
    }
    Raster::from_planes(width, height, planes.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels() -> Vec<u8> {
        (0..4 * 6 * 5)
            .map(|index| (index * 37 % 256) as u8)
            .collect()
    }

    #[test]
    fn lightness_and_chroma_together_are_the_image() {
        let rgb = Encoding::Color
            .from_rgba(&pixels(), (6, 5), 3)
            .expect("RGB");
        let input = Encoding::Lightness
            .from_rgba(&pixels(), (6, 5), 1)
            .expect("L");
        let chroma = chroma(&rgb);
        let shown = Encoding::Chroma.shown(&chroma, &input);
        assert_eq!(to_rgba(&shown, &pixels()), pixels());
    }

    #[test]
    fn lightness_alone_is_a_grey_of_that_lightness() {
        let grey: Vec<u8> = [0u8, 90, 200, 255]
            .iter()
            .flat_map(|&v| [v, v, v, 7])
            .collect();
        let input = Encoding::Lightness.from_rgba(&grey, (2, 2), 1).expect("L");
        assert_eq!(
            to_rgba(&Encoding::Lightness.shown(&input, &input), &grey),
            grey
        );
    }

    #[test]
    fn rgba_survives_the_way_through_four_channels() {
        let raster = Encoding::Color
            .from_rgba(&pixels(), (6, 5), 4)
            .expect("RGBA");
        assert_eq!(to_rgba(&raster, &[0; 120]), pixels());
    }

    #[test]
    fn bands_that_an_image_does_not_have_are_refused() {
        for (encoding, channels) in [(Encoding::Color, 5), (Encoding::Chroma, 2)] {
            let refused = encoding.from_rgba(&pixels(), (6, 5), channels);
            assert_eq!(refused, Err(PixelsError::Channels(channels)));
        }
    }
}
