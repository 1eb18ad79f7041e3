//! An image that several workers share: the way from its pixels to each worker's rows of the
//! network's input, and back.

use std::ops::Range;

use crate::image::pixels::{PixelsError, check_rgba, cropped_from, mirrored, padded_to};
use crate::inference::cpu::{CpuGenerator, Exchange, Strips};
use crate::translator::{LoadedGenerator, TranslateError, Translator};

/// An image of fewer pixels is done before it is handed out.
const LEAST_SHARED_PIXELS: usize = 256 * 256;
/// Bytes of weights that nobody misses.
const MOST_COPIES: usize = 64 << 20;
/// What a wide network's feature maps take.
const BYTES_FOR_EACH_PIXEL: usize = 256;

/// Which rows of an image each worker has, and what it does with them.
#[derive(Clone, Debug)]
pub struct ImageStrips<'a> {
    translator: &'a Translator,
    strips: Strips<'a>,
    width: usize,
    height: usize,
    /// Of the network's input.
    padded_width: usize,
    /// For each row of the network's input, the row of the image that it shows.
    rows: Vec<usize>,
    /// Rows of the network's input above the image.
    top: usize,
}

impl Translator {
    /// How many workers, at most `most`, are to share an image of `size`, width and height, that
    /// is translated in one piece: 1 for small ones, and where copies of the weights would take
    /// more memory than the image does.
    pub fn sharers(&self, (width, height): (usize, usize), most: usize) -> usize {
        let LoadedGenerator::Cpu(generator) = &self.generator else {
            return 1;
        };
        let pixels = width.saturating_mul(height);
        let is_worth_it = |workers: &usize| {
            let copies = (workers - 1) * generator.weights_bytes();
            pixels >= LEAST_SHARED_PIXELS
                && copies <= MOST_COPIES.max(pixels * BYTES_FOR_EACH_PIXEL)
                && self.strips((width, height), *workers).is_some()
        };
        (2..=most).rev().find(is_worth_it).unwrap_or(1)
    }

    /// How `workers` share an image of `size`, width and height, that is translated in one piece;
    /// `None` where they cannot.
    pub fn strips(&self, size: (usize, usize), workers: usize) -> Option<ImageStrips<'_>> {
        match &self.generator {
            LoadedGenerator::Cpu(generator) => ImageStrips::new(self, generator, size, workers),
            _ => None,
        }
    }
}

impl<'a> ImageStrips<'a> {
    fn new(
        translator: &'a Translator,
        generator: &'a CpuGenerator,
        (width, height): (usize, usize),
        workers: usize,
    ) -> Option<Self> {
        let [padded_height, padded_width] =
            [height, width].map(|side| translator.size_rule().padded(side));
        let strips = generator.strips([padded_height, padded_width], workers)?;
        Some(Self {
            translator,
            strips,
            width,
            height,
            padded_width,
            rows: mirrored(height, padded_height),
            top: (padded_height - height) / 2,
        })
    }

    /// How many workers share the image.
    pub fn workers(&self) -> usize {
        self.strips.workers()
    }

    /// Refuses pixels that are not those of an image of the size.
    ///
    /// # Errors
    /// [`PixelsError`].
    pub fn check(&self, rgba: &[u8]) -> Result<(), PixelsError> {
        check_rgba(rgba, self.width, self.height, self.translator.size_rule())
    }

    /// The pixels that a worker needs of `rgba`, the image's, which [`Self::check`] has passed:
    /// its rows, of which those outside of the image mirror others.
    pub fn cut(&self, rgba: &[u8], worker: usize) -> Vec<u8> {
        let length = 4 * self.width;
        let rows = &self.rows[self.strips.rows(worker)];
        let mut part = Vec::with_capacity(rows.len() * length);
        for row in rows {
            part.extend_from_slice(&rgba[row * length..][..length]);
        }
        part
    }

    /// Puts a worker's pixels, as [`Self::translate`] gives them, where they belong in `rgba`.
    pub fn put(&self, part: &[u8], worker: usize, rgba: &mut [u8]) {
        let length = 4 * self.width;
        let Range { start, end } = self.strips.rows(worker);
        for row in start.max(self.top)..end.min(self.top + self.height) {
            let from = &part[(row - start) * length..][..length];
            rgba[(row - self.top) * length..][..length].copy_from_slice(from);
        }
    }

    /// A worker's part of a translation: from the pixels that [`Self::cut`] gives to those of the
    /// result. `exchange` is that of [`Strips::forward`].
    ///
    /// # Errors
    /// Images that lack channels, pixels that are not those of the part, and errors of
    /// `exchange`.
    pub async fn translate<E: From<TranslateError>>(
        &self,
        worker: usize,
        rgba: &[u8],
        exchange: impl AsyncFn(Exchange) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<u8>, E> {
        let height = self.strips.rows(worker).len();
        let (size, padded) = ((self.width, height), [height, self.padded_width]);
        check_rgba(rgba, size.0, size.1, self.translator.size_rule())
            .map_err(TranslateError::from)?;
        let (encoding, channels) = self.translator.input();
        let real_a = encoding.from_rgba(rgba, size, channels);
        let real_a = real_a.map_err(TranslateError::from)?;
        let values = padded_to(&real_a, padded);
        let fake_b = self.strips.forward(worker, &values, exchange).await?;
        let fake_b = cropped_from(&fake_b, padded, size);
        Ok(self.translator.show(&fake_b, &real_a, rgba))
    }
}
