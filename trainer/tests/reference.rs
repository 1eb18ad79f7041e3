//! The networks compute what PyTorch computes: same weights, same input, same output.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use model::state::{Array, load_state, shapes_of};
use model::{DiscriminatorConfig, GeneratorConfig, Mode, NormKind, NormStats, Patches};
use serde::Deserialize;
use trainer::pytorch::{
    pick, read_tensors, reference_discriminator_name, reference_generator_name,
};

const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Case {
    name: String,
    arch: String,
    base: usize,
    norm: NormKind,
    in_channels: usize,
    out_channels: usize,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn case(name: &str) -> Case {
    let json = std::fs::read(fixtures().join("cases.json")).expect("cases.json is there");
    let cases: Vec<Case> = serde_json::from_slice(&json).expect("cases.json is a list of cases");
    cases
        .into_iter()
        .find(|case| case.name == name)
        .expect("the case is listed")
}

fn tensor(array: &Array, device: &Device) -> Tensor<4> {
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Tensor::from_data(data, device)
}

fn assert_close(found: Tensor<4>, expected: &Array, what: &str) {
    assert_eq!(found.dims().to_vec(), expected.shape, "{what}");
    let found: Vec<f32> = found.into_data().iter::<f32>().collect();
    let pairs = found.iter().zip(&expected.values);
    let worst = pairs.fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    assert!(worst <= TOLERANCE, "{what}: off by {worst}");
}

fn generator_matches(name: &str) {
    let case = case(name);
    let device = Device::flex();
    let arch = serde_json::from_value(case.arch.clone().into()).expect("a known architecture");
    let config = GeneratorConfig {
        in_channels: case.in_channels,
        out_channels: case.out_channels,
        ..GeneratorConfig::new(arch, case.base, case.norm)
    };
    let network = config.init(&device);
    let weights = read_tensors(&fixtures().join(format!("{name}.pth"))).expect("weights");
    let names = shapes_of(&network);
    let state = pick(
        names.keys(),
        |name| reference_generator_name(&config, name),
        weights,
    );
    let network = load_state(network, state.expect("every tensor")).expect("shapes fit");
    matches(name, &device, |input, mode| network.forward(input, mode));
}

fn discriminator_matches(name: &str) {
    let case = case(name);
    let device = Device::flex();
    let config = DiscriminatorConfig {
        arch: serde_json::from_value(case.arch.clone().into()).expect("a known architecture"),
        in_channels: case.in_channels,
        base: case.base,
        norm: case.norm,
        patches: Patches::default(),
    };
    let network = config.init(&device);
    let weights = read_tensors(&fixtures().join(format!("{name}.pth"))).expect("weights");
    let names = shapes_of(&network);
    let state = pick(
        names.keys(),
        |name| reference_discriminator_name(&config, name),
        weights,
    );
    let network = load_state(network, state.expect("every tensor")).expect("shapes fit");
    matches(name, &device, |input, mode| network.forward(input, mode));
}

fn matches(name: &str, device: &Device, forward: impl Fn(Tensor<4>, Mode) -> Tensor<4>) {
    let values = read_tensors(&fixtures().join(format!("{name}.safetensors"))).expect("outputs");
    for (stats, key) in [
        (NormStats::Running, "output_running_stats"),
        (NormStats::Batch, "output_batch_stats"),
    ] {
        let output = forward(tensor(&values["input"], device), Mode::Inference(stats));
        assert_close(output, &values[key], &format!("{name}, {key}"));
    }
}

#[test]
fn unet_256_with_batch_norm_equals_pytorch() {
    generator_matches("unet_256");
}

#[test]
fn unet_128_with_instance_norm_equals_pytorch() {
    generator_matches("unet_128_instance");
}

#[test]
fn unet_128_with_one_input_channel_equals_pytorch() {
    generator_matches("unet_128_gray_in");
}

#[test]
fn the_resnet_with_9_blocks_equals_pytorch() {
    generator_matches("resnet_9blocks");
}

#[test]
fn the_resnet_with_6_blocks_and_batch_norm_equals_pytorch() {
    generator_matches("resnet_6blocks_batch");
}

#[test]
fn the_pixel_discriminator_equals_pytorch() {
    discriminator_matches("pixelgan");
}

#[test]
fn the_70x70_patchgan_equals_pytorch() {
    discriminator_matches("patchgan_70");
}

#[test]
fn the_patchgan_with_instance_norm_equals_pytorch() {
    discriminator_matches("patchgan_70_instance");
}
