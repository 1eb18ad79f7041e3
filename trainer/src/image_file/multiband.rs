//! TIFF files of several grey bands, which image libraries do not know as images: reading
//! and writing through the `tiff` crate.

use std::io::{Read, Seek, Write};
use std::num::NonZeroUsize;

use image::{DynamicImage, ImageBuffer, Luma};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::ExtraSamples;
use tiff::{ColorType, TiffError};

/// Why a file of bands cannot be used.
pub(super) type Reason = String;

/// Size and depth of a file of several bands.
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bands: u16,
    pub(super) bits: u8,
}

/// A TIFF file of several grey bands.
pub(super) struct Multiband<R: Read + Seek> {
    decoder: Decoder<R>,
    pub(super) layout: Layout,
}

impl<R: Read + Seek> Multiband<R> {
    /// `None` for every file that is not a TIFF of several grey bands.
    pub(super) fn open(file: R, max_bytes: u64) -> Option<Self> {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let mut limits = Limits::default();
        limits.decoding_buffer_size = max_bytes;
        limits.intermediate_buffer_size = max_bytes;
        let mut decoder = Decoder::new(file).ok()?.with_limits(limits);
        let (width, height) = decoder.dimensions().ok()?;
        match decoder.colortype().ok()? {
            ColorType::Multiband {
                bit_depth: bits,
                num_samples: bands,
            } => Some(Self {
                decoder,
                layout: Layout {
                    width,
                    height,
                    bands,
                    bits,
                },
            }),
            _ => None,
        }
    }

    /// Every band as a grey image.
    pub(super) fn read(mut self) -> Result<Vec<DynamicImage>, Reason> {
        let mut samples = DecodingResult::U8(Vec::new());
        let order = self
            .decoder
            .read_image_to_buffer(&mut samples)
            .map_err(reason)?;
        if samples.as_buffer(0).byte_len() < order.complete_len {
            return Err("its planes do not fit into memory".to_string());
        }
        let planar = order.planes > 1;
        match samples {
            DecodingResult::U8(samples) => {
                let pad = order.plane_stride.filter(|_| planar).map(NonZeroUsize::get);
                self.split(&samples, pad, DynamicImage::ImageLuma8)
            }
            DecodingResult::U16(samples) => {
                let pad = order.plane_stride.filter(|_| planar);
                self.split(&samples, pad.map(|bytes| bytes.get() / 2), |band| {
                    DynamicImage::ImageLuma16(band)
                })
            }
            _ => Err("its bands are not whole numbers of 8 or 16 bit".to_string()),
        }
    }

    /// Bands out of samples that lie pixel by pixel, or plane by plane every `plane` samples.
    fn split<S: image::Primitive>(
        &self,
        samples: &[S],
        plane: Option<usize>,
        image: fn(ImageBuffer<Luma<S>, Vec<S>>) -> DynamicImage,
    ) -> Result<Vec<DynamicImage>, Reason>
    where
        Luma<S>: image::Pixel<Subpixel = S>,
    {
        let Layout {
            width,
            height,
            bands,
            ..
        } = self.layout;
        let pixels = width as usize * height as usize;
        (0..usize::from(bands))
            .map(|band| {
                let values: Vec<S> = match plane {
                    Some(stride) => samples
                        .iter()
                        .skip(band * stride)
                        .take(pixels)
                        .copied()
                        .collect(),
                    None => samples
                        .iter()
                        .skip(band)
                        .step_by(usize::from(bands))
                        .copied()
                        .collect(),
                };
                let buffer = ImageBuffer::from_raw(width, height, values);
                buffer
                    .map(image)
                    .ok_or("it ends before the image does".to_string())
            })
            .collect()
    }
}

/// Writes bands of 16 bit each, grey and as many extra samples as it takes.
pub(super) fn write(
    file: impl Write + Seek,
    (width, height): (u32, u32),
    interleaved: &[u16],
) -> Result<(), Reason> {
    let pixels = (width as usize * height as usize).max(1);
    let extra = (interleaved.len() / pixels).saturating_sub(1);
    let mut encoder = TiffEncoder::new(file).map_err(reason)?;
    let mut image = encoder
        .new_image::<colortype::Gray16>(width, height)
        .map_err(reason)?;
    image
        .extra_samples(&vec![ExtraSamples::Unspecified; extra])
        .map_err(reason)?;
    image.write_data(interleaved).map_err(reason)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn reason(error: TiffError) -> Reason {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use tiff::tags::Tag;

    const SIZE: (u32, u32) = (7, 5);
    const BANDS: usize = 3;

    fn samples() -> Vec<u16> {
        (0..7 * 5 * BANDS as u16).map(|index| index * 601).collect()
    }

    fn written() -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        write(&mut file, SIZE, &samples()).expect("a TIFF");
        file.into_inner()
    }

    /// The same samples with each band as a plane of its own, as maps often have them.
    fn planar() -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).expect("a TIFF");
        let mut directory = encoder.image_directory().expect("a TIFF");
        let plane = |band| samples().into_iter().skip(band).step_by(BANDS).collect();
        let offsets: Vec<u32> = (0..BANDS)
            .map(|band| {
                let plane: Vec<u16> = plane(band);
                directory.write_data(&plane[..]).expect("a plane") as u32
            })
            .collect();
        let length = SIZE.0 * SIZE.1 * 2;
        let mut tag = |tag, value: &[u32]| directory.write_tag(tag, value).expect("a tag");
        tag(Tag::ImageWidth, &[SIZE.0]);
        tag(Tag::ImageLength, &[SIZE.1]);
        tag(Tag::RowsPerStrip, &[SIZE.1]);
        tag(Tag::StripOffsets, &offsets);
        tag(Tag::StripByteCounts, &[length; BANDS]);
        let mut short = |tag, value: &[u16]| directory.write_tag(tag, value).expect("a tag");
        short(Tag::BitsPerSample, &[16; BANDS]);
        short(Tag::SampleFormat, &[1; BANDS]);
        short(Tag::Compression, &[1]);
        short(Tag::PhotometricInterpretation, &[1]);
        short(Tag::SamplesPerPixel, &[BANDS as u16]);
        short(Tag::PlanarConfiguration, &[2]);
        short(Tag::ExtraSamples, &[0; BANDS - 1]);
        directory.finish().expect("a TIFF");
        file.into_inner()
    }

    fn read(file: &[u8]) -> Option<Result<Vec<DynamicImage>, Reason>> {
        Some(Multiband::open(Cursor::new(file), 1 << 20)?.read())
    }

    #[test]
    fn bands_are_read_pixel_by_pixel_and_plane_by_plane() {
        for file in [written(), planar()] {
            let bands = read(&file).expect("bands").expect("samples");
            assert_eq!(bands.len(), BANDS);
            for (band, image) in bands.into_iter().enumerate() {
                let expected: Vec<u16> = samples().into_iter().skip(band).step_by(BANDS).collect();
                assert_eq!(image.into_luma16().into_raw(), expected, "band {band}");
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        for file in [written(), planar()] {
            for length in 0..file.len() {
                let cut = read(&file[..length]);
                assert!(!matches!(cut, Some(Ok(_))), "{length} of {}", file.len());
            }
        }
    }

    #[test]
    fn more_bytes_than_allowed_are_refused() {
        let file = written();
        let opened = Multiband::open(Cursor::new(&file[..]), 100).expect("bands");
        assert!(opened.read().is_err());
    }
}
