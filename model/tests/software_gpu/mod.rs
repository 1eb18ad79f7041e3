//! Shaders on a Vulkan driver that computes in software.

use std::sync::OnceLock;

use model::state::StateDict;
use model::{GeneratorConfig, Gpu, GpuGenerator, NormStats};
use pollster::block_on;

pub fn generator(
    config: &GeneratorConfig,
    stats: NormStats,
    state: StateDict,
    gpu: &Gpu,
) -> GpuGenerator {
    let made = block_on(gpu.checked(|| GpuGenerator::new(config, stats, state, gpu)));
    made.expect("the driver takes the weights")
        .expect("the state fits")
}

pub fn forward(generator: &GpuGenerator, values: &[f32], shape: [usize; 4]) -> Vec<f32> {
    block_on(generator.forward(values, shape, &|_, _| ())).expect("the driver does its work")
}

/// The one device of a test program.
pub fn gpu() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| block_on(open())).clone()
}

async fn open() -> Gpu {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN;
    let adapters = wgpu::Instance::new(descriptor).enumerate_adapters(wgpu::Backends::VULKAN);
    let software =
        |adapter: &wgpu::Adapter| adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    let adapter = adapters.await.into_iter().find(software).expect(
        "there is no Vulkan driver in software here: install Mesa's \
         (apt-get install mesa-vulkan-drivers, or run `cargo xtask test`, which does)",
    );
    let request = wgpu::DeviceDescriptor {
        required_limits: Gpu::limits(&adapter.limits()),
        ..Default::default()
    };
    let (device, queue) = adapter.request_device(&request).await.expect("a device");
    Gpu::new(device, queue)
}
