//! Which device computes: the words of `--device`, what is there, and the choice of `auto`.

mod choice;
#[cfg_attr(not(feature = "gpu"), path = "no_graphics.rs")]
mod graphics;

use burn::tensor::Device;
use model::{Engine, Precision};
use serde::Serialize;
use thiserror::Error;

pub use choice::{DeviceChoice, DeviceChoices, GraphicsApi};

/// Whether a device is this program's own processor, through burn-flex.
pub fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// Keeps libwayland quiet, which Mesa's Vulkan asks for a display: where the session has no folder
/// for sockets, it complains on stderr. A folder that does not exist gives the same answer silently.
/// To be called before there are other threads.
pub fn hush_display_probes() {
    #[cfg(all(feature = "gpu", target_os = "linux"))]
    {
        const VARIABLE: &str = "XDG_RUNTIME_DIR";
        let folder = std::env::var_os(VARIABLE);
        if folder.is_none_or(|folder| !std::path::Path::new(&folder).is_absolute()) {
            // SAFETY: no other thread reads the environment yet.
            unsafe { std::env::set_var(VARIABLE, "/nonexistent") };
        }
    }
}

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
    #[error("--device {choice}: another system has it; use --device gpu")]
    OtherSystem { choice: DeviceChoice },
    #[error(
        "--device {choice}: {name} does not start ({reason}); update its driver, or use --device cpu"
    )]
    Unopened {
        choice: DeviceChoice,
        name: String,
        reason: String,
    },
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
    #[error("--kernel: {0} has no shaders to choose from; leave it out")]
    NoShaders(String),
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

/// What translates on a device that was chosen.
#[derive(Clone, Debug)]
pub struct ChosenEngine {
    /// Ready for networks.
    pub engine: Engine,
    /// For people.
    pub name: String,
}

impl ChosenEngine {
    /// With this shader for every layer that it can do, or with the fastest of each.
    pub fn tuned(self, kernel: Option<&str>) -> Result<Self, DeviceError> {
        let engine = graphics::tuned(self.engine, kernel);
        let engine = engine.ok_or_else(|| DeviceError::NoShaders(self.name.clone()))?;
        Ok(Self { engine, ..self })
    }
}

impl From<ChosenDevice> for ChosenEngine {
    fn from(chosen: ChosenDevice) -> Self {
        let engine = match is_cpu(&chosen.device) {
            true => Engine::Cpu,
            false => Engine::Burn(chosen.device),
        };
        Self {
            engine,
            name: chosen.name,
        }
    }
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
            Self::Auto => Ok(best()),
            Self::Cpu => Ok(cpu()),
            Self::Ndarray => ndarray(),
            Self::Gpu(index) => graphics::open(None, index, self),
            Self::Graphics(api, index) => graphics::open(Some(api), index, self),
            Self::Cuda(index) => cuda(index),
        }
    }

    /// Opens what translates: shaders and kernels of our own, which are ready at once, where there
    /// are some for the device.
    pub fn open_engine(self) -> Result<ChosenEngine, DeviceError> {
        match self {
            Self::Auto => Ok(best_engine()),
            Self::Gpu(index) => graphics::open_engine(None, index, self),
            Self::Graphics(api, index) => graphics::open_engine(Some(api), index, self),
            Self::Cpu | Self::Ndarray | Self::Cuda(_) => self.open().map(ChosenEngine::from),
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

fn best() -> ChosenDevice {
    #[cfg(feature = "cuda")]
    if let Ok(chosen) = cuda(0) {
        return chosen;
    }
    graphics::best().unwrap_or_else(|reason| {
        let cpu = cpu();
        ChosenDevice {
            name: format!("{}, as there is no GPU: {reason}", cpu.name),
            ..cpu
        }
    })
}

/// Our shaders are ready sooner than burn's kernels.
fn best_engine() -> ChosenEngine {
    graphics::best_engine().unwrap_or_else(|_| best().into())
}

fn gpus() -> Vec<ListedDevice> {
    let cuda = (0..).map_while(|index| {
        Some(ListedDevice {
            device: DeviceChoice::Cuda(index).to_string(),
            name: cuda(index).ok()?.name,
            kind: "hardware",
            auto: false,
        })
    });
    cuda.chain(graphics::list()).collect()
}

/// Every device that this program can use here.
pub fn list() -> Vec<ListedDevice> {
    let mut devices = gpus();
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
    let here = Device::enumerate(burn::tensor::DeviceType::Cuda);
    match here.into_iter().nth(index) {
        Some(device) => Ok(ChosenDevice {
            device,
            name: format!("CUDA device {index}"),
            is_gpu: true,
        }),
        None => Err(DeviceError::NotFound {
            choice: DeviceChoice::Cuda(index),
        }),
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(index: usize) -> Result<ChosenDevice, DeviceError> {
    Err(DeviceError::NotBuilt {
        choice: DeviceChoice::Cuda(index),
        feature: "cuda",
    })
}
