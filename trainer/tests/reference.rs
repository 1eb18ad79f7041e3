//! The networks compute what PyTorch computes: same weights, same input, same output.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "reference/fixtures.rs"]
mod fixtures;
#[path = "reference/networks.rs"]
mod networks;

use burn::tensor::Device;
use networks::{discriminator_matches, generator_matches};

#[test]
fn unet_256_with_batch_norm_equals_pytorch() {
    generator_matches("unet_256", &Device::flex());
}

#[test]
fn unet_128_with_instance_norm_equals_pytorch() {
    generator_matches("unet_128_instance", &Device::flex());
}

#[test]
fn unet_128_with_one_input_channel_equals_pytorch() {
    generator_matches("unet_128_gray_in", &Device::flex());
}

#[test]
fn the_resnet_with_9_blocks_equals_pytorch() {
    generator_matches("resnet_9blocks", &Device::flex());
}

#[test]
fn the_resnet_with_6_blocks_and_batch_norm_equals_pytorch() {
    generator_matches("resnet_6blocks_batch", &Device::flex());
}

#[test]
fn the_pixel_discriminator_equals_pytorch() {
    discriminator_matches("pixelgan", &Device::flex());
}

#[test]
fn the_70x70_patchgan_equals_pytorch() {
    discriminator_matches("patchgan_70", &Device::flex());
}

#[test]
fn the_patchgan_with_instance_norm_equals_pytorch() {
    discriminator_matches("patchgan_70_instance", &Device::flex());
}
