//! Built without graphics APIs: no GPUs.

use model::Engine;

use crate::system::device::{
    ChosenDevice, ChosenEngine, DeviceChoice, DeviceError, GraphicsApi, ListedDevice,
};

const FEATURE: &str = "gpu";

fn missing() -> String {
    format!("this program was built without the feature {FEATURE}")
}

pub fn best() -> Result<ChosenDevice, String> {
    Err(missing())
}

pub fn best_engine() -> Result<ChosenEngine, String> {
    Err(missing())
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

pub fn open_engine(
    api: Option<GraphicsApi>,
    index: usize,
    choice: DeviceChoice,
) -> Result<ChosenEngine, DeviceError> {
    open(api, index, choice).map(ChosenEngine::from)
}

pub fn tuned(engine: Engine, kernel: Option<&str>) -> Option<Engine> {
    kernel.is_none().then_some(engine)
}

pub fn list() -> Vec<ListedDevice> {
    Vec::new()
}
