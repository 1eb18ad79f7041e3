//! Built without Vulkan: no adapters.

use crate::system::device::{ChosenDevice, DeviceChoice, DeviceError, ListedDevice};

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
