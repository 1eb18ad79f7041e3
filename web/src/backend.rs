//! Which device does the work, and why.

use burn::tensor::Device;

use crate::error::{ErrorCode, WebError};

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

pub struct Choice {
    pub backend: Backend,
    pub device: Device,
    pub reason: String,
}

impl Choice {
    fn cpu(reason: impl Into<String>) -> Self {
        Self {
            backend: Backend::Cpu,
            device: cpu_device(),
            reason: reason.into(),
        }
    }
}

pub async fn choose(preference: Preference) -> Result<Choice, WebError> {
    if preference == Preference::Cpu {
        return Ok(Choice::cpu("The CPU was asked for."));
    }
    match gpu::acquire().await {
        Ok(gpu) => Ok(gpu.into_choice(preference)),
        Err(why) if preference == Preference::WebGpu => Err(WebError::new(
            ErrorCode::NoWebGpu,
            format!("{why} Choose the CPU, or open the page in a browser that has WebGPU."),
        )),
        Err(why) => Ok(Choice::cpu(format!("{why} The CPU does the work."))),
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

#[cfg(not(feature = "ndarray"))]
fn cpu_device() -> Device {
    Device::flex()
}

#[cfg(feature = "ndarray")]
#[allow(deprecated)]
fn cpu_device() -> Device {
    Device::ndarray()
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

#[cfg(not(feature = "webgpu"))]
mod gpu {
    use super::{Choice, Preference};

    pub enum Never {}

    impl Never {
        pub fn into_choice(self, _: Preference) -> Choice {
            match self {}
        }
    }

    pub async fn acquire() -> Result<Never, String> {
        super::webgpu_offered()?;
        Err("This build of the module was made without WebGPU.".to_owned())
    }
}

#[cfg(feature = "webgpu")]
mod gpu {
    use std::cell::{Cell, OnceCell};

    use burn::tensor::Device;
    use burn::tensor::wgpu::wgpu::DeviceType;

    use super::{Backend, Choice, Preference};

    /// The one GPU device of this module: a runtime can be registered once.
    #[derive(Clone)]
    pub struct Gpu {
        device: Device,
        in_software: bool,
    }

    thread_local! {
        static GPU: OnceCell<Gpu> = const { OnceCell::new() };
        static LOST: Cell<bool> = const { Cell::new(false) };
    }

    impl Gpu {
        pub fn into_choice(self, preference: Preference) -> Choice {
            if self.in_software && preference == Preference::Auto {
                return Choice::cpu(
                    "This browser's WebGPU runs in software, where the CPU is faster.",
                );
            }
            let reason = match (preference, self.in_software) {
                (Preference::Auto, _) => "WebGPU is available in this browser.",
                (_, false) => "WebGPU was asked for, and is available.",
                (_, true) => "WebGPU was asked for; this browser runs it in software.",
            };
            Choice {
                backend: Backend::WebGpu,
                device: self.device,
                reason: reason.to_owned(),
            }
        }
    }

    pub async fn acquire() -> Result<Gpu, String> {
        super::webgpu_offered()?;
        if is_lost() {
            return Err("The browser took the graphics device away.".to_owned());
        }
        if let Some(gpu) = cached() {
            return Ok(gpu);
        }
        let acquired = Device::wgpu_options().init_with_setup_async().await;
        match acquired {
            Ok((device, setup)) => {
                setup
                    .device
                    .set_device_lost_callback(|_, _| LOST.with(|lost| lost.set(true)));
                let in_software = setup.adapter.get_info().device_type == DeviceType::Cpu;
                let gpu = Gpu {
                    device,
                    in_software,
                };
                Ok(GPU.with(|cell| cell.get_or_init(|| gpu).clone()))
            }
            // Another session may have registered the runtime in the meantime.
            Err(error) => cached().ok_or_else(|| {
                format!("This browser has WebGPU, but offers no usable graphics device ({error}).")
            }),
        }
    }

    fn cached() -> Option<Gpu> {
        GPU.with(|cell| cell.get().cloned())
    }

    pub fn is_lost() -> bool {
        LOST.with(Cell::get)
    }
}
