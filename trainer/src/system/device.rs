//! Which device computes: the words of `--device`, what is there, and the choice of `auto`.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use model::Precision;
use serde::Serialize;
use thiserror::Error;

/// Whether a device is this program's own processor, through burn-flex.
pub fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// Keeps libwayland quiet, which Mesa's Vulkan asks for a display: where the session has no folder
/// for sockets, it complains on stderr. A folder that does not exist gives the same answer silently.
/// To be called before there are other threads.
pub fn hush_display_probes() {
    #[cfg(all(feature = "vulkan", target_os = "linux"))]
    {
        const VARIABLE: &str = "XDG_RUNTIME_DIR";
        let folder = std::env::var_os(VARIABLE);
        if folder.is_none_or(|folder| !std::path::Path::new(&folder).is_absolute()) {
            // SAFETY: no other thread reads the environment yet.
            unsafe { std::env::set_var(VARIABLE, "/nonexistent") };
        }
    }
}

/// What `--device` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best hardware there is.
    Auto,
    /// burn-flex on the CPU.
    Cpu,
    /// burn-ndarray on the CPU.
    Ndarray,
    /// A GPU through Vulkan, by its number in `trainer devices`.
    Vulkan(usize),
    /// An NVIDIA GPU through CUDA.
    Cuda(usize),
}

/// What `--device` of a training says: one device, or several of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoices(Vec<DeviceChoice>);

/// A device that cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    #[error(
        "--device {choice}: this program was built without it; build it with --features {feature}"
    )]
    NotBuilt {
        choice: DeviceChoice,
        feature: &'static str,
    },
    #[error("--device {choice}: no such adapter; `trainer devices` lists what is here")]
    NotFound { choice: DeviceChoice },
    /// There, but no hardware. Burn's SPIR-V shaders end some of these drivers, and with them the
    /// program.
    #[error(
        "--device {choice}: {name} is emulated in software, slower than the processor itself; use \
         --device cpu"
    )]
    Software { choice: DeviceChoice, name: String },
    #[error(
        "--batch {batch}: the {devices} devices of --device {choices} each need an image at least; \
         use --batch {devices} or a multiple"
    )]
    BatchTooSmall {
        batch: u32,
        devices: usize,
        choices: DeviceChoices,
    },
    #[error("--precision {precision}: {device} cannot compute in it; use f32 or another device")]
    Precision {
        precision: &'static str,
        device: String,
    },
}

/// A device that was chosen.
#[derive(Clone, Debug)]
pub struct ChosenDevice {
    /// Ready for tensors.
    pub device: Device,
    /// For people.
    pub name: String,
    /// Whether the defaults for GPUs apply.
    pub is_gpu: bool,
}

/// The devices of a training.
#[derive(Clone, Debug)]
pub struct ChosenDevices {
    /// Ready for tensors; at least one.
    pub devices: Vec<Device>,
    /// For people.
    pub name: String,
    /// Whether the defaults for GPUs apply.
    pub is_gpu: bool,
}

/// A line of `trainer devices`.
#[derive(Clone, Debug, Serialize)]
pub struct ListedDevice {
    /// The word for `--device`.
    pub device: String,
    /// For people.
    pub name: String,
    /// Hardware or software.
    pub kind: &'static str,
    /// Whether `auto` picks it.
    pub auto: bool,
}

impl DeviceChoice {
    pub fn open(self) -> Result<ChosenDevice, DeviceError> {
        match self {
            Self::Auto => Ok(gpu::best().unwrap_or_else(cpu)),
            Self::Cpu => Ok(cpu()),
            Self::Ndarray => ndarray(),
            Self::Vulkan(index) => gpu::open(index),
            Self::Cuda(index) => cuda(index),
        }
    }
}

impl ChosenDevice {
    /// Whether the device can compute in a precision.
    pub fn check_precision(&self, precision: Precision) -> Result<(), DeviceError> {
        check_precision(std::slice::from_ref(&self.device), &self.name, precision)
    }
}

impl ChosenDevices {
    /// Whether all devices can compute in a precision.
    pub fn check_precision(&self, precision: Precision) -> Result<(), DeviceError> {
        check_precision(&self.devices, &self.name, precision)
    }
}

fn check_precision(
    devices: &[Device],
    name: &str,
    precision: Precision,
) -> Result<(), DeviceError> {
    let can = |device: &Device| device.supports_dtype(precision.dtype());
    match devices.iter().all(can) {
        true => Ok(()),
        false => Err(DeviceError::Precision {
            precision: precision.name(),
            device: name.to_owned(),
        }),
    }
}

impl DeviceChoices {
    pub fn open(&self) -> Result<ChosenDevices, DeviceError> {
        let opened = self.0.iter().map(|choice| choice.open());
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<_> = opened.iter().map(|chosen| chosen.name.as_str()).collect();
        let count = names.len();
        names.dedup();
        let name = match names[..] {
            [name] if count > 1 => format!("{count} × {name}"),
            _ => names.join(" + "),
        };
        Ok(ChosenDevices {
            name,
            is_gpu: opened.iter().any(|chosen| chosen.is_gpu),
            devices: opened.into_iter().map(|chosen| chosen.device).collect(),
        })
    }

    /// Refuses batches that leave a device without an image.
    pub fn check_batch(&self, batch: u32) -> Result<(), DeviceError> {
        let devices = self.0.len();
        match (batch as usize) < devices {
            false => Ok(()),
            true => Err(DeviceError::BatchTooSmall {
                batch,
                devices,
                choices: self.clone(),
            }),
        }
    }
}

impl FromStr for DeviceChoices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut choices: Vec<DeviceChoice> = Vec::new();
        for word in text.split(',') {
            let choice = match (choices.last(), word.parse()) {
                // The `1` of `cuda:0,1`.
                (Some(DeviceChoice::Vulkan(_)), Ok(index)) => DeviceChoice::Vulkan(index),
                (Some(DeviceChoice::Cuda(_)), Ok(index)) => DeviceChoice::Cuda(index),
                _ => word.parse()?,
            };
            let kind = std::mem::discriminant(&choice);
            if choices
                .iter()
                .any(|other| std::mem::discriminant(other) != kind)
            {
                // Their roundings differ, and what they train would drift apart.
                return Err("several devices must be of one kind, such as cuda:0,1".to_string());
            }
            let is_gpu = matches!(choice, DeviceChoice::Vulkan(_) | DeviceChoice::Cuda(_));
            if is_gpu && choices.contains(&choice) {
                return Err(format!("\"{choice}\" is named twice"));
            }
            if choice == DeviceChoice::Auto && !choices.is_empty() {
                return Err("auto takes one device; name each, such as vulkan:0,1".to_string());
            }
            choices.push(choice);
        }
        Ok(Self(choices))
    }
}

impl fmt::Display for DeviceChoices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, choice) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{choice}")?;
        }
        Ok(())
    }
}

/// Every device that this program can use here.
pub fn list() -> Vec<ListedDevice> {
    let mut devices = gpu::list();
    let automatic = devices.iter().position(|device| device.kind == "hardware");
    if let Some(index) = automatic {
        devices[index].auto = true;
    }
    devices.push(ListedDevice {
        device: "cpu".to_string(),
        name: cpu().name,
        kind: "hardware",
        auto: automatic.is_none(),
    });
    devices
}

fn cpu() -> ChosenDevice {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    ChosenDevice {
        device: Device::flex(),
        name: format!("CPU, {threads} threads (burn-flex)"),
        is_gpu: false,
    }
}

#[cfg(feature = "ndarray")]
fn ndarray() -> Result<ChosenDevice, DeviceError> {
    #[expect(deprecated, reason = "kept for those who ask for it by name")]
    let device = Device::ndarray();
    Ok(ChosenDevice {
        device,
        name: "CPU (burn-ndarray)".to_string(),
        is_gpu: false,
    })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<ChosenDevice, DeviceError> {
    Err(DeviceError::NotBuilt {
        choice: DeviceChoice::Ndarray,
        feature: "ndarray",
    })
}

#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<ChosenDevice, DeviceError> {
    Ok(ChosenDevice {
        device: Device::cuda(index),
        name: format!("CUDA device {index}"),
        is_gpu: true,
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: usize) -> Result<ChosenDevice, DeviceError> {
    Err(DeviceError::NotBuilt {
        choice: DeviceChoice::Cuda(index),
        feature: "cuda",
    })
}

#[cfg(feature = "vulkan")]
mod gpu {
    //! Adapters that Vulkan reaches.

    use burn::tensor::wgpu::wgpu;
    use burn::tensor::{Device, DeviceKind};

    use super::{ChosenDevice, DeviceChoice, DeviceError, ListedDevice};

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
                    wgpu::DeviceType::IntegratedGpu => {
                        DeviceKind::IntegratedGpu(next(&mut integrated))
                    }
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
}

#[cfg(not(feature = "vulkan"))]
mod gpu {
    //! Built without Vulkan: no adapters.

    use super::{ChosenDevice, DeviceChoice, DeviceError, ListedDevice};

    pub fn best() -> Option<ChosenDevice> {
        None
    }

    pub fn open(index: usize) -> Result<ChosenDevice, DeviceError> {
        Err(DeviceError::NotBuilt {
            choice: DeviceChoice::Vulkan(index),
            feature: "vulkan",
        })
    }

    pub fn list() -> Vec<ListedDevice> {
        Vec::new()
    }
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(',') {
            return Err(
                "only `train` takes several devices; name one here, and start another share \
                 (`translate --shard`) on each of the others"
                    .to_string(),
            );
        }
        let (word, index) = match text.split_once(':') {
            Some((word, index)) => {
                let index = index.parse::<usize>();
                (
                    word,
                    Some(index.map_err(|_| format!("\"{text}\": the index must be a number"))?),
                )
            }
            None => (text, None),
        };
        match (word, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("ndarray", None) => Ok(Self::Ndarray),
            ("vulkan", index) => Ok(Self::Vulkan(index.unwrap_or(0))),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err("use auto, cpu, vulkan, vulkan:INDEX, cuda or cuda:INDEX".to_string()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Ndarray => formatter.write_str("ndarray"),
            Self::Vulkan(index) => write!(formatter, "vulkan:{index}"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}
