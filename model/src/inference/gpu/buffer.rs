//! Memory of the device.

use std::ops::Deref;

use wgpu::{Buffer, BufferDescriptor, BufferUsages};

use super::device::Gpu;

/// Memory that goes back to the device with its owner: browsers would wait for their garbage
/// collection, which does not see how much it is.
#[derive(Debug)]
pub(super) struct GpuBuffer(Buffer);

impl Drop for GpuBuffer {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

impl Deref for GpuBuffer {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.0
    }
}

impl Gpu {
    pub(super) fn zeros(&self, values: usize, usage: BufferUsages) -> GpuBuffer {
        GpuBuffer(self.device.create_buffer(&BufferDescriptor {
            label: None,
            size: (values.max(1) * size_of::<f32>()).next_multiple_of(16) as u64,
            usage,
            mapped_at_creation: false,
        }))
    }

    /// A buffer for shaders to read.
    pub(super) fn constant(&self, bytes: impl ExactSizeIterator<Item = [u8; 4]>) -> GpuBuffer {
        let buffer = self.zeros(bytes.len(), BufferUsages::STORAGE | BufferUsages::COPY_DST);
        self.write(&buffer, bytes);
        buffer
    }

    /// Fills the start of a buffer, in parts: none needs a copy of the whole.
    pub(super) fn write(&self, buffer: &Buffer, bytes: impl ExactSizeIterator<Item = [u8; 4]>) {
        const PART: usize = 1 << 20;
        let mut part = Vec::with_capacity(PART.min(bytes.len() * 4));
        let mut offset = 0;
        for value in bytes {
            part.extend(value);
            if part.len() == PART {
                self.queue.write_buffer(buffer, offset, &part);
                offset += PART as u64;
                part.clear();
            }
        }
        self.queue.write_buffer(buffer, offset, &part);
    }
}
