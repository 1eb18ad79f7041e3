//! GPUs that a graphics API reaches.

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind};

use crate::system::device::{ChosenDevice, DeviceChoice, DeviceError, GraphicsApi, ListedDevice};

struct Adapter {
    api: GraphicsApi,
    kind: DeviceKind,
    name: String,
    is_hardware: bool,
}

/// burn counts adapters of each kind apart.
fn adapters(api: GraphicsApi) -> Vec<Adapter> {
    let (instance, backends) = instance(api);
    let found = pollster::block_on(instance.enumerate_adapters(backends));
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
                api,
                kind,
                name: info.name,
                is_hardware: info.device_type != wgpu::DeviceType::Cpu,
            }
        })
        .collect()
}

fn instance(api: GraphicsApi) -> (wgpu::Instance, wgpu::Backends) {
    let backends = match api {
        GraphicsApi::Vulkan => wgpu::Backends::VULKAN,
        GraphicsApi::Metal => wgpu::Backends::METAL,
        GraphicsApi::Dx12 => wgpu::Backends::DX12,
    };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    (wgpu::Instance::new(descriptor), backends)
}

fn opened(adapter: Adapter, choice: DeviceChoice) -> Result<ChosenDevice, DeviceError> {
    let Adapter {
        api, kind, name, ..
    } = adapter;
    let (backend, title) = match api {
        GraphicsApi::Vulkan => (WgpuBackend::Vulkan, "Vulkan"),
        GraphicsApi::Metal => (WgpuBackend::Metal, "Metal"),
        GraphicsApi::Dx12 => (WgpuBackend::Dx12, "DirectX 12"),
    };
    let options = Device::wgpu_options().device_kind(kind);
    let device = options.graphics_api(backend).init();
    let device = device.map_err(|error| DeviceError::Unopened {
        choice,
        name: name.clone(),
        reason: error.to_string(),
    })?;
    Ok(ChosenDevice {
        device,
        name: format!("{name} ({title})"),
        is_gpu: true,
    })
}

/// The best GPU, or why there is none.
pub fn best() -> Result<ChosenDevice, String> {
    let is_discrete = |adapter: &Adapter| matches!(adapter.kind, DeviceKind::DiscreteGpu(_));
    let mut adapters: Vec<Adapter> = GraphicsApi::HERE
        .iter()
        .flat_map(|api| adapters(*api))
        .collect();
    let Some(first_software) = adapters.first().map(|adapter| adapter.name.clone()) else {
        return Err(why_there_are_none());
    };
    adapters.retain(|adapter| adapter.is_hardware);
    // The sort keeps the order of the APIs, which is by preference.
    adapters.sort_by_key(|adapter| !is_discrete(adapter));
    match adapters.into_iter().next() {
        Some(best) => opened(best, DeviceChoice::Auto).map_err(|error| error.to_string()),
        None => Err(format!(
            "{first_software} is no GPU but computes in software"
        )),
    }
}

fn why_there_are_none() -> String {
    #[cfg(not(target_vendor = "apple"))]
    {
        let (instance, _) = instance(GraphicsApi::Vulkan);
        // SAFETY: nothing is done with what it refers to.
        if unsafe { instance.as_hal::<wgpu::hal::api::Vulkan>() }.is_none() {
            return "there is no Vulkan loader; if this machine has a GPU, install the package \
                    libvulkan1 (Fedora and Arch: vulkan-loader, vulkan-icd-loader) and the GPU's \
                    driver"
                .to_string();
        }
    }
    "no driver names one".to_string()
}

/// The API that `gpu` stands for: the first that reaches hardware.
fn native() -> GraphicsApi {
    let reaches = |api: &&GraphicsApi| adapters(**api).iter().any(|adapter| adapter.is_hardware);
    *GraphicsApi::HERE
        .iter()
        .find(reaches)
        .unwrap_or(&GraphicsApi::HERE[0])
}

pub fn open(
    api: Option<GraphicsApi>,
    index: usize,
    choice: DeviceChoice,
) -> Result<ChosenDevice, DeviceError> {
    let api = api.unwrap_or_else(native);
    if !GraphicsApi::HERE.contains(&api) {
        return Err(DeviceError::OtherSystem { choice });
    }
    match adapters(api).into_iter().nth(index) {
        Some(adapter) if adapter.is_hardware => opened(adapter, choice),
        Some(Adapter { name, .. }) => Err(DeviceError::Software { choice, name }),
        None => Err(DeviceError::NotFound { choice }),
    }
}

pub fn list() -> Vec<ListedDevice> {
    let of_api = |api: &GraphicsApi| adapters(*api).into_iter().enumerate();
    let adapters = GraphicsApi::HERE.iter().flat_map(of_api);
    adapters
        .map(|(index, adapter)| ListedDevice {
            device: DeviceChoice::Graphics(adapter.api, index).to_string(),
            name: adapter.name,
            kind: match adapter.is_hardware {
                true => "hardware",
                false => "software",
            },
            auto: false,
        })
        .collect()
}
