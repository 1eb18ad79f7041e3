//! The shaders, compiled when they are first used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wgpu::{
    BindGroupLayout, ComputePipeline, ComputePipelineDescriptor, Device, PipelineLayout,
    ShaderModule, ShaderModuleDescriptor, ShaderSource,
};

use super::kernel::Kernel;

/// A shader in one of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shader {
    Convolve {
        kernel: Kernel,
        /// Whether blocks have 8 output channels, not 4.
        is_wide: bool,
        /// Whether weights have 16 bits.
        in_halves: bool,
    },
    Finish,
    Statistics,
    Merge,
    Unpack,
    Pack,
}

const LAYER: &str = include_str!("wgsl/layer.wgsl");
const WEIGHTS: &str = include_str!("wgsl/weights_f32.wgsl");
const WEIGHTS_IN_HALVES: &str = include_str!("wgsl/weights_f16.wgsl");
const CONVOLVE: &str = include_str!("wgsl/convolve.wgsl");
const DIRECT: &str = include_str!("wgsl/direct.wgsl");
const TILED: &str = include_str!("wgsl/tiled.wgsl");
const GROUPED: &str = include_str!("wgsl/grouped.wgsl");
const NORM: &str = include_str!("wgsl/norm.wgsl");
const PIXELS: &str = include_str!("wgsl/pixels.wgsl");

/// Texts that are compiled together.
type Source = [&'static str; 4];

/// Each text that a device may have to compile, for checks.
pub fn shader_sources() -> Vec<String> {
    let mut sources = vec![Shader::Finish, Shader::Pack];
    for kernel in Kernel::ALL {
        sources.extend([false, true].map(|in_halves| Shader::Convolve {
            kernel,
            is_wide: true,
            in_halves,
        }));
    }
    let sources = sources.into_iter().map(Shader::source);
    sources.map(|source| source.concat()).collect()
}

/// What a device has compiled.
#[derive(Debug)]
pub(super) struct Shaders {
    pub bindings: BindGroupLayout,
    layout: PipelineLayout,
    modules: Mutex<BTreeMap<Source, ShaderModule>>,
    made: Mutex<BTreeMap<Shader, ComputePipeline>>,
}

impl Shader {
    fn source(self) -> Source {
        match self {
            Self::Convolve {
                kernel, in_halves, ..
            } => {
                let weights = [WEIGHTS, WEIGHTS_IN_HALVES][usize::from(in_halves)];
                let form = match kernel {
                    Kernel::Direct | Kernel::Split => DIRECT,
                    Kernel::Tiled64 | Kernel::Tiled32 => TILED,
                    Kernel::Grouped => GROUPED,
                };
                [LAYER, weights, CONVOLVE, form]
            }
            Self::Finish | Self::Statistics | Self::Merge => [LAYER, NORM, "", ""],
            Self::Unpack | Self::Pack => [PIXELS, "", "", ""],
        }
    }

    fn entry_point(self) -> &'static str {
        match self {
            Self::Convolve { kernel, .. } => match kernel {
                Kernel::Direct | Kernel::Split => "convolve",
                Kernel::Tiled64 | Kernel::Tiled32 => "convolve_tiled",
                Kernel::Grouped => "convolve_grouped",
            },
            Self::Finish => "finish",
            Self::Statistics => "statistics",
            Self::Merge => "merge",
            Self::Unpack => "unpack",
            Self::Pack => "pack",
        }
    }

    fn constants(self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Convolve {
                kernel, is_wide, ..
            } => match kernel.tile_blocks() {
                Some(blocks) => vec![("TILE_BLOCKS", blocks as f64)],
                None => vec![("WIDE", f64::from(u8::from(is_wide)))],
            },
            _ => Vec::new(),
        }
    }
}

impl Shaders {
    pub fn new(device: &Device) -> Self {
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
        Self {
            bindings,
            layout,
            modules: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// Begins to compile what every network needs, while weights come.
    pub fn prepare(&self, device: &Device) {
        for shader in [Shader::Finish, Shader::Unpack, Shader::Pack] {
            self.pipeline(device, shader);
        }
    }

    pub fn pipeline(&self, device: &Device, shader: Shader) -> ComputePipeline {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(shader)
            .or_insert_with(|| self.compiled(device, shader))
            .clone()
    }

    fn compiled(&self, device: &Device, shader: Shader) -> ComputePipeline {
        let entry_point = shader.entry_point();
        let source = shader.source();
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let module = modules.entry(source).or_insert_with(|| {
            device.create_shader_module(ShaderModuleDescriptor {
                label: Some(entry_point),
                source: ShaderSource::Wgsl(source.concat().into()),
            })
        });
        device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some(entry_point),
            layout: Some(&self.layout),
            module,
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &shader.constants(),
                ..Default::default()
            },
            cache: None,
        })
    }
}
