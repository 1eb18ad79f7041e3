//! Training whose batches are shared out between devices, beside the same training on one.

use std::sync::Mutex;

use burn::tensor::{Device, Tolerance};
use clap::Parser;
use model::state::state_of;
use model::training::{A_TO_B, Gan, LossValues, Rates};
use model::{Mode, NormStats, Raster};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trainer::config::{TrainArgs, TrainConfig};
use trainer::data::{Pair, batch_of};
use trainer::run::replicas::Replicas;

use crate::warm_up::warm_up;

/// Of the gradients that Adam has seen before.
const WARM_UP: f64 = 1e-2;
/// Sums of 32 bits over a batch and over its parts, through two dozen layers.
const TOLERANCE: f32 = 1e-4;

const RATES: Rates = Rates {
    net_g: 2e-4,
    net_d: 2e-4,
};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: TrainArgs,
}

/// Settings of a training without dropout, and with norms that take each image by itself.
pub fn settings(words: &str) -> TrainConfig {
    let fixed = "train --norm instance --norm-d instance --dropout 0 --base 2 --seed 5";
    let words = fixed.split_whitespace().chain(words.split_whitespace());
    let line = Line::parse_from(words);
    line.args.decide(false, 8).expect("settings that fit")
}

/// A batch of noise, another one each step.
fn pairs(config: &TrainConfig, step: u64) -> Vec<Pair> {
    let mut rng = ChaCha8Rng::seed_from_u64(step);
    let side = config.size as usize;
    let mut raster = || {
        let values = (0..3 * side * side).map(|_| rng.random_range(-1.0..1.0));
        Raster::from_planes(side, side, values.collect())
    };
    let mut pair = || Pair {
        real_a: raster(),
        real_b: raster(),
        mask: None,
    };
    (0..config.batch).map(|_| pair()).collect()
}

/// Trains on these devices and gives the losses of each step, and the replicas.
pub fn trained(
    config: &TrainConfig,
    devices: &[Device],
    steps: u64,
) -> (Vec<LossValues>, Replicas) {
    let mut model = {
        // Tests that run beside this one draw from the same stream.
        static DRAWING: Mutex<()> = Mutex::new(());
        let _alone = DRAWING.lock();
        config.init(&devices[0])
    };
    model.net_g = warm_up(&mut model.optimizer_g, model.net_g, WARM_UP);
    model.net_d = warm_up(&mut model.optimizer_d, model.net_d, WARM_UP);
    let mut replicas = Replicas::new(model, devices).expect("threads");
    let mut losses = Vec::new();
    for step in 0..steps {
        let made;
        (replicas, made) = replicas.step(&pairs(config, step), step, RATES);
        losses.push(made.read());
    }
    (losses, replicas)
}

/// Trains on one device and on `devices`; losses and outputs have to be the same but for rounding,
/// and so have the weights of all replicas, far below what an update changes.
pub fn several_equal_one(config: &TrainConfig, devices: &[Device], steps: u64) {
    let (alone, one) = trained(config, &devices[..1], steps);
    let (shared, several) = trained(config, devices, steps);
    for (step, (alone, shared)) in alone.iter().zip(&shared).enumerate() {
        for ((name, alone), (_, shared)) in alone.iter().zip(shared.iter()) {
            let off = (alone - shared).abs() / alone.abs().max(1e-3);
            assert!(
                off <= TOLERANCE,
                "step {step}, {name}: {shared}, on one device {alone}"
            );
        }
    }
    let weights = |model: &Gan| {
        let net_g = model.generator(A_TO_B).expect("netG");
        let arrays = state_of(&net_g).into_values();
        arrays.flat_map(|array| array.values).collect::<Vec<f32>>()
    };
    assert_eq!(several.others().len() + 1, devices.len());
    let of_lead = weights(several.lead());
    for other in several.others().iter().map(weights) {
        let differences = of_lead.iter().zip(other).map(|(a, b)| (a - b).abs());
        let off = differences.fold(0.0, f32::max);
        // The same gradients and the same Adam; a step of it is 2e-4.
        assert!(off <= 1e-6, "the weights of two replicas differ by {off}");
    }
    let image = batch_of(&pairs(config, 0)[..1], &devices[0]).real_a;
    let output = |replicas: &Replicas| {
        let net_g = replicas.lead().generator(A_TO_B).expect("netG");
        net_g
            .forward(image.clone(), Mode::Inference(NormStats::Batch))
            .into_data()
    };
    let tolerance = Tolerance::<f32>::absolute(TOLERANCE);
    output(&one).assert_approx_eq(&output(&several), tolerance);
}
