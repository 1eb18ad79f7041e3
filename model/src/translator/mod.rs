//! A loaded model: RGBA pixels in, RGBA pixels of the same size out. Native programs and the
//! browser go the same way through here.

pub mod image_strips;
mod loaded_generator;

#[cfg(not(target_family = "wasm"))]
use std::path::Path;

use burn::tensor::Device;
use thiserror::Error;

use crate::image::encoding::{self, Encoding};
use crate::image::pixels::{self, PixelsError, SizeRule};
use crate::image::raster::Raster;
#[cfg(not(target_family = "wasm"))]
use crate::image::tiling::{Mosaic, Rect, Strip};
use crate::image::tiling::{TILE_SIDE, TilePlan, TilingError};
#[cfg(feature = "gpu")]
use crate::inference::gpu::{Gpu, GpuError, GpuGenerator};
use crate::model_folder::manifest::{Manifest, ManifestError};
use crate::model_folder::state::StateError;
use crate::model_folder::stored_weights::StoredWeights;
#[cfg(not(target_family = "wasm"))]
use crate::model_folder::weights;
use crate::model_folder::weights_error::WeightsError;
use crate::network::generator::Generator;
use crate::network::mode::Mode;

pub use self::loaded_generator::LoadedGenerator;

/// Largest image, in pixels after padding, that is translated in one piece although tiles would
/// give the same, or pass for it.
pub const WHOLE_PIXELS: usize = 2048 * 2048;

/// Tiles as somebody asks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TileOptions {
    /// Side of a tile in pixels, rounded up to what the network takes; without it, large
    /// images are tiled.
    pub side: Option<usize>,
    /// Pixels that neighbours share, at least; without it, as many as it takes.
    pub overlap: Option<usize>,
}

/// What computes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Engine {
    /// This crate's own code, on the CPU.
    Cpu,
    /// This crate's own shaders.
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
    /// Burn, on one of its devices.
    Burn(Device),
}

/// A generator that is ready to translate.
#[derive(Debug)]
pub struct Translator {
    generator: LoadedGenerator,
    rule: SizeRule,
    radius: Option<usize>,
    in_channels: usize,
    out_channels: usize,
    input: Encoding,
    output: Encoding,
}

/// Why a model cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The manifest is at fault.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The weights file is at fault.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Manifest and weights do not belong together.
    #[error("the weights do not fit the manifest's generator: {0}; export the model again")]
    State(#[from] StateError),
}

/// Why an image cannot be translated.
#[derive(Debug, Error)]
pub enum TranslateError {
    /// The image is at fault.
    #[error(transparent)]
    Pixels(#[from] PixelsError),
    /// The device lacks memory for an image of this size.
    #[error("the picture does not fit: {0}; translate it in tiles")]
    OutOfMemory(String),
    /// The device failed.
    #[error("the device failed while translating: {0}")]
    Device(String),
}

#[cfg(feature = "gpu")]
impl From<GpuError> for TranslateError {
    fn from(error: GpuError) -> Self {
        let cause = error.to_string();
        match error {
            GpuError::OutOfMemory(_) => Self::OutOfMemory(cause),
            GpuError::Failed(_) => Self::Device(cause),
        }
    }
}

impl Translator {
    /// Checks a weights file on disk, reads it and makes it ready for `engine`.
    ///
    /// # Errors
    /// See [`LoadError`]; nothing of a file that fails its checksum is decoded.
    #[cfg(not(target_family = "wasm"))]
    pub fn open(manifest: &Manifest, weights: &Path, engine: &Engine) -> Result<Self, LoadError> {
        let weights = weights::open_file(weights, manifest.weights_file()?)?;
        Self::new(manifest, weights, engine)
    }

    /// As [`Self::open`], with weights that have been checked.
    ///
    /// # Errors
    /// The weights do not fit the manifest's generator, or cannot be expanded.
    pub fn new(
        manifest: &Manifest,
        weights: impl Into<StoredWeights>,
        engine: &Engine,
    ) -> Result<Self, LoadError> {
        let (config, stats) = (&manifest.generator.config, manifest.generator.norm_stats);
        let generator = LoadedGenerator::new(config, stats, weights, engine)?;
        Ok(Self::with(manifest, generator))
    }

    /// Of a network as it is, on a device of burn's.
    pub fn of_network(manifest: &Manifest, network: Generator, device: &Device) -> Self {
        let generator = LoadedGenerator::Burn {
            generator: Box::new(network),
            mode: Mode::Inference(manifest.generator.norm_stats),
            device: device.clone(),
        };
        Self::with(manifest, generator)
    }

    fn with(manifest: &Manifest, generator: LoadedGenerator) -> Self {
        let (config, stats) = (&manifest.generator.config, manifest.generator.norm_stats);
        Self {
            generator,
            rule: manifest.size_rule(),
            radius: config
                .is_local(stats)
                .then(|| config.plan().receptive_radius()),
            in_channels: config.in_channels,
            out_channels: config.out_channels,
            input: manifest.input.encoding,
            output: manifest.output.encoding,
        }
    }

    /// What the generator's input means, and its number of channels.
    pub fn input(&self) -> (Encoding, usize) {
        (self.input, self.in_channels)
    }

    /// What the generator's output means, and its number of channels.
    pub fn output(&self) -> (Encoding, usize) {
        (self.output, self.out_channels)
    }

    /// What works on a graphics device of its own.
    #[cfg(feature = "gpu")]
    pub fn on_device(&self) -> Option<&GpuGenerator> {
        match &self.generator {
            LoadedGenerator::Gpu(generator) => Some(generator.as_ref()),
            _ => None,
        }
    }

    /// Which heights and widths the network takes; others are padded.
    pub fn size_rule(&self) -> SizeRule {
        self.rule
    }

    /// Translates RGBA8 pixels of any size; the result has the same size and alpha, unless the
    /// model makes an alpha of its own. Depth comes as grey.
    ///
    /// # Errors
    /// Images that are empty, too large, or lack channels, and failures of the device.
    #[cfg(not(target_family = "wasm"))]
    pub fn translate(
        &self,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>, TranslateError> {
        let real_a = self.encode(rgba, width, height)?;
        let fake_b = self.translate_raster(&real_a)?;
        Ok(self.show(&fake_b, &real_a, rgba))
    }

    /// As `translate`, for targets that must not block, such as a browser. `progress` hears how many
    /// parts of the work are done, and of how many, where a device takes it in several.
    ///
    /// # Errors
    /// As `translate`.
    pub async fn translate_async(
        &self,
        rgba: &[u8],
        (width, height): (usize, usize),
        progress: &dyn Fn(usize, usize),
    ) -> Result<Vec<u8>, TranslateError> {
        #[cfg(feature = "gpu")]
        if let Some(answer) = self.on_gpu(rgba, (width, height), progress).await? {
            return Ok(answer);
        }
        let real_a = self.encode(rgba, width, height)?;
        let (values, shape) = self.padded(&real_a)?;
        let fake_b = self.generator.run_async(&values, shape, progress).await?;
        let fake_b = self.cropped(&fake_b, &real_a)?;
        Ok(self.show(&fake_b, &real_a, rgba))
    }

    /// Translates an input in the model's encoding into an output in the model's encoding, of
    /// the same size and without rounding.
    ///
    /// # Errors
    /// As `translate`.
    #[cfg(not(target_family = "wasm"))]
    pub fn translate_raster(&self, real_a: &Raster) -> Result<Raster, TranslateError> {
        let (values, shape) = self.padded(real_a)?;
        let fake_b = self.generator.run(&values, shape)?;
        self.cropped(&fake_b, real_a)
    }

    /// Runs the network on a batch of numbers as they are: `real_a` holds a tensor `[batch,
    /// channels, height, width]` in row-major order, in the model's encoding. Nothing is padded.
    /// The answer is a tensor of the same batch, height and width with the model's output
    /// channels.
    ///
    /// # Errors
    /// Shapes that do not fit the model or the values, and failures of the device.
    pub async fn forward_async(
        &self,
        real_a: Vec<f32>,
        shape: [usize; 4],
    ) -> Result<Vec<f32>, TranslateError> {
        pixels::check_tensor(real_a.len(), shape, self.in_channels, self.rule)?;
        self.generator.run_async(&real_a, shape, &|_, _| ()).await
    }

    /// How far the generator looks, in pixels; `None` where every output pixel depends on the
    /// statistics of the whole image.
    pub fn receptive_radius(&self) -> Option<usize> {
        self.radius
    }

    /// The tiles of an image of `size`, width and height: as many as `options` ask for;
    /// otherwise one, unless the image is too large for that.
    ///
    /// # Errors
    /// [`TilingError`].
    pub fn plan(
        &self,
        size: (usize, usize),
        options: TileOptions,
    ) -> Result<TilePlan, TilingError> {
        let pixels = self
            .rule
            .padded(size.0)
            .saturating_mul(self.rule.padded(size.1));
        let tiled = |side| TilePlan::new(size, self.rule, self.radius, side, options.overlap);
        if let Some(side) = options.side {
            return tiled(side);
        }
        if pixels > WHOLE_PIXELS {
            let plan = tiled(TILE_SIDE)?;
            // Tiles that give another result than the whole are for want of memory alone.
            if plan.is_exact() || pixels > pixels::MAX_PIXELS {
                return Ok(plan);
            }
        }
        TilePlan::whole(size, self.rule)
    }

    /// Translates an image tile by tile. `read` gives the part of the input, in the model's
    /// encoding, that a tile shows; `write` takes the rows of the output as they are finished,
    /// from top to bottom. The whole of neither is ever held.
    ///
    /// # Errors
    /// As `translate`.
    #[cfg(not(target_family = "wasm"))]
    pub fn translate_tiles(
        &self,
        plan: &TilePlan,
        mut read: impl FnMut(Rect) -> Raster,
        mut write: impl FnMut(Strip),
    ) -> Result<(), TranslateError> {
        let mut mosaic = Mosaic::new(plan, self.out_channels);
        for tile in plan.tiles() {
            let real_a = plan.input(tile, &read(plan.source(tile)));
            let fake_b = self.translate_raster(&real_a)?;
            if let Some(strip) = mosaic.add(tile, &fake_b) {
                write(strip);
            }
        }
        Ok(())
    }

    /// Pixels that a device takes and gives as they are.
    #[cfg(feature = "gpu")]
    async fn on_gpu(
        &self,
        rgba: &[u8],
        (width, height): (usize, usize),
        progress: &dyn Fn(usize, usize),
    ) -> Result<Option<Vec<u8>>, TranslateError> {
        pixels::check_rgba(rgba, width, height, self.rule)?;
        let is_plain = |encoding| matches!(encoding, Encoding::Color | Encoding::Depth { .. });
        match &self.generator {
            LoadedGenerator::Gpu(generator) if is_plain(self.input) && is_plain(self.output) => {
                let padded = [height, width].map(|side| self.rule.padded(side));
                let size = (width, height);
                Ok(generator.translate(rgba, size, padded, progress).await?)
            }
            _ => Ok(None),
        }
    }

    fn encode(&self, rgba: &[u8], width: usize, height: usize) -> Result<Raster, PixelsError> {
        pixels::check_rgba(rgba, width, height, self.rule)?;
        let size = (width, height);
        self.input.from_rgba(rgba, size, self.in_channels)
    }

    pub(crate) fn show(&self, fake_b: &Raster, real_a: &Raster, rgba: &[u8]) -> Vec<u8> {
        encoding::to_rgba(&self.output.shown(fake_b, real_a), rgba)
    }

    fn padded(&self, real_a: &Raster) -> Result<(Vec<f32>, [usize; 4]), PixelsError> {
        let (expected, found) = (self.in_channels, real_a.channels());
        pixels::check_size(real_a.width(), real_a.height(), self.rule)?;
        match expected == found {
            true => pixels::padded(real_a, self.rule),
            false => Err(PixelsError::Bands { expected, found }),
        }
    }

    fn cropped(&self, values: &[f32], real_a: &Raster) -> Result<Raster, TranslateError> {
        let (width, height) = (real_a.width(), real_a.height());
        let fake_b = pixels::cropped(values, width, height, self.rule);
        match fake_b.channels() == self.out_channels {
            true => Ok(fake_b),
            false => Err(TranslateError::Device(
                "too few pixels came back".to_string(),
            )),
        }
    }
}
