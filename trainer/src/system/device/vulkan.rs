//! Adapters that Vulkan reaches.

use burn::tensor::wgpu::wgpu;
use burn::tensor::{Device, DeviceKind};

use crate::system::device::{ChosenDevice, DeviceChoice, DeviceError, ListedDevice};

struct Adapter {
    kind: DeviceKind,
    name: String,
    is_hardware: bool,
}

/// burn counts adapters of each kind apart.
fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN;
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let (mut discrete, mut integrated, mut virtual_gpus) = (0.., 0.., 0..);
    let next = |numbers: &mut std::ops::RangeFrom<usize>| numbers.next().unwrap_or(0);
    found
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(&mut discrete)),
                wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(&mut integrated)),
                wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(&mut virtual_gpus)),
                wgpu::DeviceType::Cpu => DeviceKind::Cpu,
                wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
            };
            Adapter {
                kind,
                name: info.name,
                is_hardware: info.device_type != wgpu::DeviceType::Cpu,
            }
        })
        .collect()
}

fn opened(adapter: &Adapter) -> ChosenDevice {
    ChosenDevice {
        device: Device::vulkan(adapter.kind.clone()),
        name: format!("{} (Vulkan)", adapter.name),
        is_gpu: true,
    }
}

pub fn best() -> Option<ChosenDevice> {
    let adapters = adapters();
    let discrete = |adapter: &&Adapter| matches!(adapter.kind, DeviceKind::DiscreteGpu(_));
    adapters
        .iter()
        .find(discrete)
        .or_else(|| adapters.iter().find(|adapter| adapter.is_hardware))
        .map(opened)
}

pub fn open(index: usize) -> Result<ChosenDevice, DeviceError> {
    let choice = DeviceChoice::Vulkan(index);
    match adapters().get(index) {
        Some(adapter) if adapter.is_hardware => Ok(opened(adapter)),
        Some(Adapter { name, .. }) => {
            let name = name.clone();
            Err(DeviceError::Software { choice, name })
        }
        None => Err(DeviceError::NotFound { choice }),
    }
}

pub fn list() -> Vec<ListedDevice> {
    let adapters = adapters().into_iter().enumerate();
    adapters
        .map(|(index, adapter)| ListedDevice {
            device: format!("vulkan:{index}"),
            name: adapter.name,
            kind: if adapter.is_hardware {
                "hardware"
            } else {
                "software"
            },
            auto: false,
        })
        .collect()
}
