//! The pairs that a training learns from, and the part of one that a step sees.

use burn::tensor::{Device, Tensor, TensorData};
use model::training::randomness::{Purpose, stream};
use model::training::{Batch, Jitter, Order};
use model::{Encoding, Manifest, Raster, encoding};

use super::settings::Settings;
use crate::error::{ErrorCode, WebError};

const MAX_PAIRS: usize = 2000;
const MAX_BYTES: usize = 512 << 20;

/// RGBA pixels of both images of each pair, squares of the load size.
#[derive(Debug, Default)]
pub struct Pairs {
    pairs: Vec<[Vec<u8>; 2]>,
    order: Option<Order>,
}

impl Pairs {
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Takes a pair, which must have the load size.
    pub fn add(&mut self, pair: [Vec<u8>; 2], settings: &Settings) -> Result<(), WebError> {
        let side = settings.load_size() as usize;
        let expected = 4 * side * side;
        if let Some(image) = pair.iter().find(|image| image.len() != expected) {
            return Err(refused(format!(
                "An image has {} bytes of pixels; {side}×{side} RGBA pixels have {expected}.",
                image.len()
            )));
        }
        let most = MAX_PAIRS.min(MAX_BYTES / (2 * expected));
        if self.pairs.len() >= most {
            return Err(refused(format!(
                "There are more than {most} pairs, which is as many as a tab can hold at this \
                 size: take fewer, or smaller ones."
            )));
        }
        self.pairs.push(pair);
        self.order = None;
        Ok(())
    }

    /// What the worker of this rank learns from in a step, counted from zero.
    pub fn batch(
        &mut self,
        (step, rank): (u64, usize),
        settings: &Settings,
        manifest: &Manifest,
        device: &Device,
    ) -> Result<Batch, WebError> {
        if self.pairs.is_empty() {
            return Err(refused(
                "There is no pair to learn from: add one.".to_owned(),
            ));
        }
        let order = self
            .order
            .get_or_insert_with(|| Order::new(settings.seed, self.pairs.len()));
        let (load_size, size) = (settings.load_size() as usize, settings.size as usize);
        let free = settings.load_size() - settings.size;
        let share = settings.batch / settings.workers;
        let first = step * settings.batch as u64 + (rank * share) as u64;
        let samples = (first..first + share as u64).map(|sample| {
            let pair = &self.pairs[order.index(sample)];
            let mut rng = stream(settings.seed, Purpose::Jitter, sample);
            let jitter = Jitter::draw((free, free), settings.flip, &mut rng);
            [0, 1].map(|side| cut(&pair[side], load_size, jitter, size))
        });
        let samples: Vec<_> = samples.collect();
        let [real_a, real_b] = tensors(&samples, size, manifest, device)?;
        Ok(Batch {
            real_a,
            real_b,
            mask: None,
        })
    }
}

/// Inputs and targets of some pairs as the networks see them, each of RGBA pixels of a square of `size`.
pub fn tensors(
    pairs: &[[Vec<u8>; 2]],
    size: usize,
    manifest: &Manifest,
    device: &Device,
) -> Result<[Tensor<4>; 2], WebError> {
    let network = &manifest.generator.config;
    let tensor = |side: usize, encoding, channels| -> Result<Tensor<4>, WebError> {
        let (mut values, mut found) = (Vec::new(), channels);
        for pair in pairs {
            let raster = encoded(encoding, &pair[side], size, channels)?;
            found = raster.channels();
            values.extend(raster.into_values());
        }
        let data = TensorData::new(values, [pairs.len(), found, size, size]);
        Ok(Tensor::from_data(data, device))
    };
    Ok([
        tensor(0, manifest.input.encoding, network.in_channels)?,
        tensor(1, manifest.output.encoding, network.out_channels)?,
    ])
}

/// A square of `size` out of one of `side`.
fn cut(rgba: &[u8], side: usize, jitter: Jitter, size: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(4 * size * size);
    let rows = rgba
        .chunks_exact(4 * side)
        .skip(jitter.y as usize)
        .take(size);
    for row in rows {
        let row = &row[4 * jitter.x as usize..][..4 * size];
        match jitter.mirror {
            true => pixels.extend(row.as_chunks::<4>().0.iter().rev().flatten()),
            false => pixels.extend_from_slice(row),
        }
    }
    pixels
}

fn encoded(
    encoding: Encoding,
    rgba: &[u8],
    size: usize,
    channels: usize,
) -> Result<Raster, WebError> {
    let of = |encoding: Encoding, channels| {
        let raster = encoding.from_rgba(rgba, (size, size), channels);
        raster.map_err(|error| WebError::from(model::TranslateError::from(error)))
    };
    match encoding {
        Encoding::Chroma => Ok(encoding::chroma(&of(Encoding::Color, 3)?)),
        _ => of(encoding, channels),
    }
}

fn refused(message: String) -> WebError {
    WebError::new(ErrorCode::Pairs, message)
}
