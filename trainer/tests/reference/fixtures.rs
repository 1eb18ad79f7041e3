//! What PyTorch computed, in files: tensors, and networks with their weights.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use model::state::{Array, load_state, shapes_of};
use model::{Discriminator, DiscriminatorConfig, Generator, GeneratorConfig};
use trainer::pytorch::{
    pick, read_tensors, reference_discriminator_name, reference_generator_name,
};

pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(file)
}

pub fn tensor(array: &Array, device: &Device) -> Tensor<4> {
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Tensor::from_data(data, device)
}

pub fn generator(config: &GeneratorConfig, weights: &str, device: &Device) -> Generator {
    let name = |name: &str| reference_generator_name(config, name);
    loaded(config.init(device), weights, name)
}

pub fn discriminator(
    config: &DiscriminatorConfig,
    weights: &str,
    device: &Device,
) -> Discriminator {
    let name = |name: &str| reference_discriminator_name(config, name);
    loaded(config.init(device), weights, name)
}

fn loaded<M: Module>(network: M, weights: &str, name: impl Fn(&str) -> Option<String>) -> M {
    let tensors = read_tensors(&path(weights)).expect("the weights are there");
    let state = pick(shapes_of(&network).keys(), name, tensors).expect("every tensor is there");
    load_state(network, state).expect("shapes fit")
}
