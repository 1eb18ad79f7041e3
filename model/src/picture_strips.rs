//! A picture that several workers share: the way from its pixels to each worker's rows of the
//! network's input, and back.

use std::ops::Range;

use crate::inference::{CpuGenerator, Exchange, Strips};
use crate::pixels::{PixelsError, check_rgba, cropped_from, mirrored, padded_to};
use crate::translator::{TranslateError, Translator};

/// Which rows of a picture each worker has, and what it does with them.
#[derive(Clone, Debug)]
pub struct PictureStrips<'a> {
    translator: &'a Translator,
    strips: Strips<'a>,
    width: usize,
    height: usize,
    /// Of the network's input.
    padded_width: usize,
    /// For each row of the network's input, the row of the picture that it shows.
    rows: Vec<usize>,
    /// Rows of the network's input above the picture.
    top: usize,
}

impl<'a> PictureStrips<'a> {
    pub(crate) fn new(
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

    /// How many workers share the picture.
    pub fn workers(&self) -> usize {
        self.strips.workers()
    }

    /// Refuses pixels that are not those of a picture of the size.
    ///
    /// # Errors
    /// [`PixelsError`].
    pub fn check(&self, rgba: &[u8]) -> Result<(), PixelsError> {
        check_rgba(rgba, self.width, self.height, self.translator.size_rule())
    }

    /// The pixels that a worker needs of `rgba`, the picture's, which [`Self::check`] has passed:
    /// its rows, of which those outside of the picture mirror others.
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
    /// Pictures that lack channels, pixels that are not those of the part, and errors of
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
