//! RGBA pixels to a network's input and back, on the device: four bytes a pixel go there and come
//! back.

use std::array::from_fn;

use wgpu::BufferUsages;

use super::buffer::GpuBuffer;
use super::device::Gpu;
use super::pass::{FeatureMap, Pass, PlannedPass, STRIDE, bound, groups};
use super::shaders::Shader;
use crate::image::pixels::{to_byte, to_unit};
use crate::image::raster::LUMA;

/// The way in and out for pictures of one size after padding.
#[derive(Debug)]
pub(super) struct PixelPasses {
    pub rgba: GpuBuffer,
    pub unpack: Pass,
    pub pack: Pass,
    tables: [GpuBuffer; 2],
    /// What the passes are told, and what nothing writes.
    memory: [GpuBuffer; 2],
    channels: [usize; 2],
    is_correction: bool,
    padded: [usize; 2],
}

impl PixelPasses {
    /// For networks that take one, three or four channels.
    pub fn new(gpu: &Gpu, [input, output]: [&FeatureMap; 2], is_correction: bool) -> Option<Self> {
        let size = input.size;
        if size.images != 1 || !matches!(size.channels, 1 | 3 | 4) {
            return None;
        }
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let rgba = gpu.zeros(size.height * size.width, usage);
        let least: Vec<f32> = (0..=255).map(least_value).collect();
        let units: Vec<f32> = (0..=255).flat_map(units).collect();
        let [least, units] =
            [least, units].map(|table| gpu.constant(table.into_iter().map(f32::to_le_bytes)));
        let threads = size.height * size.width;
        let passes = [(Shader::Unpack, input), (Shader::Pack, output)];
        let planned = passes.map(|(shader, map)| PlannedPass {
            shader,
            words: Vec::new(),
            read: [&*least, &*units, &*units],
            written: [Some(&*map.buffer), Some(&*rgba)],
            groups: groups(threads.div_ceil(64), 1),
            macs: 0,
        });
        let (passes, memory) = bound(gpu, &planned);
        let [unpack, pack] = <[Pass; 2]>::try_from(passes).ok()?;
        Some(Self {
            unpack,
            pack,
            memory,
            rgba,
            tables: [least, units],
            channels: [input.size.channels, output.size.channels],
            is_correction,
            padded: [size.width, size.height],
        })
    }

    /// Takes a picture to the device.
    pub fn write(&self, gpu: &Gpu, rgba: &[u8], (width, height): (usize, usize)) {
        let numbers = [
            width,
            height,
            self.padded[0],
            self.padded[1],
            self.channels[0],
            self.channels[1],
            usize::from(self.is_correction),
        ];
        let words: [u32; 2 * STRIDE] =
            from_fn(|at| numbers.get(at % STRIDE).map_or(0, |number| *number as u32));
        gpu.write(&self.memory[0], words.into_iter().map(u32::to_le_bytes));
        gpu.queue.write_buffer(&self.rgba, 0, rgba);
    }

    /// Memory of the device that it takes.
    pub fn bytes(&self) -> u64 {
        let buffers = self.tables.iter().chain(&self.memory).chain([&self.rgba]);
        buffers.map(|buffer| buffer.size()).sum()
    }
}

/// What red, green and blue of a byte add to a grey, and its own value.
fn units(byte: u8) -> [f32; 4] {
    let unit = to_unit(f32::from(byte));
    let [red, green, blue] = LUMA.map(|part| part * unit);
    [red, green, blue, unit]
}

/// The least value that becomes this byte.
fn least_value(byte: u8) -> f32 {
    // Halves of the numbers between, in the order of their bits.
    let of_order = |order: i32| f32::from_bits((order ^ ((order >> 31) & i32::MAX)) as u32);
    let order_of =
        |value: f32| value.to_bits() as i32 ^ ((value.to_bits() as i32 >> 31) & i32::MAX);
    let (mut below, mut least) = (order_of(-1.5), order_of(1.5));
    while least - below > 1 {
        let middle = below + (least - below) / 2;
        match to_byte(of_order(middle)) < byte {
            true => below = middle,
            false => least = middle,
        }
    }
    of_order(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_value_of_a_byte_is_the_first_that_is_rounded_to_it() {
        for byte in 1..=255 {
            let least = least_value(byte);
            assert_eq!(to_byte(least), byte);
            assert_eq!(to_byte(least.next_down()), byte - 1);
        }
    }
}
