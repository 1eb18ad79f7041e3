//! The device, its shaders, and the way out of its memory.

use std::sync::Arc;

use futures_channel::oneshot;
use thiserror::Error;
use wgpu::{BindGroupLayout, Buffer, ComputePipeline, Device, Queue};

/// A graphics device with the shaders of the forward pass.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: Device,
    pub(super) queue: Queue,
    pub(super) shaders: Arc<Shaders>,
}

/// The entry points of `kernels.wgsl`.
#[derive(Debug)]
pub(super) struct Shaders {
    pub bindings: BindGroupLayout,
    pub convolve: ComputePipeline,
    /// For blocks of 4 channels.
    pub convolve_narrow: ComputePipeline,
    pub finish: ComputePipeline,
    pub statistics: ComputePipeline,
}

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
        let module = device.create_shader_module(wgpu::include_wgsl!("kernels.wgsl"));
        let entry = |binding: u32| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage {
                    read_only: binding < 4,
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: None,
            entries: &[0, 1, 2, 3, 4, 5].map(entry),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pipeline = |entry_point, constants| {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry_point),
                layout: Some(&layout),
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants,
                    ..Default::default()
                },
                cache: None,
            })
        };
        let shaders = Shaders {
            convolve: pipeline("convolve", &[]),
            convolve_narrow: pipeline("convolve", &[("WIDE", 0.0)]),
            finish: pipeline("finish", &[]),
            statistics: pipeline("statistics", &[]),
            bindings,
        };
        Self {
            device,
            queue,
            shaders: Arc::new(shaders),
        }
    }

    /// What `work` gives, unless the device found fault with it.
    ///
    /// # Errors
    /// The device lacks the memory, or fails.
    pub async fn checked<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let invalid = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let made = work();
        let (memory, internal, invalid) = (memory.pop(), internal.pop(), invalid.pop());
        if let Some(error) = memory.await {
            return Err(GpuError::OutOfMemory(error.to_string()));
        }
        match internal.await.or(invalid.await) {
            Some(error) => Err(GpuError::Failed(error.to_string())),
            None => Ok(made),
        }
    }

    /// The values of a buffer that can be mapped, once the work before is done.
    pub(super) async fn read(&self, buffer: &Buffer, values: usize) -> Result<Vec<f32>, GpuError> {
        let failed = |error: &dyn std::fmt::Display| GpuError::Failed(error.to_string());
        let (sender, receiver) = oneshot::channel();
        let range = ..(values * size_of::<f32>()) as u64;
        buffer.map_async(wgpu::MapMode::Read, range, |result| {
            // Nobody waits any more.
            let _ = sender.send(result);
        });
        #[cfg(not(target_family = "wasm"))]
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| failed(&error))?;
        let mapped = receiver.await.map_err(|error| failed(&error))?;
        mapped.map_err(|error| failed(&error))?;
        let bytes = buffer.get_mapped_range(range);
        let bytes = bytes.map_err(|error| failed(&error))?;
        let values = bytes.as_chunks::<4>().0.iter();
        let values = values.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        drop(bytes);
        buffer.unmap();
        Ok(values)
    }
}
