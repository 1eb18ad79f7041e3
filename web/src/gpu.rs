//! The one GPU device of this module: burn registers a runtime once, and every
//! session shares it.

use std::cell::{Cell, OnceCell};

use burn::tensor::Device;
use burn::tensor::wgpu::wgpu::DeviceType;

#[derive(Clone)]
pub struct Gpu {
    pub device: Device,
    /// Emulated on the CPU.
    pub in_software: bool,
}

thread_local! {
    static GPU: OnceCell<Gpu> = const { OnceCell::new() };
    static LOST: Cell<bool> = const { Cell::new(false) };
}

/// The device, or a sentence about why there is none.
pub async fn acquire() -> Result<Gpu, String> {
    if is_lost() {
        return Err("The browser took the graphics device away.".to_owned());
    }
    if let Some(gpu) = registered() {
        return Ok(gpu);
    }
    match Device::wgpu_options().init_with_setup_async().await {
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
        Err(error) => registered().ok_or_else(|| {
            format!("This browser has WebGPU, but offers no usable graphics device ({error}).")
        }),
    }
}

/// Whether the browser has taken the device away; it does not come back.
pub fn is_lost() -> bool {
    LOST.with(Cell::get)
}

fn registered() -> Option<Gpu> {
    GPU.with(|cell| cell.get().cloned())
}
