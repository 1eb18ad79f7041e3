//! A device whose kernels are WGSL, on Mesa's software Vulkan.
//!
//! cubecl compiles to SPIR-V wherever a Vulkan adapter has what that needs, and Mesa's driver
//! crashes on it. An adapter seen through an instance of Vulkan 1.0 has not, and gets WGSL.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use burn::tensor::wgpu::{WgpuSetup, wgpu};
use burn::tensor::{Device, Tensor};
use wgpu::hal::{api::Vulkan, vulkan};

const VULKAN_1_0: u32 = 1 << 22;

/// Bytes that the threads of a group may share. Too few for the tiled matrix products, whose
/// kernels take the driver up to a minute each to compile: the simple ones do the work.
const SHARED_MEMORY: u32 = 256;

/// The one device of this test program, and the right to use it: no training has two threads work on
/// one adapter at the same time.
pub struct Turn {
    device: Device,
    _alone: MutexGuard<'static, ()>,
}

impl Deref for Turn {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

/// Waits until no other test uses the device.
pub fn device() -> Turn {
    static ALONE: Mutex<()> = Mutex::new(());
    static DEVICE: OnceLock<Device> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Turn {
        device: DEVICE.get_or_init(start).clone(),
        _alone: alone,
    }
}

fn start() -> Device {
    let log = configure();
    let device = Device::wgpu_options().setup(setup()).init();
    let device = device.expect("the driver takes compute shaders");
    let two = Tensor::<1>::ones([2], &device).sum();
    assert_eq!(two.into_scalar::<f32>(), 2.0);
    let log = fs::read_to_string(log).expect("the kernels are logged");
    assert!(log.contains("@compute"), "no kernel was compiled from WGSL");
    assert!(
        !log.contains("OpCapability"),
        "a kernel was compiled to SPIR-V"
    );
    device
}

/// cubecl reads its settings from the current folder. Tuning is cut to a single sample of each
/// candidate; the kernels' sources are logged into the file returned.
fn configure() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wgsl");
    fs::create_dir_all(&folder).expect("the build folder can be written");
    let log = folder.join("kernels.log");
    let settings = format!(
        "[autotune]\nlevel = \"minimal\"\ndisable_cache = true\n\
         [autotune.bench]\nadaptive = false\nmin_samples = 1\nmax_samples = 1\n\
         [compilation.logger]\nlevel = \"full\"\nappend = false\nfile = {log:?}\n"
    );
    fs::write(folder.join("cubecl.toml"), settings).expect("the build folder can be written");
    std::env::set_current_dir(folder).expect("the folder is there");
    log
}

fn setup() -> WgpuSetup {
    let instance = instance();
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let software =
        |adapter: &wgpu::Adapter| adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    let adapter = adapters.into_iter().find(software).expect(
        "there is no Vulkan driver in software here: install Mesa's \
         (apt-get install mesa-vulkan-drivers, or run `cargo xtask test`, which does)",
    );
    let mut limits = adapter.limits();
    limits.max_compute_workgroup_storage_size = SHARED_MEMORY;
    let request = wgpu::DeviceDescriptor {
        // As cubecl asks of devices that it opens itself: it counts on all that an adapter has.
        required_features: adapter.features() - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS,
        required_limits: limits,
        // SAFETY: nothing but cubecl's own kernels runs on this device.
        experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
        ..Default::default()
    };
    let opened = pollster::block_on(adapter.request_device(&request));
    let (device, queue) = opened.expect("the driver opens its device");
    WgpuSetup {
        instance,
        adapter,
        device,
        queue,
        backend: wgpu::Backend::Vulkan,
    }
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN;
    let whole = wgpu::Instance::new(descriptor);
    // SAFETY: nothing is destroyed through this reference.
    let shared = unsafe { whole.as_hal::<Vulkan>() }
        .expect("there is no Vulkan loader here: install libvulkan1")
        .shared_instance();
    let (entry, raw) = (shared.entry().clone(), shared.raw_instance().clone());
    let keep_whole = Box::new(move || drop(whole));
    // SAFETY: the raw instance was made from this entry, for a later version and with more
    // extensions, and lives until the callback.
    let limited = unsafe {
        vulkan::Instance::from_raw(
            entry,
            raw,
            VULKAN_1_0,
            0,
            None,
            Vec::new(),
            wgpu::InstanceFlags::empty(),
            wgpu::MemoryBudgetThresholds::default(),
            false,
            Some(keep_whole),
        )
    };
    let limited = limited.expect("an instance of Vulkan 1.0");
    // SAFETY: it was just made.
    unsafe { wgpu::Instance::from_hal::<Vulkan>(limited) }
}
