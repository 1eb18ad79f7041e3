//! What the page calls: a manifest to check, and one loaded model on one device. Pictures in
//! tiles are in `tiles.rs`.

use js_sys::Function;
#[cfg(feature = "webgpu")]
use model::TranslateError;
use model::{Manifest, Translator};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Blob;

use crate::backend::{self, Backend};
use crate::error::WebError;
use crate::weights;

/// Validates a manifest and returns it as normalised JSON.
#[wasm_bindgen]
pub fn parse_manifest(json: &str) -> Result<String, WebError> {
    let manifest = Manifest::parse(json)?;
    serde_json::to_string(&manifest).map_err(WebError::internal)
}

/// A model that is ready to translate pictures.
#[wasm_bindgen]
pub struct Session {
    pub(crate) translator: Translator,
    pub(crate) backend: Backend,
}

#[wasm_bindgen]
impl Session {
    /// Loads a model, in a worker; `backend` is `webgpu` or `cpu`. `tune` says how a graphics device's
    /// kernels are chosen: `on` measures them, `off` takes the usual ones, a name that one, and `software`
    /// suits a processor that plays the device. `choices`
    /// are those of an earlier visit, or empty.
    pub async fn create(
        manifest_json: String,
        weights: Blob,
        #[wasm_bindgen(unchecked_param_type = "'webgpu' | 'cpu'")] backend: String,
        tune: String,
        choices: String,
    ) -> Result<Session, WebError> {
        let manifest = Manifest::parse(&manifest_json)?;
        let (backend, engine) = backend::open(&backend, &tune).await?;
        let weights = weights::open(weights, &manifest).await?;
        let load = || Translator::new(&manifest, weights, &engine);
        let translator = match &engine {
            #[cfg(feature = "webgpu")]
            model::Engine::Gpu(gpu) => gpu.checked(load).await.map_err(TranslateError::from)??,
            _ => load()?,
        };
        #[cfg(feature = "webgpu")]
        if let Some(generator) = translator.on_device() {
            generator.recall(&choices);
        }
        #[cfg(not(feature = "webgpu"))]
        drop(choices);
        Ok(Session {
            translator,
            backend,
        })
    }

    /// The kernels that were measured to be the fastest, for a later visit; empty on a CPU.
    #[wasm_bindgen(getter)]
    pub fn choices(&self) -> String {
        #[cfg(feature = "webgpu")]
        if let Some(generator) = self.translator.on_device() {
            return generator.choices();
        }
        String::new()
    }

    /// Each layer of the last image and its kernel, two words a line; empty on a CPU.
    #[wasm_bindgen(getter)]
    pub fn kernels(&self) -> String {
        #[cfg(feature = "webgpu")]
        if let Some(generator) = self.translator.on_device() {
            let kernels = generator.kernels().into_iter();
            let lines = kernels.map(|(layer, kernel)| format!("{layer} {kernel}"));
            return lines.collect::<Vec<_>>().join("\n");
        }
        String::new()
    }

    /// Where the model runs: `webgpu` or `cpu`.
    #[wasm_bindgen(getter)]
    pub fn backend(&self) -> String {
        self.backend.as_str().to_owned()
    }

    /// Translates an RGBA picture into one of the same size. `progress(done, total)` hears of parts
    /// of the work, where a device takes it in several.
    pub async fn run(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        progress: Function,
    ) -> Result<Vec<u8>, WebError> {
        backend::still_there(self.backend)?;
        let size = (width as usize, height as usize);
        let tell = |done: usize, total: usize| {
            // Whether anybody listens is the page's business.
            let _ = progress.call2(&JsValue::NULL, &done.into(), &total.into());
        };
        let translated = self.translator.translate_async(&rgba, size, &tell).await;
        // A lost device shows up as some failed read; say what really happened.
        backend::still_there(self.backend)?;
        Ok(translated?)
    }

    /// Runs the network on numbers as they are: a tensor `[batch, channels, height, width]` in
    /// row-major order. The answer has the same batch, height and width, and the model's output
    /// channels.
    pub async fn forward(
        &self,
        values: Vec<f32>,
        batch: u32,
        channels: u32,
        height: u32,
        width: u32,
    ) -> Result<Vec<f32>, WebError> {
        backend::still_there(self.backend)?;
        let shape = [batch, channels, height, width].map(|side| side as usize);
        let answer = self.translator.forward_async(values, shape).await;
        backend::still_there(self.backend)?;
        Ok(answer?)
    }
}
