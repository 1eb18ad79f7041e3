//! Training does what PyTorch's training does: same weights, same batches, same losses, gradients
//! and changes.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "reference/fixtures.rs"]
mod fixtures;
#[path = "reference/tab.rs"]
mod tab;
#[path = "reference/training.rs"]
mod training;
#[path = "reference/warm_up.rs"]
mod warm_up;

use burn::tensor::Device;
use model::Precision;
use model::training::{GanMode, Hyperparameters, ModelKind};
use tab::Tab;
use training::{Held, cyclegan_matches, pix2pix_follows, pix2pix_matches};

/// Processors divide as exactly as they multiply.
const HELD: Held = Held::Rounding { ulps: 0.0 };

#[test]
fn each_step_of_pix2pix_with_cross_entropy_is_that_of_pytorch() {
    let (precision, device) = (Precision::F32, Device::flex());
    let vanilla = GanMode::Vanilla;
    pix2pix_matches("pix2pix_steps", vanilla, precision, HELD, &device);
}

#[test]
fn each_step_of_pix2pix_with_least_squares_is_that_of_pytorch() {
    let (precision, device) = (Precision::F32, Device::flex());
    let (name, lsgan) = ("pix2pix_lsgan_steps", GanMode::Lsgan);
    pix2pix_matches(name, lsgan, precision, HELD, &device);
}

#[test]
fn each_step_of_cyclegan_is_that_of_pytorch() {
    cyclegan_matches(Precision::F32, HELD, &Device::flex());
}

/// The tab trains pix2pix alone.
#[test]
fn each_step_of_pix2pix_in_a_browser_is_that_of_pytorch() {
    let mut tab = Tab::open();
    for (name, gan_mode) in [
        ("pix2pix_steps", GanMode::Vanilla),
        ("pix2pix_lsgan_steps", GanMode::Lsgan),
    ] {
        let hyperparameters = Hyperparameters {
            gan_mode,
            ..Hyperparameters::of(ModelKind::Pix2Pix)
        };
        let mut in_the_tab = |model, batch: &_, step| tab.step(model, batch, step);
        pix2pix_follows(
            name,
            hyperparameters,
            HELD,
            &Device::flex(),
            &mut in_the_tab,
        );
    }
}

/// One rounding is off by up to 2^-9 in bf16 and 2^-12 in f16. Two hundred in a row, through
/// networks and back, are off by 14 of them as a random walk; f16 also loses what gradients have
/// below its smallest numbers. Behind their norms of nine values, CycleGAN's discriminators have four
/// logits, whose errors average out three times less than the hundreds of pix2pix's.
const FEW_LOGITS: f64 = 3.0;
const MIXED: [(Precision, f64); 2] = [(Precision::Bf16, 3e-2), (Precision::F16, 1e-2)];

#[test]
fn mixed_precision_has_the_losses_of_single_precision_in_each_step() {
    for (precision, tolerance) in MIXED {
        let (held, device) = (Held::Losses(tolerance), Device::flex());
        let (vanilla, lsgan) = (GanMode::Vanilla, GanMode::Lsgan);
        pix2pix_matches("pix2pix_steps", vanilla, precision, held, &device);
        pix2pix_matches("pix2pix_lsgan_steps", lsgan, precision, held, &device);
        let held = Held::Losses(FEW_LOGITS * tolerance);
        cyclegan_matches(precision, held, &device);
    }
}
