//! The GPU code without a GPU: networks and training as PyTorch has them, with WGSL shaders on a
//! Vulkan driver that computes in software.

#![cfg(all(feature = "gpu", target_os = "linux"))]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "reference/fixtures.rs"]
mod fixtures;
mod made_weights;
#[path = "reference/networks.rs"]
mod networks;
#[path = "metrics/networks.rs"]
mod perceptual;
#[path = "wgsl/software_vulkan.rs"]
mod software_vulkan;
#[path = "reference/training.rs"]
mod training;
#[path = "reference/warm_up.rs"]
mod warm_up;

use made_weights::{weights, write};
use model::training::GanMode;
use model::{Engine, Precision};
use networks::{discriminator_matches, generator_matches};
use software_vulkan::device;
use trainer::run::device_check::check;
use trainer::system::device::ChosenDevice;
use training::{Held, cyclegan_matches, pix2pix_matches};

/// Vulkan allows divisions to be off by 2.5 units in the last place, and roots by two divisions:
/// Adam makes one of each.
const HELD: Held = Held::Rounding { ulps: 7.5 };

#[test]
fn every_generator_equals_pytorch_with_wgsl() {
    for name in [
        "resnet_9blocks",
        "resnet_6blocks_batch",
        "unet_128_instance",
        "unet_128_gray_in",
        "unet_256",
    ] {
        generator_matches(name, &device());
    }
}

#[test]
fn every_discriminator_equals_pytorch_with_wgsl() {
    for name in ["pixelgan", "patchgan_70", "patchgan_70_instance"] {
        discriminator_matches(name, &device());
    }
}

#[test]
fn each_step_of_cyclegan_is_that_of_pytorch_with_wgsl() {
    cyclegan_matches(Precision::F32, HELD, &device());
}

#[test]
fn each_step_of_pix2pix_with_least_squares_is_that_of_pytorch_with_wgsl() {
    let (name, precision) = ("pix2pix_lsgan_steps", Precision::F32);
    pix2pix_matches(name, GanMode::Lsgan, precision, HELD, &device());
}

#[test]
fn lpips_is_that_of_the_python_package_with_wgsl() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "all.pth", weights("lpips"));
    perceptual::lpips_matches(&[file], &device());
}

#[test]
fn each_step_of_pix2pix_with_cross_entropy_is_that_of_pytorch_with_wgsl() {
    let (name, precision) = ("pix2pix_steps", Precision::F32);
    pix2pix_matches(name, GanMode::Vanilla, precision, HELD, &device());
}

#[test]
fn sixteen_bits_are_refused_where_the_device_has_none() {
    let chosen = ChosenDevice {
        device: device().clone(),
        name: "Mesa".to_owned(),
        is_gpu: true,
    };
    assert!(chosen.check_precision(Precision::F32).is_ok());
    let refused = chosen.check_precision(Precision::F16);
    let refused = refused.expect_err("Mesa's driver has no f16").to_string();
    assert!(
        refused.starts_with("--precision f16: Mesa cannot"),
        "{refused}"
    );
}

#[test]
fn the_check_of_a_device_finds_it_right_with_wgsl() {
    let device = device();
    let comparisons = check(&Engine::Burn(device.clone()), &device, 128).expect("comparisons");
    let networks = comparisons.len();
    assert!(networks > 4, "{comparisons:?}");
    for comparison in comparisons {
        assert!(comparison.agrees(), "{comparison:?}");
    }
}
