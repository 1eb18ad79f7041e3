//! Whether a device computes what the processor does. Drivers and compilers of shaders have faults,
//! and a training on wrong numbers looks like bad luck with the data.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};
use model::config::Family;
use model::state::state_of;
use model::training::{Batch, Gan, Rates};
use model::{
    Engine, GeneratorArch, GeneratorConfig, InitType, LoadedGenerator, NormKind, NormStats,
    init_weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::error::RunError;
use crate::config::names::{generators, name_of};
use crate::config::{TrainArgs, TrainConfig};
use crate::system::device::ChosenDevices;

/// Numbers of the check's images and weights.
const SEED: u64 = 1;
const BASE: usize = 8;
const RATES: Rates = Rates {
    net_g: 2e-4,
    net_d: 2e-4,
};
/// Steps of a training that are compared, and of the short form before a run.
const STEPS: u64 = 4;
const STEPS_BEFORE_A_RUN: u64 = 2;
/// Tensor cores round factors to 11 bits (TF32), as f16 does, whose losses stay within 1 %. A
/// kernel that is wrong is off by far more.
const ALLOWED: f64 = 0.02;
/// Our shaders compute in 32 bits, and leave less than 1e-4 where a width of 64 adds up most.
const ALLOWED_IN_32_BITS: f64 = 1e-3;

/// The same computation on the processor and on another device.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What was computed.
    pub what: String,
    /// The largest difference: of outputs, which lie between -1 and 1, or of losses, relative.
    pub difference: f64,
    /// The largest that rounding may cause.
    pub allowed: f64,
    /// What it took on the processor.
    pub cpu_ms: f64,
    /// What it took on the device, the second time where it is a forward pass: the first compiles.
    pub device_ms: f64,
}

impl Comparison {
    /// No, if the difference is not a number.
    pub fn agrees(&self) -> bool {
        self.difference <= self.allowed
    }
}

/// Forward passes on `engine` of the reference's generators that take images of `side`, and steps of
/// pix2pix and CycleGAN on `device`.
///
/// # Errors
/// The device fails.
pub fn check(engine: &Engine, device: &Device, side: u32) -> anyhow::Result<Vec<Comparison>> {
    let takes = |arch: &GeneratorArch| side.is_multiple_of(arch.size_rule().divisor() as u32);
    let mut comparisons = Vec::new();
    for arch in generators().filter(takes) {
        let norm = match arch.family() {
            Family::Unet { .. } => NormKind::Batch,
            Family::Resnet { .. } => NormKind::Instance,
        };
        let config = GeneratorConfig::new(arch, BASE, norm);
        comparisons.push(compare_forward(&config, side as usize, engine)?);
    }
    let unet = if side < 256 { "unet_128" } else { "unet_256" };
    let (base, side_word) = (BASE.to_string(), side.to_string());
    for (model, net_g) in [("pix2pix", unet), ("cyclegan", "resnet_6blocks")] {
        let size = ["--base", &base, "--size", &side_word];
        let words = [&["train", "--model", model, "--net-g", net_g], &size[..]].concat();
        let config = TrainArgs::parsed(&words)?.decide(false, 1)?;
        comparisons.push(compare_training(&config, STEPS, device));
    }
    Ok(comparisons)
}

/// Makes the first steps of a run on the processor and on a GPU that no run was started on before,
/// and says what differs.
///
/// # Errors
/// [`RunError::WrongNumbers`].
pub(super) fn check_before_a_run(
    config: &TrainConfig,
    chosen: &ChosenDevices,
) -> Result<(), RunError> {
    let known = Known::read();
    if !chosen.is_gpu || known.contains(&chosen.name) {
        return Ok(());
    }
    let comparison = compare_training(config, STEPS_BEFORE_A_RUN, &chosen.devices[0]);
    if !comparison.agrees() {
        return Err(RunError::WrongNumbers {
            device: chosen.name.clone(),
            what: comparison.what,
            difference: comparison.difference,
            allowed: comparison.allowed,
        });
    }
    known.add(&chosen.name);
    Ok(())
}

fn compare_forward(
    config: &GeneratorConfig,
    side: usize,
    engine: &Engine,
) -> anyhow::Result<Comparison> {
    let cpu = Device::flex();
    cpu.seed(SEED);
    let state = state_of(&init_weights(config.init(&cpu), InitType::Normal, 0.02));
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let real_a = images(config.in_channels, side, &mut random);
    let shape = [1, config.in_channels, side, side];
    let real_a: Vec<f32> = real_a.iter().collect();
    let on = |engine| LoadedGenerator::new(config, NormStats::Batch, state.clone(), engine);
    let (on_cpu, on_device) = (on(&Engine::Cpu)?, on(engine)?);
    on_device.run(&real_a, shape)?;
    let (expected, cpu_time) = timed(|| on_cpu.run(&real_a, shape));
    let (found, device_time) = timed(|| on_device.run(&real_a, shape));
    Ok(Comparison {
        what: format!("{}, base {BASE}, {side}×{side}", name_of(config.arch)),
        difference: largest_difference(&expected?, &found?),
        allowed: match engine {
            Engine::Burn(_) => ALLOWED,
            _ => ALLOWED_IN_32_BITS,
        },
        cpu_ms: milliseconds(cpu_time),
        device_ms: milliseconds(device_time),
    })
}

fn compare_training(config: &TrainConfig, steps: u64, device: &Device) -> Comparison {
    let side = config.size as usize;
    let cpu = Device::flex();
    let model = config.init(&cpu);
    let other = model.replica(&device.clone().autodiff());
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (generator, back) = (config.generator(), config.generator_back());
    let batches: Vec<_> = (0..steps)
        .map(|_| {
            let mut draw = |channels| images(channels, side, &mut random);
            (draw(generator.in_channels), draw(back.in_channels))
        })
        .collect();
    let (expected, cpu_time) = timed(|| losses(model, &batches, &cpu));
    let (found, device_time) = timed(|| losses(other, &batches, device));
    Comparison {
        what: format!("{steps} steps of {}, {side}×{side}", config.model.name()),
        difference: largest_relative(&expected, &found),
        allowed: ALLOWED,
        cpu_ms: milliseconds(cpu_time),
        device_ms: milliseconds(device_time),
    }
}

fn losses(mut model: Gan, batches: &[(TensorData, TensorData)], device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let mut all = Vec::new();
    for (step, (real_a, real_b)) in (0..).zip(batches) {
        let batch = Batch {
            real_a: Tensor::from_data(real_a.clone(), &device),
            real_b: Tensor::from_data(real_b.clone(), &device),
            mask: None,
        };
        let losses;
        (model, losses) = model.step(&batch, step, RATES);
        all.extend(losses.read().iter().map(|(_, value)| value));
    }
    all
}

/// Noise on patches, like photos in that both large and small shapes are there.
fn images(channels: usize, side: usize, random: &mut ChaCha8Rng) -> TensorData {
    const PATCHES: usize = 8;
    let mut values = Vec::with_capacity(channels * side * side);
    for _ in 0..channels {
        let patches: Vec<f32> = (0..PATCHES * PATCHES)
            .map(|_| random.random_range(-0.8..0.8))
            .collect();
        for at in 0..side * side {
            let (x, y) = (at % side * PATCHES / side, at / side * PATCHES / side);
            values.push(patches[y * PATCHES + x] + random.random_range(-0.2f32..0.2));
        }
    }
    TensorData::new(values, [1, channels, side, side])
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn largest_relative(expected: &[f32], found: &[f32]) -> f64 {
    let pairs = expected.iter().zip(found);
    largest(pairs.map(|(a, b)| f64::from((a - b).abs() / a.abs())))
}

/// Of tensors; not a number, if one of them is not.
pub fn largest_difference(expected: &[f32], found: &[f32]) -> f64 {
    let pairs = expected.iter().zip(found);
    largest(pairs.map(|(a, b)| f64::from((a - b).abs())))
}

/// Not a number, if one of them is not.
fn largest(differences: impl Iterator<Item = f64>) -> f64 {
    let larger = |a: f64, b: f64| if b.is_nan() || b > a { b } else { a };
    differences.fold(0.0, |a, b| if a.is_nan() { a } else { larger(a, b) })
}

/// The GPUs that a run of this version was started on before, one a line.
struct Known {
    file: Option<PathBuf>,
    names: String,
}

impl Known {
    fn read() -> Self {
        let file = dirs::cache_dir().map(|folder| {
            folder.join(concat!(
                "pix2pix-trainer/devices-",
                env!("CARGO_PKG_VERSION")
            ))
        });
        let names = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        Self {
            file,
            names: names.unwrap_or_default(),
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.names.lines().any(|line| line == name)
    }

    /// Where it cannot be written, the next run checks again.
    fn add(self, name: &str) {
        let Some(file) = self.file else { return };
        let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
        let _ = folder.and_then(|()| fs::write(&file, format!("{}{name}\n", self.names)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(difference: f64) -> Comparison {
        Comparison {
            what: String::new(),
            difference,
            allowed: ALLOWED,
            cpu_ms: 0.0,
            device_ms: 0.0,
        }
    }

    #[test]
    fn what_is_not_a_number_does_not_agree_wherever_it_stands() {
        assert!(comparison(largest_relative(&[1.0, 2.0], &[1.0, 2.01])).agrees());
        for found in [[f32::NAN, 2.0], [1.0, f32::NAN], [1.0, 2.1]] {
            assert!(!comparison(largest_relative(&[1.0, 2.0], &found)).agrees());
        }
    }

    #[test]
    fn the_processor_agrees_with_itself_and_not_with_other_weights() {
        let words = [
            "train", "--net-g", "unet_128", "--base", "2", "--size", "128",
        ];
        let args = TrainArgs::parsed(&words).expect("flags");
        let config = args.decide(false, 1).expect("settings");
        let same = compare_training(&config, 2, &Device::flex());
        assert_eq!(same.difference, 0.0);
        let other = TrainConfig {
            seed: config.seed + 1,
            ..config.clone()
        };
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let batches = [(images(3, 128, &mut random), images(3, 128, &mut random))];
        let of =
            |config: &TrainConfig| losses(config.init(&Device::flex()), &batches, &Device::flex());
        assert!(largest_relative(&of(&config), &of(&other)) > ALLOWED);
    }
}
