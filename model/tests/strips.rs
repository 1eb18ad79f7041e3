//! Workers that share a picture give what one gives.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use burn::tensor::Device;
use model::state::{StateDict, state_of};
use model::{
    CpuGenerator, Exchange, GeneratorArch, GeneratorConfig, InitType, NormKind, NormStats, Strips,
    Upsample, init_weights,
};

/// Statistics and biases that are not zero and one, so that a border that is missing shows.
fn state(config: &GeneratorConfig) -> StateDict {
    let device = Device::flex();
    device.seed(5);
    let mut state = state_of(&init_weights(config.init(&device), InitType::Kaiming, 1.0));
    for (name, array) in &mut state {
        if name.ends_with("bias") || name.ends_with("beta") {
            for (at, value) in array.values.iter_mut().enumerate() {
                *value = 0.3 * (at as f32 * 1.7 + name.len() as f32).sin();
            }
        }
    }
    state
}

fn generator(config: &GeneratorConfig, stats: NormStats) -> CpuGenerator {
    CpuGenerator::new(config, stats, state(config)).expect("its own state fits")
}

fn picture(channels: usize, [height, width]: [usize; 2]) -> Vec<f32> {
    let wave = |at: usize| ((at as f32).sqrt() * 0.37 + at as f32 * 0.011).sin();
    (0..channels * height * width).map(wave).collect()
}

/// Where workers exchange rows: everyone brings something, then everyone sees what all have brought.
struct Exchanges {
    brought: Mutex<Vec<Vec<f32>>>,
    all_here: Barrier,
}

impl Exchanges {
    fn new(workers: usize) -> Self {
        Self {
            brought: Mutex::new(vec![Vec::new(); workers]),
            all_here: Barrier::new(workers),
        }
    }

    fn exchange(&self, worker: usize, exchange: Exchange) -> Vec<f32> {
        let (Exchange::Edges(rows) | Exchange::All { rows, .. }) = &exchange;
        self.brought.lock().expect("no one panics")[worker].clone_from(rows);
        self.all_here.wait();
        let brought = self.brought.lock().expect("no one panics").clone();
        self.all_here.wait();
        match &exchange {
            Exchange::All { total, .. } => {
                let rows = brought.concat();
                assert_eq!(rows.len(), *total);
                rows
            }
            Exchange::Edges(rows) => {
                let half = rows.len() / 2;
                let mut answer = vec![0.0; rows.len()];
                if worker > 0 {
                    answer[..half].copy_from_slice(&brought[worker - 1][half..]);
                }
                if worker + 1 < brought.len() {
                    answer[half..].copy_from_slice(&brought[worker + 1][..half]);
                }
                answer
            }
        }
    }
}

fn forward_strip(
    strips: &Strips<'_>,
    worker: usize,
    real_a: &[f32],
    exchanges: &Exchanges,
) -> Vec<f32> {
    let exchange = async |rows| Ok::<_, Infallible>(exchanges.exchange(worker, rows));
    let pass = pin!(strips.forward(worker, real_a, exchange));
    match pass.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(fake_b)) => fake_b,
        Poll::Pending => panic!("nothing here is waited for in vain"),
    }
}

fn forward_shared(strips: &Strips<'_>, real_a: &[f32]) -> Vec<f32> {
    let exchanges = Exchanges::new(strips.workers());
    let parts = thread::scope(|scope| {
        let work = |worker| {
            let (part, exchanges) = (strips.cut(real_a, worker), &exchanges);
            scope.spawn(move || forward_strip(strips, worker, &part, exchanges))
        };
        let threads: Vec<_> = (0..strips.workers()).map(work).collect();
        let parts = threads.into_iter().map(thread::ScopedJoinHandle::join);
        parts.collect::<Result<Vec<_>, _>>()
    });
    strips.join(&parts.expect("no worker panics"))
}

fn agrees(config: &GeneratorConfig, size: [usize; 2], workers: usize) {
    let off = difference(config, NormStats::Running, size, workers);
    assert_eq!(off, 0.0, "{config:?}, {workers} workers");
}

/// The largest from what one worker gives.
fn difference(config: &GeneratorConfig, stats: NormStats, size: [usize; 2], workers: usize) -> f32 {
    let generator = generator(config, stats);
    let real_a = picture(config.in_channels, size);
    let whole = generator.forward(&real_a, [1, config.in_channels, size[0], size[1]]);
    let strips = generator
        .strips(size, workers)
        .expect("it has rows for all");
    let rows: usize = (0..workers).map(|worker| strips.rows(worker).len()).sum();
    assert_eq!(rows, size[0]);
    let shared = forward_shared(&strips, &real_a);
    assert_eq!(shared.len(), whole.len());
    let off = shared.iter().zip(&whole).map(|(a, b)| (a - b).abs());
    off.fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a })
}

fn unet(norm: NormKind) -> GeneratorConfig {
    GeneratorConfig::new(GeneratorArch::Unet128, 5, norm)
}

#[test]
fn workers_that_share_a_picture_give_what_one_gives_to_the_bit() {
    agrees(&unet(NormKind::Batch), [128, 256], 2);
    agrees(&unet(NormKind::None), [384, 128], 3);
    agrees(&unet(NormKind::Batch), [512, 128], 8);
}

#[test]
fn every_kind_of_unet_is_shared() {
    let plain = unet(NormKind::Batch);
    for upsample in [Upsample::Resize, Upsample::Bilinear] {
        let resized = GeneratorConfig {
            upsample,
            ..plain.clone()
        };
        agrees(&resized, [256, 128], 2);
    }
    let residual = GeneratorConfig {
        residual: true,
        ..plain.clone()
    };
    agrees(&residual, [256, 128], 2);
    let listed = GeneratorConfig {
        decoder: model::Decoder::Listed,
        ..plain
    };
    agrees(&listed, [256, 128], 2);
}

#[test]
fn every_kind_of_resnet_is_shared() {
    let resnet = |arch| GeneratorConfig::new(arch, 4, NormKind::Batch);
    let six = resnet(GeneratorArch::Resnet6Blocks);
    for upsample in Upsample::ALL {
        let config = GeneratorConfig {
            upsample,
            ..six.clone()
        };
        agrees(&config, [32, 64], 2);
        agrees(&config, [80, 32], 3);
    }
    agrees(&resnet(GeneratorArch::Resnet9Blocks), [128, 48], 2);
}

/// Two sums of 32 bits that take their terms in another order differ in their last bits, and each
/// layer hands that on.
const ROUNDING: f32 = 1e-5;
/// Residual blocks add what earlier ones have rounded: a hundredth of what lies between two colours of a
/// picture, far below what a row left out of a sum does.
const ROUNDING_OF_BLOCKS: f32 = 0.01 * 2.0 / 255.0;

#[test]
fn workers_share_the_statistics_of_a_picture() {
    for (norm, stats) in [
        (NormKind::Batch, NormStats::Batch),
        (NormKind::Instance, NormStats::Running),
    ] {
        for (size, workers) in [([128, 128], 2), ([384, 160], 3), ([512, 128], 8)] {
            for (arch, rounding) in [
                (GeneratorArch::Unet128, ROUNDING),
                (GeneratorArch::Resnet9Blocks, ROUNDING_OF_BLOCKS),
            ] {
                let config = GeneratorConfig::new(arch, 5, norm);
                let off = difference(&config, stats, size, workers);
                assert!(
                    off < rounding,
                    "{config:?}, {workers} workers: off by {off}"
                );
            }
        }
    }
}

#[test]
fn pictures_of_few_rows_are_not_shared() {
    let size = [512, 512];
    let shared = generator(&unet(NormKind::Batch), NormStats::Running);
    assert!(shared.strips(size, 2).is_some());
    assert!(shared.strips(size, 1).is_none());
    assert!(shared.strips([128, 512], 64).is_none());
}
