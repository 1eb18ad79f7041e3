//! The one graphics device of this module, which every session shares.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use model::{Gpu, Kernel, Tuning, UnknownKernel};
use wasm_bindgen::prelude::wasm_bindgen;
use wgpu::{Backends, PowerPreference};

thread_local! {
    static DEVICE: RefCell<Option<Gpu>> = const { RefCell::new(None) };
    static LOST: Cell<bool> = const { Cell::new(false) };
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// The device with what `tune` says: `on`, `off`, the name of a kernel for every layer that it can do,
/// or `software` for a processor that plays the device.
pub fn tuned(gpu: Gpu, tune: &str) -> Result<Gpu, String> {
    let tuning = match tune {
        "off" => Tuning::Off,
        "on" => Tuning::Measured { now },
        // There, opening them takes longer than fetching them.
        "software" => return Ok(gpu.with_halves(false)),
        name => Tuning::Forced(name.parse().map_err(|UnknownKernel| {
            let known = Kernel::ALL.map(Kernel::name).join(", ");
            format!("'{name}' is no way to tune; use on, off, {known}.")
        })?),
    };
    Ok(gpu.with_tuning(tuning))
}

/// The device, or a sentence about why there is none.
pub async fn acquire() -> Result<Gpu, String> {
    if is_lost() {
        return Err("The browser took the graphics device away.".to_owned());
    }
    if let Some(device) = DEVICE.with_borrow(Clone::clone) {
        return Ok(device);
    }
    let device = open().await.map_err(|why| {
        format!("This browser has WebGPU, but offers no usable graphics device ({why}).")
    })?;
    // Another session may have opened one in the meantime.
    Ok(DEVICE.with_borrow_mut(|shared| shared.get_or_insert(device).clone()))
}

/// Whether the browser has taken the device away; it does not come back.
pub fn is_lost() -> bool {
    LOST.with(Cell::get)
}

async fn open() -> Result<Gpu, String> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backends::BROWSER_WEBGPU;
    let options = wgpu::RequestAdapterOptions {
        power_preference: PowerPreference::HighPerformance,
        ..Default::default()
    };
    let adapter = wgpu::Instance::new(descriptor).request_adapter(&options);
    let adapter = adapter.await.map_err(|error| error.to_string())?;
    let request = wgpu::DeviceDescriptor {
        required_limits: Gpu::limits(&adapter.limits()),
        ..Default::default()
    };
    let opened = adapter.request_device(&request).await;
    let (device, queue) = opened.map_err(|error| error.to_string())?;
    device.set_device_lost_callback(|_, _| LOST.with(|lost| lost.set(true)));
    // Whatever counts is caught where it arises; the rest must not end the module.
    device.on_uncaptured_error(Arc::new(|error: wgpu::Error| {
        crate::startup::console_error(&error.to_string());
    }));
    Ok(Gpu::new(device, queue))
}
