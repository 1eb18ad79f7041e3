//! The words of `--device`.

use std::fmt;
use std::str::FromStr;

/// What `--device` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The best hardware there is.
    Auto,
    /// burn-flex on the CPU.
    Cpu,
    /// burn-ndarray on the CPU.
    Ndarray,
    /// A GPU through the system's own graphics API, by its number in `trainer devices`.
    Gpu(usize),
    /// A GPU through this graphics API.
    Graphics(GraphicsApi, usize),
    /// An NVIDIA GPU through CUDA.
    Cuda(usize),
}

/// What GPUs of all makers are reached through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphicsApi {
    Vulkan,
    Metal,
    Dx12,
}

impl GraphicsApi {
    /// Those of this system, the preferred one first.
    pub const HERE: &[Self] = if cfg!(target_vendor = "apple") {
        &[Self::Metal]
    } else if cfg!(windows) {
        &[Self::Vulkan, Self::Dx12]
    } else {
        &[Self::Vulkan]
    };

    pub fn word(self) -> &'static str {
        match self {
            Self::Vulkan => "vulkan",
            Self::Metal => "metal",
            Self::Dx12 => "dx12",
        }
    }
}

impl DeviceChoice {
    fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Ndarray => "ndarray",
            Self::Gpu(_) => "gpu",
            Self::Graphics(api, _) => api.word(),
            Self::Cuda(_) => "cuda",
        }
    }

    fn index(self) -> Option<usize> {
        match self {
            Self::Auto | Self::Cpu | Self::Ndarray => None,
            Self::Gpu(index) | Self::Graphics(_, index) | Self::Cuda(index) => Some(index),
        }
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
            Some((word, index)) => match index.parse::<usize>() {
                Ok(index) => (word, Some(index)),
                Err(_) => return Err(format!("\"{text}\": the index must be a number")),
            },
            None => (text, None),
        };
        let first = index.unwrap_or(0);
        let found = match word {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            "ndarray" => Some(Self::Ndarray),
            "gpu" => Some(Self::Gpu(first)),
            "vulkan" => Some(Self::Graphics(GraphicsApi::Vulkan, first)),
            "metal" => Some(Self::Graphics(GraphicsApi::Metal, first)),
            "dx12" => Some(Self::Graphics(GraphicsApi::Dx12, first)),
            "cuda" => Some(Self::Cuda(first)),
            _ => None,
        };
        let found = found.filter(|choice| index.is_none() || choice.index().is_some());
        found.ok_or_else(|| {
            "use auto, cpu, gpu, vulkan, metal, dx12 or cuda; a GPU also with its index, such as \
             gpu:1"
                .to_string()
        })
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())?;
        match self.index() {
            Some(index) => write!(formatter, ":{index}"),
            None => Ok(()),
        }
    }
}

/// What `--device` of a training says: one device, or several of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoices(pub(super) Vec<DeviceChoice>);

impl FromStr for DeviceChoices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut choices: Vec<DeviceChoice> = Vec::new();
        for word in text.split(',') {
            let choice: DeviceChoice = match choices.last() {
                // The `1` of `cuda:0,1`.
                Some(last) if last.index().is_some() && word.parse::<usize>().is_ok() => {
                    format!("{}:{word}", last.word()).parse()?
                }
                _ => word.parse()?,
            };
            if choices.iter().any(|other| other.word() != choice.word()) {
                // Their roundings differ, and what they train would drift apart.
                return Err("several devices must be of one kind, such as cuda:0,1".to_string());
            }
            if choice.index().is_some() && choices.contains(&choice) {
                return Err(format!("\"{choice}\" is named twice"));
            }
            if choice == DeviceChoice::Auto && !choices.is_empty() {
                return Err("auto takes one device; name each, such as gpu:0,1".to_string());
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
