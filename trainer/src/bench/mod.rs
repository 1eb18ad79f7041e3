//! How long a forward pass, a training step and a checkpoint take on a device, and how much memory.

pub mod roofline;

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::tensor::{Device, Distribution, Tensor};
use model::state::{shapes_of, state_of};
use model::training::{Batch, Gan, ModelKind, Rates};
use model::{
    Engine, GeneratorConfig, InitType, Instructions, LoadedGenerator, NormStats, Precision,
    init_weights,
};
use serde::Serialize;

use crate::bench::roofline::Roofline;
use crate::config::{TrainArgs, TrainConfig};
use crate::run::device_check::largest_difference;
use crate::run_folder::{Progress, RunFolder};
use crate::system::memory::{keep_blocks, peak_resident_bytes};

/// Sides of images are multiples of this.
pub const SIDE: u32 = 256;
/// First runs compile shaders and fill caches.
const WARM_UP: u32 = 2;
/// Timed checkpoints, which are large.
const CHECKPOINTS: u32 = 3;
const RATES: Rates = Rates {
    net_g: 2e-4,
    net_d: 2e-4,
};

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct Measurement {
    /// What is trained: pix2pix's U-Net 256, or CycleGAN's ResNets of 9 blocks.
    pub model: ModelKind,
    /// Feature maps of the outermost layer.
    pub base: u32,
    /// Height and width of the images, a multiple of [`SIDE`].
    pub size: u32,
    /// Images of a batch.
    pub batch: u32,
    /// Timed repetitions.
    pub repeat: u32,
    /// What convolutions of the training step compute in.
    pub precision: Precision,
    /// Checkpoints too.
    pub with_checkpoints: bool,
}

/// Medians, and the most memory so far.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// One batch through the generator, from numbers to numbers, in milliseconds.
    pub forward_ms: f64,
    /// The largest difference from what the processor computes, where something else does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// Training, if wanted.
    #[serde(flatten)]
    pub training: Option<MeasuredTraining>,
    /// The most memory of this program, where the system says it.
    pub peak_rss_mb: PeakMemory,
    /// What a forward pass and a step multiply.
    pub multiply_adds: MultiplyAdds,
    /// Of the processor, if it is what computes.
    #[serde(flatten)]
    pub processor: Option<Processor>,
}

/// What computes, and how fast it can at most.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Processor {
    /// The vector instructions in use.
    pub instructions: &'static str,
    /// What they can do at most.
    pub limits: Limits,
}

/// Multiplications, each with an addition.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MultiplyAdds {
    /// Of one batch through the generator.
    pub forward: usize,
    /// Of one training step, to a few percent: all convolutions forward, and backward to what they
    /// see and to their weights.
    pub step: usize,
}

/// What the processor can do at most.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// As measured.
    #[serde(flatten)]
    pub roofline: Roofline,
    /// The least that a forward pass can take, in milliseconds.
    pub forward_floor_ms: f64,
    /// The least that a training step can take, in milliseconds.
    pub step_floor_ms: f64,
}

impl Limits {
    /// `weights` are bytes, each of which is read once at least.
    fn measure(work: MultiplyAdds, weights: f64) -> Self {
        let roofline = Roofline::measure();
        let floor = |multiply_adds: usize| roofline.floor_ms(2.0 * multiply_adds as f64, weights);
        Self {
            roofline,
            forward_floor_ms: floor(work.forward),
            step_floor_ms: floor(work.step),
        }
    }
}

/// Medians.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MeasuredTraining {
    /// One step, losses read back, in milliseconds.
    pub step_ms: f64,
    /// Making, writing and syncing a checkpoint, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_write_ms: Option<f64>,
    /// Reading, checking and loading a checkpoint, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_load_ms: Option<f64>,
    #[serde(skip)]
    peak_rss_mb: Option<f64>,
}

/// Megabytes (10⁶ bytes) of memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PeakMemory {
    /// Up to the last forward pass.
    pub forward: Option<f64>,
    /// Up to the last training step.
    pub step: Option<f64>,
}

/// Measures a model: forward passes on `engine`, the rest on `device`, if it is wanted. Memory is
/// that of this process since its start, so that another measurement before it may hide it.
pub fn measure(engine: &Engine, device: Option<&Device>, what: Measurement) -> Result<Measured> {
    let train_config = paper_config(what)?;
    let config = train_config.generator();
    let forward = forward(engine, &config, what)?;
    let forward_peak = peak_megabytes();
    let training = device.map(|device| training(&train_config, device, what));
    let training = training.transpose()?;
    let multiply_adds = multiply_adds(&train_config, what.size, what.batch);
    Ok(Measured {
        forward_ms: forward.milliseconds,
        difference: forward.difference,
        peak_rss_mb: PeakMemory {
            forward: forward_peak,
            step: training.and_then(|training| training.peak_rss_mb),
        },
        training,
        multiply_adds,
        processor: matches!(engine, Engine::Cpu).then(|| Processor {
            instructions: Instructions::in_use().name(),
            limits: Limits::measure(multiply_adds, 4.0 * values_of(&config) as f64),
        }),
    })
}

fn image(what: Measurement, device: &Device) -> Tensor<4> {
    let Measurement { size, batch, .. } = what;
    let shape = [batch, 3, size, size].map(|side| side as usize);
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

fn training(config: &TrainConfig, device: &Device, what: Measurement) -> Result<MeasuredTraining> {
    keep_blocks();
    let device = device.clone().autodiff();
    let fresh = || config.init(&device);
    let mut model = Some(fresh());
    let (real_a, real_b) = (image(what, &device), image(what, &device));
    let step_ms = median(WARM_UP, what.repeat, || {
        let batch = Batch {
            real_a: real_a.clone(),
            real_b: real_b.clone(),
            mask: None,
        };
        if let Some(before) = model.take() {
            let (after, losses) = before.step(&batch, 0, RATES);
            losses.read();
            model = Some(after);
        }
        Ok(())
    })?;
    let peak_rss_mb = peak_megabytes();
    let checkpoints = what
        .with_checkpoints
        .then(|| checkpoints(model.unwrap_or_else(fresh)));
    let (checkpoint_write_ms, checkpoint_load_ms) = checkpoints.transpose()?.unzip();
    Ok(MeasuredTraining {
        step_ms,
        checkpoint_write_ms,
        checkpoint_load_ms,
        peak_rss_mb,
    })
}

fn multiply_adds(config: &TrainConfig, size: u32, batch: u32) -> MultiplyAdds {
    let sides = [size as usize; 2];
    let net_g = config.generator().plan().macs(sides);
    let net_d = config.discriminator().plan().macs(sides);
    // A pass with all its gradients is three products, one that updates nothing two. Pix2pix makes one
    // of netG and two of netD, and asks netD once more for the way back to netG; CycleGAN makes six
    // and four, and asks twice.
    let step = match config.model {
        ModelKind::Pix2Pix => 3 * net_g + (2 * 3 + 2) * net_d,
        ModelKind::CycleGan => 6 * 3 * net_g + (4 * 3 + 2 * 2) * net_d,
    };
    let batch = batch as usize;
    MultiplyAdds {
        forward: batch * net_g,
        step: batch * step,
    }
}

fn values_of(config: &GeneratorConfig) -> usize {
    let shapes = shapes_of(&config.init(&Device::flex()));
    let values = shapes.values().map(|shape| shape.iter().product::<usize>());
    values.sum()
}

struct Forward {
    milliseconds: f64,
    difference: Option<f64>,
}

/// Times what translates images, with the averaged statistics of batch norms.
fn forward(engine: &Engine, config: &GeneratorConfig, what: Measurement) -> Result<Forward> {
    let cpu = Device::flex();
    let network = init_weights(config.init(&cpu), InitType::Normal, 0.02);
    let state = state_of(&network);
    drop(network);
    let real_a = image(what, &cpu);
    let shape = real_a.dims();
    let real_a: Vec<f32> = real_a.into_data().iter().collect();
    let on = |engine, state| LoadedGenerator::new(config, NormStats::Running, state, engine);
    let expected = match engine {
        Engine::Cpu => None,
        _ => Some(on(&Engine::Cpu, state.clone())?.run(&real_a, shape)?),
    };
    let network = on(engine, state)?;
    let milliseconds = median(WARM_UP, what.repeat, || {
        black_box(network.run(&real_a, shape)?);
        Ok(())
    })?;
    let found = network.run(&real_a, shape)?;
    Ok(Forward {
        milliseconds,
        difference: expected.map(|expected| largest_difference(&expected, &found)),
    })
}

/// A model of the paper's networks, of this width.
fn paper_config(what: Measurement) -> Result<TrainConfig> {
    let net_g = match what.model {
        ModelKind::Pix2Pix => "unet_256",
        ModelKind::CycleGan => "resnet_9blocks",
    };
    let base = what.base.to_string();
    let words = [
        "train",
        "--model",
        what.model.name(),
        "--net-g",
        net_g,
        "--base",
        &base,
        "--precision",
        what.precision.name(),
    ];
    Ok(TrainArgs::parsed(&words)?.decide(true, 1)?)
}

/// Milliseconds that it takes to write and to load a checkpoint, in the folder that we are in:
/// where runs are, on the same disk.
fn checkpoints(mut model: Gan) -> Result<(f64, f64)> {
    let root = tempfile::tempdir_in(".")
        .map_err(|error| anyhow!("no folder for checkpoints can be made here ({error})"))?;
    let folder = RunFolder::open(root.path());
    std::fs::create_dir_all(folder.checkpoints())?;
    let progress = Progress::default();
    let write = median(0, CHECKPOINTS, || {
        folder.save(&model, &progress, 1)?;
        Ok(())
    })?;
    let load = median(0, CHECKPOINTS, || {
        folder.restore(&mut model)?;
        Ok(())
    })?;
    Ok((write, load))
}

fn peak_megabytes() -> Option<f64> {
    peak_resident_bytes().map(|bytes| bytes as f64 / 1e6)
}

/// Milliseconds.
fn median(warm_up: u32, repeat: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for turn in 0..warm_up + repeat.max(1) {
        let started = Instant::now();
        work()?;
        if turn >= warm_up {
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
