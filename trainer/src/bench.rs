//! How long a forward pass and a training step take on a device.

use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use model::state::state_of;
use model::{
    CpuGenerator, DiscriminatorArch, DiscriminatorConfig, Engine, GeneratorArch, GeneratorConfig,
    InitType, Mode, NormKind, NormStats, Patches, init_weights,
};

use crate::data::PairedBatch;
use crate::diff_augment::DiffAugment;
use crate::loss::GanMode;
use crate::pix2pix::{Objective, Pix2Pix};
use crate::schedule::Rates;
use crate::translate::engine;

const SIDE: usize = 256;
/// First runs compile shaders and fill caches.
const WARM_UP: u32 = 2;

/// Medians in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// One batch through the generator, read back.
    pub forward_ms: f64,
    /// One pix2pix step, losses read back.
    pub step_ms: f64,
}

/// Times the U-Net 256 of width `base` on pictures of 256×256.
///
/// # Errors
/// The device fails.
pub fn time(
    device: &Device,
    base: u32,
    batch: u32,
    repeat: u32,
    stats: NormStats,
) -> Result<Timing> {
    let autodiff = device.clone().autodiff();
    let generator = GeneratorConfig::new(GeneratorArch::Unet256, base as usize, NormKind::Batch);
    let discriminator = DiscriminatorConfig {
        arch: DiscriminatorArch::Basic,
        in_channels: 6,
        base: base as usize,
        norm: NormKind::Batch,
        patches: Patches::default(),
    };
    let objective = Objective {
        gan_mode: GanMode::Vanilla,
        lambda_l1: 100.0,
        lambda_gan: 1.0,
        dropout: 0.5,
        diff_augment: DiffAugment::default(),
        seed: 0,
    };
    let rates = Rates {
        net_g: 2e-4,
        net_d: 2e-4,
    };
    let (init, gain) = (InitType::Normal, 0.02);
    let net_g = init_weights(generator.init(&autodiff), init, gain);
    let net_d = init_weights(discriminator.init(&autodiff), init, gain);
    let picture = |device: &Device| {
        let range = Distribution::Uniform(-1.0, 1.0);
        Tensor::<4>::random([batch as usize, 3, SIDE, SIDE], range, device)
    };
    let forward_ms = match engine(device) {
        Engine::Cpu => {
            let fixed = CpuGenerator::new(&generator, stats, state_of(&net_g))?;
            let shape = [batch as usize, 3, SIDE, SIDE];
            let real_a: Vec<f32> = picture(device).into_data().iter().collect();
            median(repeat, || {
                std::hint::black_box(fixed.forward(&real_a, shape));
                Ok(())
            })?
        }
        Engine::Burn(device) => {
            let fixed = net_g.valid();
            median(repeat, || {
                let fake_b = fixed.forward(picture(&device), Mode::Inference(stats));
                let read = fake_b.try_into_data().map(drop);
                read.map_err(|error| anyhow!("{error:?}"))
            })?
        }
    };
    let mut model = Some(Pix2Pix::from_networks(net_g, net_d, objective));
    let step_ms = median(repeat, || {
        let batch = PairedBatch {
            real_a: picture(&autodiff),
            real_b: picture(&autodiff),
            mask: None,
        };
        if let Some(before) = model.take() {
            let (after, losses) = before.step(batch, 0, rates);
            losses.read();
            model = Some(after);
        }
        Ok(())
    })?;
    Ok(Timing {
        forward_ms,
        step_ms,
    })
}

fn median(repeat: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for turn in 0..WARM_UP + repeat.max(1) {
        let started = Instant::now();
        work()?;
        if turn >= WARM_UP {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
