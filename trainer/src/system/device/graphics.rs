//! GPUs that a graphics API reaches.

use std::sync::LazyLock;
use std::time::Instant;

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind};
use model::{Engine, Gpu, Tuning};

use crate::system::device::{
    ChosenDevice, ChosenEngine, DeviceChoice, DeviceError, GraphicsApi, ListedDevice,
};

struct Adapter {
    api: GraphicsApi,
    kind: DeviceKind,
    name: String,
    is_hardware: bool,
    handle: wgpu::Adapter,
}

/// burn counts adapters of each kind apart.
fn adapters(api: GraphicsApi) -> Vec<Adapter> {
    let (instance, backends) = instance(api);
    let found = pollster::block_on(instance.enumerate_adapters(backends));
    let (mut discrete, mut integrated, mut virtual_gpus) = (0.., 0.., 0..);
    let next = |numbers: &mut std::ops::RangeFrom<usize>| numbers.next().unwrap_or(0);
    found
        .into_iter()
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
                handle: adapter,
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

impl Adapter {
    fn title(&self) -> String {
        let api = match self.api {
            GraphicsApi::Vulkan => "Vulkan",
            GraphicsApi::Metal => "Metal",
            GraphicsApi::Dx12 => "DirectX 12",
        };
        format!("{} ({api})", self.name)
    }

    fn unopened(&self, choice: DeviceChoice, reason: &dyn std::fmt::Display) -> DeviceError {
        DeviceError::Unopened {
            choice,
            name: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    /// For burn.
    fn open(self, choice: DeviceChoice) -> Result<ChosenDevice, DeviceError> {
        let backend = match self.api {
            GraphicsApi::Vulkan => WgpuBackend::Vulkan,
            GraphicsApi::Metal => WgpuBackend::Metal,
            GraphicsApi::Dx12 => WgpuBackend::Dx12,
        };
        let options = Device::wgpu_options().device_kind(self.kind.clone());
        let device = options.graphics_api(backend).init();
        Ok(ChosenDevice {
            device: device.map_err(|error| self.unopened(choice, &error))?,
            name: self.title(),
            is_gpu: true,
        })
    }

    /// For our own shaders.
    fn engine(self, choice: DeviceChoice) -> Result<ChosenEngine, DeviceError> {
        let request = wgpu::DeviceDescriptor {
            required_limits: Gpu::limits(&self.handle.limits()),
            ..Default::default()
        };
        let opened = pollster::block_on(self.handle.request_device(&request));
        let (device, queue) = opened.map_err(|error| self.unopened(choice, &error))?;
        Ok(ChosenEngine {
            engine: Engine::Gpu(Gpu::new(device, queue)),
            name: self.title(),
        })
    }
}

/// The best GPU, or why there is none.
fn best_adapter() -> Result<Adapter, String> {
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
    let best = adapters.into_iter().next();
    best.ok_or_else(|| format!("{first_software} is no GPU but computes in software"))
}

pub fn best() -> Result<ChosenDevice, String> {
    let opened = best_adapter()?.open(DeviceChoice::Auto);
    opened.map_err(|error| error.to_string())
}

pub fn best_engine() -> Result<ChosenEngine, String> {
    let opened = best_adapter()?.engine(DeviceChoice::Auto);
    opened.map_err(|error| error.to_string())
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

fn adapter(
    api: Option<GraphicsApi>,
    index: usize,
    choice: DeviceChoice,
) -> Result<Adapter, DeviceError> {
    let api = api.unwrap_or_else(native);
    if !GraphicsApi::HERE.contains(&api) {
        return Err(DeviceError::OtherSystem { choice });
    }
    let found = adapters(api).into_iter().nth(index);
    found.ok_or(DeviceError::NotFound { choice })
}

pub fn open(
    api: Option<GraphicsApi>,
    index: usize,
    choice: DeviceChoice,
) -> Result<ChosenDevice, DeviceError> {
    match adapter(api, index, choice)? {
        adapter if adapter.is_hardware => adapter.open(choice),
        Adapter { name, .. } => Err(DeviceError::Software { choice, name }),
    }
}

pub fn open_engine(
    api: Option<GraphicsApi>,
    index: usize,
    choice: DeviceChoice,
) -> Result<ChosenEngine, DeviceError> {
    adapter(api, index, choice)?.engine(choice)
}

/// The engine with this shader for every layer that it can do, or with the fastest of each. `None`
/// for engines without shaders.
pub fn tuned(engine: Engine, kernel: Option<&str>) -> Option<Engine> {
    let tuning = match kernel {
        Some(name) => Tuning::Forced(name.parse().ok()?),
        None => Tuning::Measured { now: milliseconds },
    };
    match (engine, kernel) {
        (Engine::Gpu(gpu), _) => Some(Engine::Gpu(gpu.with_tuning(tuning))),
        (other, None) => Some(other),
        (_, Some(_)) => None,
    }
}

/// Since the first call.
fn milliseconds() -> f64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGUN.elapsed().as_secs_f64() * 1e3
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
