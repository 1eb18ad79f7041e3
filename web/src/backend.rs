//! The device that does the work.

use model::Engine;

use crate::error::{ErrorCode, WebError};
#[cfg(feature = "webgpu")]
use crate::gpu;
#[cfg(feature = "training")]
use crate::training::device;

/// Where a model runs. The worker chooses; a build of this module may have one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    WebGpu,
    Cpu,
}

impl Backend {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebGpu => "webgpu",
            Self::Cpu => "cpu",
        }
    }
}

/// Opens the device that was asked for; `tune` says how a graphics device's kernels are chosen.
pub async fn open(backend: &str, tune: &str) -> Result<(Backend, Engine), WebError> {
    match backend {
        "webgpu" => Ok((Backend::WebGpu, on_gpu(tune).await?)),
        "cpu" => Ok((Backend::Cpu, on_cpu().await?)),
        _ => Err(WebError::new(
            ErrorCode::Internal,
            format!("'{backend}' is no backend; use 'webgpu' or 'cpu'."),
        )),
    }
}

/// Says so if the device under a session is gone for good.
pub fn still_there(backend: Backend) -> Result<(), WebError> {
    match backend {
        #[cfg(feature = "webgpu")]
        Backend::WebGpu if gpu::is_lost() => Err(WebError::new(
            ErrorCode::DeviceLost,
            "The browser took the graphics device away. Try again, or choose the CPU.",
        )),
        _ => Ok(()),
    }
}

#[cfg(feature = "webgpu")]
async fn on_gpu(tune: &str) -> Result<Engine, WebError> {
    let refused = |why| {
        let advice = "Choose the CPU, or open the page in a browser that has WebGPU.";
        WebError::new(ErrorCode::NoWebGpu, format!("{why} {advice}"))
    };
    webgpu_offered().map_err(refused)?;
    let gpu = gpu::acquire().await.map_err(refused)?;
    let tuned = gpu::tuned(gpu, tune);
    Ok(Engine::Gpu(
        tuned.map_err(|why| WebError::new(ErrorCode::NoWebGpu, why))?,
    ))
}

#[cfg(feature = "cpu")]
async fn on_cpu() -> Result<Engine, WebError> {
    Ok(Engine::Cpu)
}

/// A module without an engine of ours has burn's.
#[cfg(all(feature = "training", not(feature = "webgpu")))]
async fn on_gpu(_tune: &str) -> Result<Engine, WebError> {
    device::open("webgpu").await.map(Engine::Burn)
}

#[cfg(all(feature = "training", not(feature = "cpu")))]
async fn on_cpu() -> Result<Engine, WebError> {
    device::open("cpu").await.map(Engine::Burn)
}

#[cfg(not(any(feature = "training", feature = "webgpu")))]
async fn on_gpu(_tune: &str) -> Result<Engine, WebError> {
    Err(missing("WebGPU"))
}

#[cfg(not(any(feature = "training", feature = "cpu")))]
async fn on_cpu() -> Result<Engine, WebError> {
    Err(missing("the CPU backend"))
}

#[cfg(not(feature = "training"))]
fn missing(what: &str) -> WebError {
    WebError::internal(format!("This build of the module was made without {what}."))
}

/// Whether the browser offers WebGPU at all, and if not, why.
#[cfg(feature = "webgpu")]
fn webgpu_offered() -> Result<(), String> {
    let global = js_sys::global();
    let property = |of: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(of, &name.into());
    let gpu = property(&global, "navigator").and_then(|navigator| property(&navigator, "gpu"));
    if gpu.is_ok_and(|gpu| !gpu.is_undefined() && !gpu.is_null()) {
        return Ok(());
    }
    let secure = property(&global, "isSecureContext").map(|value| value.is_truthy());
    if secure == Ok(false) {
        return Err("WebGPU needs a page served over https.".to_owned());
    }
    Err("This browser has no WebGPU.".to_owned())
}
