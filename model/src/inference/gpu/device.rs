//! The device, what it finds fault with, and the way out of its memory.

use std::sync::Arc;

use futures_channel::oneshot;
use thiserror::Error;
use wgpu::{Buffer, Device, Queue};

use super::shaders::Shaders;
use super::tuning::Tuning;

/// A graphics device with the shaders of the forward pass.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: Device,
    pub(super) queue: Queue,
    pub(super) shaders: Arc<Shaders>,
    /// Multiply-accumulates in one piece, at most.
    pub(super) macs_of_submit: u64,
    pub(super) tuning: Tuning,
    takes_halves: bool,
}

/// 20 GFLOP: a weak device does it in a fraction of the two seconds after which some drivers think
/// that it hangs.
const MACS_OF_SUBMIT: u64 = 10_000_000_000;

/// Why a device gave no answer.
#[derive(Debug, Error)]
pub enum GpuError {
    /// Feature maps or weights do not fit.
    #[error("the graphics device lacks the memory: {0}")]
    OutOfMemory(String),
    /// Anything else, a lost device among it.
    #[error("the graphics device failed: {0}")]
    Failed(String),
}

/// What is open for faults; nothing waits in between.
pub(super) struct Scopes {
    invalid: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
    memory: wgpu::ErrorScopeGuard,
}

impl Scopes {
    /// What the device will say of the work since.
    pub fn verdict(self) -> impl Future<Output = Result<(), GpuError>> {
        let (memory, internal) = (self.memory.pop(), self.internal.pop());
        let invalid = self.invalid.pop();
        async {
            if let Some(error) = memory.await {
                return Err(GpuError::OutOfMemory(error.to_string()));
            }
            match internal.await.or(invalid.await) {
                Some(error) => Err(GpuError::Failed(error.to_string())),
                None => Ok(()),
            }
        }
    }
}

impl Gpu {
    /// Whatever the adapter allows of what feature maps may need.
    pub fn limits(adapter: &wgpu::Limits) -> wgpu::Limits {
        wgpu::Limits {
            max_buffer_size: adapter.max_buffer_size,
            max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
            ..wgpu::Limits::default()
        }
    }

    /// Hands the shaders to a device that has [`Self::limits`].
    pub fn new(device: Device, queue: Queue) -> Self {
        Self {
            shaders: Arc::new(Shaders::new(&device)),
            device,
            queue,
            macs_of_submit: MACS_OF_SUBMIT,
            tuning: Tuning::Off,
            takes_halves: true,
        }
    }

    /// The same device, which gets at most so many multiply-accumulates in one piece: for tests, and
    /// for drivers that give up early.
    #[must_use]
    pub fn with_macs_of_submit(self, macs_of_submit: u64) -> Self {
        Self {
            macs_of_submit: macs_of_submit.max(1),
            ..self
        }
    }

    /// The same device with another way to choose kernels.
    #[must_use]
    pub fn with_tuning(self, tuning: Tuning) -> Self {
        Self { tuning, ..self }
    }

    /// The same device, with or without weights in 16 bits where these are fine enough: half the
    /// memory, and more work where a processor plays the device.
    #[must_use]
    pub fn with_halves(self, takes_halves: bool) -> Self {
        Self {
            takes_halves,
            ..self
        }
    }

    pub(super) fn takes_halves(&self) -> bool {
        self.takes_halves
    }

    /// What `work` gives, unless the device found fault with it.
    ///
    /// # Errors
    /// The device lacks the memory, or fails.
    pub async fn checked<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let scopes = self.scopes();
        let made = work();
        scopes.verdict().await?;
        Ok(made)
    }

    /// Listens to what the device finds fault with, from now on.
    pub(super) fn scopes(&self) -> Scopes {
        Scopes {
            invalid: self.device.push_error_scope(wgpu::ErrorFilter::Validation),
            internal: self.device.push_error_scope(wgpu::ErrorFilter::Internal),
            memory: self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory),
        }
    }

    /// Waits for all that has been submitted by now.
    pub(super) fn done(&self) -> impl Future<Output = ()> + use<> {
        let (sender, receiver) = oneshot::channel();
        self.queue.on_submitted_work_done(|| {
            // Nobody waits any more.
            let _ = sender.send(());
        });
        #[cfg(not(target_family = "wasm"))]
        let device = self.device.clone();
        async move {
            // A device that fails says so where results are read.
            #[cfg(not(target_family = "wasm"))]
            let _ = device.poll(wgpu::PollType::wait_indefinitely());
            let _ = receiver.await;
        }
    }

    /// The first bytes of a buffer that can be mapped, once the work before is done.
    pub(super) async fn read(&self, buffer: &Buffer, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let failed = |error: &dyn std::fmt::Display| GpuError::Failed(error.to_string());
        let (sender, receiver) = oneshot::channel();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, |result| {
            // Nobody waits any more.
            let _ = sender.send(result);
        });
        #[cfg(not(target_family = "wasm"))]
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| failed(&error))?;
        let mapped = receiver.await.map_err(|error| failed(&error))?;
        mapped.map_err(|error| failed(&error))?;
        let view = buffer.get_mapped_range(..bytes);
        let view = view.map_err(|error| failed(&error))?;
        let answer = view.to_vec();
        drop(view);
        buffer.unmap();
        Ok(answer)
    }
}
