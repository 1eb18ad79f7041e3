//! The device that does the work.

use model::Engine;

use crate::error::{ErrorCode, WebError};
#[cfg(feature = "webgpu")]
use crate::gpu;

/// Where a model runs. The worker chooses; a build of this module has one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    #[cfg(feature = "webgpu")]
    WebGpu,
    Cpu,
}

impl Backend {
    pub fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "webgpu")]
            Self::WebGpu => "webgpu",
            Self::Cpu => "cpu",
        }
    }
}

/// Opens the device that was asked for; `tune` says how a graphics device's kernels are chosen.
pub async fn open(backend: &str, tune: &str) -> Result<(Backend, Engine), WebError> {
    match backend {
        "webgpu" => {
            let opened = on_gpu(tune).await;
            opened.map_err(|why| WebError::new(ErrorCode::NoWebGpu, why))
        }
        "cpu" => match cpu_engine() {
            Some(engine) => Ok((Backend::Cpu, engine)),
            None => Err(WebError::internal(
                "This build of the module was made without the CPU backend.",
            )),
        },
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
async fn on_gpu(tune: &str) -> Result<(Backend, Engine), String> {
    webgpu_offered().map_err(advised)?;
    let gpu = gpu::acquire().await.map_err(advised)?;
    Ok((Backend::WebGpu, Engine::Gpu(gpu::tuned(gpu, tune)?)))
}

#[cfg(not(feature = "webgpu"))]
async fn on_gpu(_tune: &str) -> Result<(Backend, Engine), String> {
    webgpu_offered().map_err(advised)?;
    Err(advised(
        "This build of the module was made without WebGPU.".to_owned(),
    ))
}

fn advised(why: String) -> String {
    format!("{why} Choose the CPU, or open the page in a browser that has WebGPU.")
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)]
fn cpu_engine() -> Option<Engine> {
    Some(Engine::Burn(burn::tensor::Device::ndarray()))
}

#[cfg(all(feature = "cpu", not(feature = "ndarray")))]
fn cpu_engine() -> Option<Engine> {
    Some(Engine::Cpu)
}

#[cfg(not(any(feature = "cpu", feature = "ndarray")))]
fn cpu_engine() -> Option<Engine> {
    None
}

/// Whether the browser offers WebGPU at all, and if not, why.
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
