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
    /// A GPU through Vulkan, by its number in `trainer devices`.
    Vulkan(usize),
    /// An NVIDIA GPU through CUDA.
    Cuda(usize),
}

/// What `--device` of a training says: one device, or several of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoices(pub(super) Vec<DeviceChoice>);

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
