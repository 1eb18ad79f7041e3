//! Which device does the work, and why.

use model::Engine;

use crate::error::{ErrorCode, WebError};
#[cfg(feature = "webgpu")]
use crate::gpu;

/// What the page asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    Auto,
    WebGpu,
    Cpu,
}

impl Preference {
    pub fn parse(word: &str) -> Result<Self, WebError> {
        match word {
            "auto" => Ok(Self::Auto),
            "webgpu" => Ok(Self::WebGpu),
            "cpu" => Ok(Self::Cpu),
            _ => Err(WebError::new(
                ErrorCode::Internal,
                format!("'{word}' is no backend; use 'auto', 'webgpu' or 'cpu'."),
            )),
        }
    }
}

/// What the page got.
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

/// A device that is ready, and the reason as a sentence.
pub struct Choice {
    pub backend: Backend,
    pub engine: Engine,
    pub reason: String,
}

/// Takes the device that was asked for, or the best that this build can have.
pub async fn choose(preference: Preference) -> Result<Choice, WebError> {
    if preference == Preference::Cpu {
        return on_cpu("The CPU was asked for.".to_owned());
    }
    match on_gpu(preference).await {
        Ok(choice) => Ok(choice),
        Err(why) if preference == Preference::Auto && HAS_CPU => {
            on_cpu(format!("{why} The CPU does the work."))
        }
        Err(why) => Err(WebError::new(
            ErrorCode::NoWebGpu,
            format!("{why} Choose the CPU, or open the page in a browser that has WebGPU."),
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
async fn on_gpu(preference: Preference) -> Result<Choice, String> {
    webgpu_offered()?;
    let device = gpu::acquire().await?;
    let reason = match (preference, device.in_software) {
        (Preference::Auto, true) if HAS_CPU => {
            return Err("This browser has WebGPU only in software, which is slower.".to_owned());
        }
        (Preference::Auto, _) => "WebGPU is available in this browser.",
        (_, false) => "WebGPU was asked for, and is available.",
        (_, true) => "WebGPU was asked for; this browser runs it in software.",
    };
    Ok(Choice {
        backend: Backend::WebGpu,
        engine: Engine::Gpu(device.gpu),
        reason: reason.to_owned(),
    })
}

#[cfg(not(feature = "webgpu"))]
async fn on_gpu(_: Preference) -> Result<Choice, String> {
    webgpu_offered()?;
    Err("This build of the module was made without WebGPU.".to_owned())
}

const HAS_CPU: bool = cfg!(any(feature = "cpu", feature = "ndarray"));

fn on_cpu(reason: String) -> Result<Choice, WebError> {
    let engine = cpu_engine().ok_or_else(|| {
        WebError::internal("This build of the module was made without the CPU backend.")
    })?;
    Ok(Choice {
        backend: Backend::Cpu,
        engine,
        reason,
    })
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
