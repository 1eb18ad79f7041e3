//! The networks of PyTorch's cases, on any device.

use burn::tensor::{Device, Tensor, TensorData};
use model::state::{Array, state_of};
use model::{
    CpuGenerator, DiscriminatorConfig, Generator, GeneratorConfig, Mode, NormKind, NormStats,
    Patches,
};
use serde::Deserialize;
use trainer::pytorch::read_tensors;

use crate::fixtures::{discriminator, generator, path, tensor};

/// Both add in 32 bits, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands of
/// about one, handed on by some twenty layers whose norms have slopes around one.
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

fn case(name: &str) -> Case {
    let json = std::fs::read(path("cases.json")).expect("cases.json is there");
    let cases: Vec<Case> = serde_json::from_slice(&json).expect("cases.json is a list of cases");
    cases
        .into_iter()
        .find(|case| case.name == name)
        .expect("the case is listed")
}

fn assert_close(found: Tensor<4>, expected: &Array, what: &str) {
    assert_eq!(found.dims().to_vec(), expected.shape, "{what}");
    let found: Vec<f32> = found.into_data().iter::<f32>().collect();
    let pairs = found.iter().zip(&expected.values);
    let off = pairs.map(|(a, b)| (a - b).abs());
    // A comparison with NaN is false.
    assert!(
        off.clone().all(|off| off <= TOLERANCE),
        "{what}: off by {:?}",
        off.reduce(f32::max)
    );
}

/// Compares a generator's outputs with PyTorch's, with either kind of statistics: on `device` and
/// by the CPU's own forward pass.
pub fn generator_matches(name: &str, device: &Device) {
    let (config, network) = named_generator(name, device);
    matches(name, device, |input, mode| network.forward(input, mode));
    on_the_cpu_matches(name, &config, &network);
}

fn named_generator(name: &str, device: &Device) -> (GeneratorConfig, Generator) {
    let case = case(name);
    let arch = serde_json::from_value(case.arch.clone().into()).expect("a known architecture");
    let config = GeneratorConfig {
        in_channels: case.in_channels,
        out_channels: case.out_channels,
        ..GeneratorConfig::new(arch, case.base, case.norm)
    };
    let network = generator(&config, &format!("{name}.pth"), device);
    (config, network)
}

fn on_the_cpu_matches(name: &str, config: &GeneratorConfig, network: &Generator) {
    matches(name, &Device::flex(), |input, mode| {
        let Mode::Inference(stats) = mode else {
            unreachable!("the cases are of inference");
        };
        let shape @ [batch, _, height, width] = input.dims();
        let values: Vec<f32> = input.into_data().iter().collect();
        let ours = CpuGenerator::new(config, stats, state_of(network)).expect("its own state");
        let fake_b = ours.forward(&values, shape);
        let data = TensorData::new(fake_b, [batch, config.out_channels, height, width]);
        Tensor::from_data(data, &Device::flex())
    });
}

/// Compares a discriminator's outputs with PyTorch's, with either kind of statistics.
pub fn discriminator_matches(name: &str, device: &Device) {
    let case = case(name);
    let config = DiscriminatorConfig {
        arch: serde_json::from_value(case.arch.clone().into()).expect("a known architecture"),
        in_channels: case.in_channels,
        base: case.base,
        norm: case.norm,
        patches: Patches::default(),
    };
    let network = discriminator(&config, &format!("{name}.pth"), device);
    matches(name, device, |input, mode| network.forward(input, mode));
}

fn matches(name: &str, device: &Device, forward: impl Fn(Tensor<4>, Mode) -> Tensor<4>) {
    let values = read_tensors(&path(&format!("{name}.safetensors"))).expect("outputs");
    for (stats, key) in [
        (NormStats::Running, "output_running_stats"),
        (NormStats::Batch, "output_batch_stats"),
    ] {
        let output = forward(tensor(&values["input"], device), Mode::Inference(stats));
        assert_close(output, &values[key], &format!("{name}, {key}"));
    }
}
