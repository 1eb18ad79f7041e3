//! A loaded model: RGBA pixels in, RGBA pixels of the same size out. Native programs and the
//! browser go the same way through here.

use burn::tensor::{Device, Tensor, TensorData};
use thiserror::Error;

use crate::blocks::Mode;
use crate::generator::Generator;
use crate::manifest::{Manifest, ManifestError};
use crate::pixels::{self, PixelsError, SizeRule};
use crate::state::{StateError, load_state};
use crate::weights::{self, WeightsError};

/// A generator on a device, ready to translate.
#[derive(Debug)]
pub struct Translator {
    generator: Generator,
    mode: Mode,
    rule: SizeRule,
    in_channels: usize,
    out_channels: usize,
    device: Device,
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

/// Why a picture cannot be translated.
#[derive(Debug, Error)]
pub enum TranslateError {
    /// The picture is at fault.
    #[error(transparent)]
    Pixels(#[from] PixelsError),
    /// The device failed.
    #[error("the device failed while translating: {0}")]
    Device(String),
}

impl Translator {
    /// Checks, decodes and loads the weights onto `device`.
    ///
    /// # Errors
    /// See [`LoadError`]; nothing of a file that fails its checksum is decoded.
    pub fn load(manifest: &Manifest, bytes: &[u8], device: &Device) -> Result<Self, LoadError> {
        weights::verify(bytes, manifest.weights_file()?)?;
        let state = weights::decode(bytes)?;
        let generator = load_state(manifest.generator.config.init(device), state)?;
        Ok(Self::new(manifest, generator, device))
    }

    /// Wraps a generator that is at hand already and lives on `device`.
    pub fn new(manifest: &Manifest, generator: Generator, device: &Device) -> Self {
        let config = &manifest.generator.config;
        Self {
            generator,
            mode: Mode::Inference(manifest.generator.norm_stats),
            rule: manifest.size_rule(),
            in_channels: config.in_channels,
            out_channels: config.out_channels,
            device: device.clone(),
        }
    }

    /// Translates RGBA8 pixels of any size; the result has the same size and alpha.
    ///
    /// # Errors
    /// Pictures that [`pixels::to_tensor`] refuses, and failures of the device.
    #[cfg(not(target_family = "wasm"))]
    pub fn translate(
        &self,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>, TranslateError> {
        let data = self.forward(rgba, width, height)?.try_into_data();
        self.finish(data, rgba, width, height)
    }

    /// As `translate`, for targets that must not block, such as a browser.
    ///
    /// # Errors
    /// As `translate`.
    pub async fn translate_async(
        &self,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>, TranslateError> {
        let data = self.forward(rgba, width, height)?.into_data_async().await;
        self.finish(data, rgba, width, height)
    }

    fn forward(
        &self,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Tensor<4>, TranslateError> {
        let channels = self.in_channels;
        let real_a = pixels::to_tensor(rgba, width, height, channels, self.rule, &self.device)?;
        Ok(self.generator.forward(real_a, self.mode))
    }

    fn finish<E: core::fmt::Debug>(
        &self,
        data: Result<TensorData, E>,
        rgba: &[u8],
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>, TranslateError> {
        let values = data
            .map_err(|error| TranslateError::Device(format!("{error:?}")))?
            .try_to_vec::<f32>()
            .map_err(|error| TranslateError::Device(format!("{error:?}")))?;
        let channels = self.out_channels;
        Ok(pixels::to_rgba(
            &values, channels, rgba, width, height, self.rule,
        ))
    }
}
