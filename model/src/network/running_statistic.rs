//! A running mean or variance of a batch norm.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::{
    Content, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
    ParamId,
};
use burn::tensor::{Device, Tensor};

/// One value, `[channels]`, whichever thread asks. Burn's `RunningState` keeps one for each thread
/// and averages them, so that a step which moves among the threads of a pool mixes in stale ones.
///
/// Clones share the value, as the critic of a generator's step shares it with the discriminator.
/// What [`Module::valid`], [`Module::train`] and the ways to a device give has a value of its own.
#[derive(Clone, Debug)]
pub struct RunningStatistic {
    id: ParamId,
    value: Arc<Mutex<Tensor<1>>>,
}

impl RunningStatistic {
    /// Starts at `value`.
    pub fn new(value: Tensor<1>) -> Self {
        Self::with_id(ParamId::new(), value)
    }

    fn with_id(id: ParamId, value: Tensor<1>) -> Self {
        let value = Arc::new(Mutex::new(value));
        Self { id, value }
    }

    /// The value now.
    pub fn value(&self) -> Tensor<1> {
        self.lock().clone()
    }

    /// Moves the value towards `observed` by `momentum`, 0 to 1.
    pub fn blend(&self, observed: Tensor<1>, momentum: f64) {
        let mut value = self.lock();
        let kept = value.clone() * (1.0 - momentum);
        *value = (kept + observed.detach() * momentum).detach();
    }

    fn lock(&self) -> MutexGuard<'_, Tensor<1>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Module for RunningStatistic {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visitor.visit_float(&Param::initialized(self.id, self.value()));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let mapped = mapper.map_float(Param::initialized(self.id, self.value()));
        // A mapper may change the value, but no optimizer is to move it.
        *self.lock() = mapped.val().set_require_grad(false);
        self
    }

    fn to_device(self, device: &Device) -> Self {
        Self::with_id(self.id, self.value().to_device(device))
    }

    fn fork(self, device: &Device) -> Self {
        self.to_device(device)
    }

    fn collect_devices(&self, mut devices: Vec<Device>) -> Vec<Device> {
        let device = self.lock().device();
        if !devices.contains(&device) {
            devices.push(device);
        }
        devices
    }

    fn materialize(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        Self::with_id(self.id, self.value().without_autodiff())
    }

    fn train(self) -> Self {
        Self::with_id(self.id, Tensor::from_inner(self.value()))
    }
}

impl fmt::Display for RunningStatistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningStatistic({})", self.id)
    }
}

impl ModuleDisplayDefault for RunningStatistic {
    fn content(&self, content: Content) -> Option<Content> {
        content
            .add_formatted(&"RunningStatistic".to_string())
            .optional()
    }
}

impl ModuleDisplay for RunningStatistic {}
