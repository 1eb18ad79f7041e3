//! Training does what PyTorch's training does: same weights, same batches, same losses.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "reference/fixtures.rs"]
mod fixtures;
#[path = "reference/training.rs"]
mod training;

use burn::tensor::Device;
use model::Precision;
use trainer::loss::GanMode;
use training::{
    LOSS_TOLERANCE, Trajectory, cyclegan_matches, pix2pix_lsgan_matches, train_cyclegan,
    train_pix2pix,
};

// The pictures of this one are rounded to 16 bits: its end is not compared. PyTorch itself, in
// 64 bits, ends 0.01 away from where it ends in 32 bits: Adam turns gradients that are all
// rounding error into whole steps.
#[test]
fn pix2pix_with_cross_entropy_has_the_losses_of_pytorch_in_each_step() {
    let trajectory = Trajectory::open("pix2pix_steps");
    train_pix2pix(&trajectory, GanMode::Vanilla, &Device::flex());
}

#[test]
fn pix2pix_with_least_squares_has_the_losses_of_pytorch_and_ends_where_it_ends() {
    pix2pix_lsgan_matches(&Device::flex());
}

#[test]
fn cyclegan_has_the_losses_of_pytorch_in_each_step() {
    cyclegan_matches("cyclegan_steps", LOSS_TOLERANCE, &Device::flex());
}

#[test]
fn cyclegan_is_nearer_to_pytorchs_losses_in_double_precision_than_pytorch_in_single() {
    // Which is up to 8.5e-4 away.
    cyclegan_matches("cyclegan_steps_f64", 4e-4, &Device::flex());
}

/// Numbers of 16 bits have 8 digits in bf16 and 11 in f16.
const MIXED: [(Precision, f32); 2] = [(Precision::Bf16, 3e-2), (Precision::F16, 1e-2)];

#[test]
fn mixed_precision_has_the_losses_of_single_precision_in_each_step() {
    for (precision, tolerance) in MIXED {
        let open = |name| {
            let mut trajectory = Trajectory::open(name);
            trajectory.precision = precision;
            trajectory.tolerance = tolerance;
            trajectory
        };
        let device = Device::flex();
        train_pix2pix(&open("pix2pix_steps"), GanMode::Vanilla, &device);
        train_pix2pix(&open("pix2pix_lsgan_steps"), GanMode::Lsgan, &device);
        train_cyclegan(&open("cyclegan_steps"), &device);
    }
}
