//! The GPU code without a GPU: networks and training as PyTorch has them, with WGSL shaders on a
//! Vulkan driver that computes in software.

#![cfg(all(feature = "vulkan", target_os = "linux"))]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "reference/fixtures.rs"]
mod fixtures;
mod made_weights;
#[path = "reference/networks.rs"]
mod networks;
#[path = "metrics/networks.rs"]
mod perceptual;
#[path = "replicas/shared_batch.rs"]
mod shared_batch;
#[path = "wgsl/software_vulkan.rs"]
mod software_vulkan;
#[path = "reference/training.rs"]
mod training;

use made_weights::{weights, write};
use model::Precision;
use networks::{discriminator_matches, generator_matches};
use shared_batch::{settings, several_equal_one};
use software_vulkan::device;
use trainer::device::ChosenDevice;
use trainer::loss::GanMode;
use training::{
    LOSS_TOLERANCE, Trajectory, cyclegan_matches, pix2pix_lsgan_matches, train_pix2pix,
};

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
fn cyclegan_has_the_losses_of_pytorch_in_each_step_with_wgsl() {
    // PyTorch's own rounding, of the other sign, is as large as this driver's.
    cyclegan_matches("cyclegan_steps_f64", LOSS_TOLERANCE, &device());
}

#[test]
fn pix2pix_with_least_squares_ends_where_pytorch_ends_with_wgsl() {
    pix2pix_lsgan_matches(&device());
}

#[test]
fn lpips_is_that_of_the_python_package_with_wgsl() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = write(folder.path(), "all.pth", weights("lpips"));
    perceptual::lpips_matches(&[file], &device());
}

#[test]
fn pix2pix_with_cross_entropy_has_the_losses_of_pytorch_in_each_step_with_wgsl() {
    let trajectory = Trajectory::open("pix2pix_steps");
    train_pix2pix(&trajectory, GanMode::Vanilla, &device());
}

#[test]
fn sixteen_bits_are_refused_where_the_device_has_none() {
    let chosen = ChosenDevice {
        device: device(),
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
fn two_replicas_train_like_one_with_wgsl() {
    // Mesa brings one adapter, so both replicas lie on it: what they do side by side, each on its
    // thread, is what they would do on two.
    let config =
        settings("--model cyclegan --net-g resnet_6blocks --size 32 --net-d pixel --batch 2");
    // Rounding differs with the batch, and Adam makes whole steps of gradients that are nothing else.
    several_equal_one(&config, &[device(), device()], 2, 1e-2);
}
