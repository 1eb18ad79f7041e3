//! Built without graphics APIs: no GPUs.

use crate::system::device::{ChosenDevice, DeviceChoice, DeviceError, GraphicsApi, ListedDevice};

const FEATURE: &str = "gpu";

pub fn best() -> Result<ChosenDevice, String> {
    Err(format!(
        "this program was built without the feature {FEATURE}"
    ))
}

pub fn open(
    _: Option<GraphicsApi>,
    _: usize,
    choice: DeviceChoice,
) -> Result<ChosenDevice, DeviceError> {
    Err(DeviceError::NotBuilt {
        choice,
        feature: FEATURE,
    })
}

pub fn list() -> Vec<ListedDevice> {
    Vec::new()
}
