//! PyTorch's trainings, step by step, on any device.

use crate::fixtures::{discriminator, generator, path, tensor};
use burn::tensor::Device;
use model::{
    DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, Mode, NormKind,
    Patches, Precision,
};
use serde_json::Value;
use trainer::cyclegan::{CycleGan, CycleObjective, Discriminators, Generators};
use trainer::data::PairedBatch;
use trainer::diff_augment::DiffAugment;
use trainer::loss::{GanMode, LossValues};
use trainer::pix2pix::{Objective, Pix2Pix};
use trainer::pytorch::{Tensors, read_tensors};
use trainer::schedule::Rates;

/// Largest difference of a loss from PyTorch's, relative to it.
pub const LOSS_TOLERANCE: f32 = 1e-3;
const OUTPUT_TOLERANCE: f32 = 2e-3;
const BASE: usize = 4;
const RATES: Rates = Rates {
    net_g: 2e-4,
    net_d: 2e-4,
};

pub struct Trajectory {
    name: &'static str,
    steps: Vec<Value>,
    pub tolerance: f32,
    pub precision: Precision,
    pub pictures: Tensors,
}

impl Trajectory {
    pub fn open(name: &'static str) -> Self {
        Self::with_losses(name, name, LOSS_TOLERANCE)
    }

    fn with_losses(name: &'static str, losses: &str, tolerance: f32) -> Self {
        let json = std::fs::read(path(&format!("{losses}.json"))).expect("the losses are there");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        Self {
            name,
            steps: json["losses"].as_array().expect("a list").clone(),
            tolerance,
            precision: Precision::F32,
            pictures: read_tensors(&path(&format!("{name}.safetensors"))).expect("pictures"),
        }
    }

    fn file(&self, network: &str) -> String {
        format!("{}_{network}.pth", self.name)
    }

    pub fn batch(&self, step: usize, device: &Device) -> PairedBatch {
        let picture = |side: &str| {
            let all = tensor(&self.pictures[side], device);
            all.narrow(0, step, 1)
        };
        PairedBatch {
            real_a: picture("A"),
            real_b: picture("B"),
            mask: None,
        }
    }

    fn check(&self, step: usize, losses: &LossValues) {
        let expected = self.steps[step].as_object().expect("losses by name");
        assert_eq!(losses.iter().count(), expected.len());
        for (name, value) in losses.iter() {
            let wanted = expected[name].as_f64().expect("a number") as f32;
            let off = (value - wanted).abs() / wanted.abs();
            let what = format!("{}, step {step}, {name}", self.name);
            assert!(off <= self.tolerance, "{what}: {value}, not {wanted}");
        }
    }
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

/// Trains along the trajectory and gives the generator at its end.
pub fn train_pix2pix(trajectory: &Trajectory, gan_mode: GanMode, device: &Device) -> Pix2Pix {
    let device = device.clone().autodiff();
    let config = GeneratorConfig::new(GeneratorArch::Unet256, BASE, NormKind::Batch);
    let objective = Objective {
        gan_mode,
        lambda_l1: 100.0,
        lambda_gan: 1.0,
        dropout: 0.0,
        precision: trajectory.precision,
        diff_augment: DiffAugment::default(),
        seed: 0,
    };
    let mut model = Pix2Pix::from_networks(
        generator(&config, &trajectory.file("G"), &device),
        discriminator(&basic(6, NormKind::Batch), &trajectory.file("D"), &device),
        objective,
    );
    for step in 0..trajectory.steps.len() {
        let batch = trajectory.batch(step, &device);
        let (after, losses) = model.step(batch, step as u64, RATES);
        model = after;
        trajectory.check(step, &losses.read());
    }
    model
}

/// Trains pix2pix with least squares along PyTorch's trajectory and compares its end.
pub fn pix2pix_lsgan_matches(device: &Device) {
    let trajectory = Trajectory::open("pix2pix_lsgan_steps");
    let model = train_pix2pix(&trajectory, GanMode::Lsgan, device);
    let device = device.clone().autodiff();
    let real_a = trajectory.batch(0, &device).real_a;
    let output = model.net_g.forward(
        real_a,
        Mode::Train {
            dropout: 0.0,
            precision: Precision::F32,
        },
    );
    let wanted = &trajectory.pictures["final_output_on_A0_train_mode"];
    let off = (output - tensor(wanted, &device)).abs().max();
    let off = off.into_scalar::<f32>();
    assert!(off <= OUTPUT_TOLERANCE, "off by {off}");
}

/// Trains CycleGAN along PyTorch's trajectory, whose losses are in this file: those of 32 bits or
/// of 64.
pub fn cyclegan_matches(losses: &str, tolerance: f32, device: &Device) {
    let trajectory = Trajectory::with_losses("cyclegan_steps", losses, tolerance);
    train_cyclegan(&trajectory, device);
}

/// Trains CycleGAN along the trajectory.
pub fn train_cyclegan(trajectory: &Trajectory, device: &Device) {
    let device = device.clone().autodiff();
    let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, BASE, NormKind::Instance);
    let judge = basic(3, NormKind::Instance);
    let objective = CycleObjective {
        gan_mode: GanMode::Lsgan,
        lambda_cycle: 10.0,
        lambda_identity: 0.5,
        dropout: 0.0,
        precision: trajectory.precision,
        diff_augment: DiffAugment::default(),
        seed: 0,
    };
    let generators = Generators {
        a: generator(&config, &trajectory.file("G_A"), &device),
        b: generator(&config, &trajectory.file("G_B"), &device),
    };
    let discriminators = Discriminators {
        a: discriminator(&judge, &trajectory.file("D_A"), &device),
        b: discriminator(&judge, &trajectory.file("D_B"), &device),
    };
    let mut model = CycleGan::from_networks(generators, discriminators, 0, objective);
    for step in 0..trajectory.steps.len() {
        let batch = trajectory.batch(step, &device);
        let (after, losses) = model.step(batch, step as u64, RATES);
        model = after;
        trajectory.check(step, &losses.read());
    }
}
