//! PyTorch's training steps on any device. `fixtures/training_steps.py` says how they came about,
//! and why Adam begins with moments.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use burn_pack::Reader;
use model::pixels::to_unit;
use model::state::{Array, StateDict, state_of};
use model::training::adam::Adam;
use model::training::{
    A_TO_B, B_TO_A, Batch, Gan, GanMode, Hyperparameters, LossValues, ModelKind, Rates,
};
use model::{
    DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, NormKind, Patches,
    Precision,
};
use serde::Deserialize;
use trainer::pytorch::{
    Tensors, read_tensors, reference_discriminator_name, reference_generator_name,
};

use crate::fixtures::{discriminator, generator, path, tensor};
use crate::warm_up::warm_up;

pub const BASE: usize = 4;
pub const RATES: Rates = Rates {
    net_g: 2e-4,
    net_d: 2e-4,
};
/// Another processor adds in another order. PyTorch's own orders differ from 64 bits by what the
/// fixture calls rounding; this is how often that much may be between 64 bits and ours.
const SLACK: f64 = 4.0;
/// What a loss may be off in any case, relative to it: two dozen layers that each round by half a
/// unit of 2^-23, all to the same side, and a square.
const LOSS_FLOOR: f64 = 48.0 / (1 << 24) as f64;

/// How close a training has to be.
#[allow(dead_code, reason = "each test program uses its part of it")]
#[derive(Clone, Copy)]
pub enum Held {
    /// Losses, first moments and changes of tensors, as close as 32 bits allow, on a device whose
    /// divisions and roots put all of an update off by so many units in the last place.
    Rounding { ulps: f64 },
    /// Losses, up to this part of their value: convolutions compute in 16 bits.
    Losses(f64),
}

/// L2 norm of a tensor, and its products with a cosine and a sine.
type Sketch = [f64; 3];

#[derive(Deserialize)]
struct Recorded {
    warm_up: f64,
    rounding: Rounding,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Rounding {
    losses: f64,
    changes: OfTensors,
    moments: OfTensors,
}

/// By networks and PyTorch's names.
type OfTensors = BTreeMap<String, BTreeMap<String, f64>>;

#[derive(Deserialize)]
struct Step {
    losses: BTreeMap<String, f64>,
    tensors: BTreeMap<String, Sketches>,
}

/// By PyTorch's names.
#[derive(Deserialize)]
struct Sketches {
    changes: BTreeMap<String, Sketch>,
    moments: BTreeMap<String, Sketch>,
}

struct Trajectory {
    name: &'static str,
    recorded: Recorded,
    images: Tensors,
    held: Held,
}

impl Trajectory {
    fn open(name: &'static str, held: Held) -> Self {
        let json = std::fs::read(path(&format!("{name}.json"))).expect("the steps are there");
        Self {
            name,
            recorded: serde_json::from_slice(&json).expect("steps"),
            images: read_tensors(&path(&format!("{name}.safetensors"))).expect("images"),
            held,
        }
    }

    fn file(&self, network: &str) -> String {
        format!("{}_{network}.pth", self.name)
    }

    fn steps(&self) -> std::ops::Range<usize> {
        0..self.recorded.steps.len()
    }

    fn batch(&self, step: usize, device: &Device) -> Batch {
        let image = |side: &str| {
            let Array { shape, values } = &self.images[side];
            let values = values.iter().map(|byte| to_unit(*byte)).collect();
            let shape = shape.clone();
            tensor(&Array { shape, values }, device).narrow(0, step, 1)
        };
        Batch {
            real_a: image("A"),
            real_b: image("B"),
            mask: None,
        }
    }

    fn check_losses(&self, step: usize, losses: &LossValues) {
        let expected = &self.recorded.steps[step].losses;
        let tolerance = match self.held {
            Held::Rounding { .. } => LOSS_FLOOR.max(SLACK * self.recorded.rounding.losses),
            Held::Losses(tolerance) => tolerance,
        };
        assert_eq!(losses.iter().count(), expected.len());
        for (name, value) in losses.iter() {
            let wanted = expected[name];
            let off = (f64::from(value) - wanted).abs() / wanted.abs();
            let what = format!("{}, step {step}, {name}", self.name);
            assert!(
                off <= tolerance,
                "{what}: {value}, not {wanted}: off by {off:.1e}, not {tolerance:.1e}"
            );
        }
    }

    /// Compares a network with PyTorch's `which`: how far its tensors are from where they `begun`,
    /// and what its `optimizer` keeps of gradients.
    fn check<M: Module>(
        &self,
        (step, which): (usize, &str),
        (network, begun): (&M, &StateDict),
        optimizer: &Adam,
        theirs: impl Fn(&str) -> Option<String>,
    ) {
        let Held::Rounding { ulps } = self.held else {
            return;
        };
        let wanted = &self.recorded.steps[step].tensors[which];
        let Rounding {
            changes, moments, ..
        } = &self.recorded.rounding;
        let mut now = state_of(network);
        for (name, array) in &mut now {
            let begun = &begun[name].values;
            for (value, begun) in array.values.iter_mut().zip(begun) {
                *value -= begun;
            }
        }
        let of_adam = moments_of(network, optimizer);
        for (what, rounding, ulps, found, wanted) in [
            ("change", &changes[which], ulps, now, &wanted.changes),
            ("moment", &moments[which], 0.0, of_adam, &wanted.moments),
        ] {
            let mut seen = 0;
            for (ours, array) in found {
                let theirs = theirs(&ours).expect("PyTorch has it too");
                let Some(wanted) = wanted.get(&theirs) else {
                    assert!(theirs.contains(".running_"), "{theirs} is not trained");
                    continue;
                };
                seen += 1;
                let found = sketch(&array.values);
                // What all values have in common does not average out in a product.
                let common = ulps * f64::from(f32::EPSILON) * (array.values.len() as f64).sqrt();
                let tolerance = (SLACK * rounding[&theirs] + common) * wanted[0];
                let is_close = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
                assert!(
                    found.iter().zip(wanted).all(is_close),
                    "{}, step {step}, {what} of {which} {ours}: {found:?}, not {wanted:?}, ± {tolerance:.1e}",
                    self.name,
                );
            }
            assert_eq!(seen, wanted.len(), "{what}s of {which}");
        }
    }
}

fn sketch(values: &[f32]) -> Sketch {
    let mut sketch = [0.0; 3];
    for (at, &value) in values.iter().enumerate() {
        let (value, at) = (f64::from(value), at as f64);
        sketch[0] += value * value;
        sketch[1] += value * at.cos();
        sketch[2] += value * at.sin();
    }
    sketch[0] = sketch[0].sqrt();
    sketch
}

/// Adam's first moments of a network's tensors, by the network's names; running statistics stay.
fn moments_of<M: Module>(network: &M, optimizer: &Adam) -> StateDict {
    struct Moments(BTreeMap<u64, Vec<f32>>);
    impl ModuleMapper for Moments {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match self.0.remove(&param.id.val()) {
                Some(values) => param.map(|tensor| {
                    let data = TensorData::new(values, tensor.dims());
                    Tensor::from_data(data, &tensor.device())
                }),
                None => param,
            }
        }
    }
    let bytes = optimizer.to_bytes().expect("its state");
    let tensors = Reader::from_bytes(bytes).and_then(Reader::into_tensors);
    let moments = tensors.expect("tensors").into_iter().filter_map(|tensor| {
        let (name, dtype, shape, id, bytes) = tensor.into_parts().expect("a tensor");
        let data = TensorData::from_bytes(bytes, shape, dtype);
        let values = name.ends_with("moment_1").then(|| data.iter().collect());
        id.zip(values)
    });
    let mut moments = Moments(moments.collect());
    state_of(&network.valid().map(&mut moments))
}

fn basic(in_channels: usize, norm: NormKind) -> DiscriminatorConfig {
    DiscriminatorConfig {
        arch: DiscriminatorArch::Basic,
        in_channels,
        base: BASE,
        norm,
        patches: Patches::default(),
    }
}

/// Makes a step, counted from zero.
type MakeStep<'a> = &'a mut dyn FnMut(Gan, &Batch, u64) -> (Gan, LossValues);

fn natively(model: Gan, batch: &Batch, step: u64) -> (Gan, LossValues) {
    let (model, losses) = model.step(batch, step, RATES);
    (model, losses.read())
}

/// Trains pix2pix along PyTorch's steps.
pub fn pix2pix_matches(
    name: &'static str,
    gan_mode: GanMode,
    precision: Precision,
    held: Held,
    device: &Device,
) {
    let hyperparameters = Hyperparameters {
        gan_mode,
        precision,
        ..Hyperparameters::of(ModelKind::Pix2Pix)
    };
    pix2pix_follows(name, hyperparameters, held, device, &mut natively);
}

/// As [`pix2pix_matches`], with steps that `make_step` makes.
pub fn pix2pix_follows(
    name: &'static str,
    hyperparameters: Hyperparameters,
    held: Held,
    device: &Device,
    make_step: MakeStep<'_>,
) {
    let networks = (
        GeneratorConfig::new(GeneratorArch::Unet128, BASE, NormKind::Batch),
        basic(6, NormKind::Batch),
    );
    let learns = (ModelKind::Pix2Pix, hyperparameters);
    Trajectory::open(name, held).follow(learns, &networks, device, make_step);
}

/// Trains CycleGAN along PyTorch's steps.
pub fn cyclegan_matches(precision: Precision, held: Held, device: &Device) {
    let hyperparameters = Hyperparameters {
        pool_size: 0,
        precision,
        ..Hyperparameters::of(ModelKind::CycleGan)
    };
    let networks = (
        GeneratorConfig::new(GeneratorArch::Resnet6Blocks, BASE, NormKind::Instance),
        basic(3, NormKind::Instance),
    );
    let learns = (ModelKind::CycleGan, hyperparameters);
    let trajectory = Trajectory::open("cyclegan_steps", held);
    trajectory.follow(learns, &networks, device, &mut natively);
}

impl Trajectory {
    fn follow(
        &self,
        (kind, hyperparameters): (ModelKind, Hyperparameters),
        (config, judge): &(GeneratorConfig, DiscriminatorConfig),
        device: &Device,
        make_step: MakeStep<'_>,
    ) {
        let device = device.clone().autodiff();
        let names = |stem| match kind {
            ModelKind::Pix2Pix => vec![kind.part(stem, A_TO_B)],
            ModelKind::CycleGan => [A_TO_B, B_TO_A].map(|at| kind.part(stem, at)).to_vec(),
        };
        let (names_g, names_d) = (names("G"), names("D"));
        let net_g = names_g
            .iter()
            .map(|name| generator(config, &self.file(name), &device));
        let net_d = names_d
            .iter()
            .map(|name| discriminator(judge, &self.file(name), &device));
        let mut model = Gan::new(kind, net_g.collect(), net_d.collect(), hyperparameters);
        let size = self.recorded.warm_up;
        model.net_g = warm_up(&mut model.optimizer_g, model.net_g, size);
        model.net_d = warm_up(&mut model.optimizer_d, model.net_d, size);
        let begun_g: Vec<_> = model.net_g.iter().map(state_of).collect();
        let begun_d: Vec<_> = model.net_d.iter().map(state_of).collect();
        for step in self.steps() {
            let losses;
            (model, losses) = make_step(model, &self.batch(step, &device), step as u64);
            self.check_losses(step, &losses);
            for ((which, network), begun) in names_g.iter().zip(&model.net_g).zip(&begun_g) {
                let name = |name: &str| reference_generator_name(config, name);
                self.check((step, which), (network, begun), &model.optimizer_g, name);
            }
            for ((which, network), begun) in names_d.iter().zip(&model.net_d).zip(&begun_d) {
                let name = |name: &str| reference_discriminator_name(judge, name);
                self.check((step, which), (network, begun), &model.optimizer_d, name);
            }
        }
    }
}
