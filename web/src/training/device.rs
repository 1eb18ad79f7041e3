//! Where networks learn.

use burn::tensor::{Device, ExecutionError};

use crate::error::{ErrorCode, WebError};

/// Opens what was asked for.
pub async fn open(backend: &str) -> Result<Device, WebError> {
    match backend {
        "cpu" => Ok(cpu()),
        "webgpu" => webgpu().await,
        _ => Err(WebError::new(
            ErrorCode::Settings,
            format!("'{backend}' is no backend; use 'webgpu' or 'cpu'."),
        )),
    }
}

#[cfg(not(feature = "ndarray"))]
fn cpu() -> Device {
    Device::flex()
}

#[cfg(feature = "ndarray")]
#[allow(deprecated, reason = "it is here to be compared with")]
fn cpu() -> Device {
    Device::ndarray()
}

#[cfg(feature = "training-webgpu")]
async fn webgpu() -> Result<Device, WebError> {
    let opened = Device::wgpu_options().init_async().await;
    opened.map_err(|why| {
        WebError::new(
            ErrorCode::NoWebGpu,
            format!("The graphics device cannot be opened ({why}). Choose the CPU."),
        )
    })
}

#[cfg(not(feature = "training-webgpu"))]
async fn webgpu() -> Result<Device, WebError> {
    Err(WebError::internal(
        "This build of the module was made without WebGPU.",
    ))
}

/// What a device says in place of numbers.
pub fn failed(error: ExecutionError) -> WebError {
    WebError::new(
        ErrorCode::DeviceLost,
        format!("The graphics device has failed ({error:?}). Go on from the last checkpoint."),
    )
}
