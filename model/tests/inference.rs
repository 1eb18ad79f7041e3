//! Our own forward passes, on the CPU and by shaders, give what burn's gives, for every network that
//! there is.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[cfg(target_os = "linux")]
mod software_gpu;

use std::process::Command;

use burn::tensor::{Device, Distribution, Tensor};
use model::state::{StateDict, StateError, load_state, state_of};
use model::{
    CpuGenerator, Decoder, Generator, GeneratorArch, GeneratorConfig, InitType, Instructions, Mode,
    NormKind, NormStats, Upsample, init_weights,
};

/// Both add in 32 bits, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands of
/// about one, handed on by some twenty layers whose norms have slopes around one.
const TOLERANCE: f32 = 1e-4;

#[test]
fn all_of_this_holds_with_every_set_of_instructions_that_the_processor_has() {
    // The best of them is what the other tests run with.
    let [others @ .., _] = &Instructions::available()[..] else {
        return;
    };
    for instructions in others {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .env(Instructions::VARIABLE, instructions.name())
            .args(["what_burn_gives", "--skip", "16_bits"])
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}", instructions.name());
    }
}

fn device() -> Device {
    let device = Device::flex();
    device.seed(5);
    device
}

/// Weights large enough to matter, and statistics and biases that are not zero and one.
fn trained(config: &GeneratorConfig) -> (Generator, StateDict) {
    let net_g = init_weights(config.init(&device()), InitType::Kaiming, 1.0);
    let mut state = state_of(&net_g);
    for (name, array) in &mut state {
        let values = array.values.iter_mut().enumerate();
        let wave = |at: usize| (at as f32 * 1.7 + name.len() as f32).sin();
        match name.rsplit('.').next() {
            Some("running_var") => values.for_each(|(at, value)| *value = 1.5 + wave(at)),
            Some("running_mean" | "bias" | "beta") => {
                values.for_each(|(at, value)| *value = 0.2 * wave(at));
            }
            Some("gamma") => values.for_each(|(at, value)| *value = 1.0 + 0.3 * wave(at)),
            _ => {}
        }
    }
    let net_g = load_state(net_g, state.clone()).expect("its own state fits");
    (net_g, state)
}

fn agrees(config: &GeneratorConfig, batch: usize, size: [usize; 2]) {
    agrees_with(trained(config), config, batch, size);
}

fn agrees_with(
    (net_g, state): (Generator, StateDict),
    config: &GeneratorConfig,
    batch: usize,
    [height, width]: [usize; 2],
) {
    let shape = [batch, config.in_channels, height, width];
    let real_a = Tensor::<4>::random(shape, Distribution::Uniform(-1.0, 1.0), &device());
    let values: Vec<f32> = real_a.to_data().iter().collect();
    for stats in [NormStats::Running, NormStats::Batch] {
        let expected = net_g.forward(real_a.clone(), Mode::Inference(stats));
        let expected: Vec<f32> = expected.into_data().iter().collect();
        let ours = CpuGenerator::new(config, stats, state.clone()).expect("the state fits");
        let agree = |engine: &dyn std::fmt::Display, found: Vec<f32>| {
            assert_eq!(found.len(), expected.len());
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            assert!(
                off.clone().all(|off| off <= TOLERANCE),
                "{config:?}, {stats:?}, {engine}: off by {:?}",
                off.reduce(f32::max)
            );
        };
        // The second image finds the buffers of the first.
        for _ in 0..2 {
            agree(&"CPU", ours.forward(&values, shape));
        }
        // Shaders are the same with any instructions.
        #[cfg(target_os = "linux")]
        for kernel in model::Kernel::ALL {
            if std::env::var_os(Instructions::VARIABLE).is_some() {
                continue;
            }
            let gpu = software_gpu::gpu().with_tuning(model::Tuning::Forced(kernel));
            let shaders = software_gpu::generator(config, stats, state.clone(), &gpu);
            let images = if kernel == model::Kernel::Direct {
                2
            } else {
                1
            };
            for _ in 0..images {
                agree(&kernel, software_gpu::forward(&shaders, &values, shape));
            }
            // Layers of four channels and fewer have no tiles.
            let forced = |(_, used)| used == kernel;
            assert!(shaders.kernels().into_iter().any(forced), "{kernel}");
        }
        let spread = |values: &[f32]| {
            values.iter().fold(f32::MIN, |a, b| a.max(*b))
                - values.iter().fold(f32::MAX, |a, b| a.min(*b))
        };
        assert!(spread(&expected) > 0.1, "a flat picture compares nothing");
    }
}

fn config(arch: GeneratorArch, base: usize, norm: NormKind) -> GeneratorConfig {
    GeneratorConfig::new(arch, base, norm)
}

#[test]
fn a_unet_with_every_norm_gives_what_burn_gives() {
    for norm in [NormKind::Batch, NormKind::Instance, NormKind::None] {
        agrees(&config(GeneratorArch::Unet128, 5, norm), 1, [128, 256]);
    }
    agrees(
        &config(GeneratorArch::Unet256, 16, NormKind::Batch),
        1,
        [256, 256],
    );
    agrees(
        &config(GeneratorArch::Unet512, 2, NormKind::Batch),
        1,
        [512, 512],
    );
}

#[test]
fn a_resnet_with_every_norm_gives_what_burn_gives() {
    for norm in [NormKind::Batch, NormKind::Instance, NormKind::None] {
        agrees(&config(GeneratorArch::Resnet6Blocks, 5, norm), 1, [72, 56]);
    }
    agrees(
        &config(GeneratorArch::Resnet9Blocks, 16, NormKind::Instance),
        1,
        [64, 64],
    );
}

#[test]
fn resizing_upsampling_and_the_listed_decoder_give_what_burn_gives() {
    for arch in [GeneratorArch::Unet128, GeneratorArch::Resnet6Blocks] {
        for upsample in [Upsample::Resize, Upsample::Bilinear] {
            let resizing = GeneratorConfig {
                upsample,
                ..config(arch, 6, NormKind::Batch)
            };
            agrees(&resizing, 1, [128, 128]);
        }
    }
    let listed = GeneratorConfig {
        decoder: Decoder::Listed,
        norm_bottleneck: true,
        input_bias: true,
        ..config(GeneratorArch::Unet128, 4, NormKind::Batch)
    };
    agrees(&listed, 2, [128, 128]);
}

#[test]
fn batches_and_other_numbers_of_channels_give_what_burn_gives() {
    for (in_channels, out_channels) in [(1, 8), (6, 1), (4, 5)] {
        for arch in [GeneratorArch::Unet128, GeneratorArch::Resnet6Blocks] {
            let channels = GeneratorConfig {
                in_channels,
                out_channels,
                ..config(arch, 3, NormKind::Batch)
            };
            agrees(&channels, 3, [128, 128]);
        }
    }
    let residual = GeneratorConfig {
        residual: true,
        ..config(GeneratorArch::Unet128, 4, NormKind::Instance)
    };
    agrees(&residual, 2, [128, 128]);
}

#[test]
fn weights_in_16_bits_give_what_burn_gives() {
    for (arch, norm, upsample) in [
        (
            GeneratorArch::Unet128,
            NormKind::Batch,
            Upsample::Transposed,
        ),
        (GeneratorArch::Unet128, NormKind::Batch, Upsample::Resize),
        (
            GeneratorArch::Resnet6Blocks,
            NormKind::Instance,
            Upsample::Transposed,
        ),
    ] {
        let config = GeneratorConfig {
            upsample,
            ..config(arch, 8, norm)
        };
        let (net_g, mut state) = trained(&config);
        for value in state.values_mut().flat_map(|array| &mut array.values) {
            *value = half::f16::from_f32(*value).to_f32();
        }
        let net_g = load_state(net_g, state.clone()).expect("its own state fits");
        agrees_with((net_g, state), &config, 1, [128, 128]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn kernels_are_measured_once_for_each_shape_within_a_budget_and_known_from_then_on() {
    use std::sync::atomic::{AtomicU32, Ordering};

    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn fast_clock() -> f64 {
        f64::from(ASKED.fetch_add(1, Ordering::Relaxed)) * 1e-3
    }
    fn slow_clock() -> f64 {
        f64::from(ASKED.fetch_add(1, Ordering::Relaxed)) * 1e3
    }
    let config = config(GeneratorArch::Resnet6Blocks, 8, NormKind::Batch);
    let (_, state) = trained(&config);
    let (shape, values) = ([1, 3, 32, 32], vec![0.5; 3 * 32 * 32]);
    let translated = |now, choices| {
        let gpu = software_gpu::gpu().with_tuning(model::Tuning::Measured { now });
        let generator = software_gpu::generator(&config, NormStats::Batch, state.clone(), &gpu);
        generator.recall(choices);
        let before = ASKED.load(Ordering::Relaxed);
        let _ = software_gpu::forward(&generator, &values, shape);
        (generator, ASKED.load(Ordering::Relaxed) - before)
    };
    let (first, asked) = translated(fast_clock, "");
    let choices = first.choices();
    assert!(choices.contains("Convolution 3/1 32-32"), "{choices}");
    assert!(asked > 20, "{asked}");

    let (second, asked) = translated(fast_clock, &choices);
    assert_eq!((&second.choices(), asked), (&choices, 1));
    assert_eq!(second.kernels(), first.kernels());

    let (hurried, asked) = translated(slow_clock, "");
    assert!(asked < 10, "{asked}");
    let usual = |(_, kernel): &(&str, model::Kernel)| *kernel == model::Kernel::Direct;
    assert!(hurried.kernels().iter().all(usual));
}

#[cfg(target_os = "linux")]
#[test]
fn work_in_parts_gives_the_same_and_says_how_far_it_is() {
    let config = config(GeneratorArch::Resnet6Blocks, 5, NormKind::Instance);
    let (_, state) = trained(&config);
    let shape = [1, 3, 72, 56];
    let values: Vec<f32> = (0..3 * 72 * 56).map(|at| (at as f32).sin()).collect();
    let macs = config.plan().macs([72, 56]);
    let whole = software_gpu::gpu();
    let in_parts = software_gpu::gpu().with_macs_of_submit(macs as u64 / 40);
    let heard = std::cell::RefCell::new(Vec::new());
    let hear = |done, total| heard.borrow_mut().push((done, total));
    let [whole, parts] = [whole, in_parts].map(|gpu| {
        let state = state.clone();
        let generator = software_gpu::generator(&config, NormStats::Batch, state, &gpu);
        pollster::block_on(generator.forward(&values, shape, &hear)).expect("it is translated")
    });
    assert_eq!(whole, parts);
    // Nothing of the whole; all but the last two of the parts, which end with the result.
    let total = heard.borrow().first().map_or(0, |heard| heard.1);
    assert!((40..80).contains(&total), "{total}");
    let expected: Vec<_> = (1..total - 1).map(|done| (done, total)).collect();
    assert_eq!(heard.into_inner(), expected);
}

#[test]
fn tensors_of_another_network_are_refused_by_name() {
    let config = config(GeneratorArch::Unet128, 2, NormKind::Batch);
    let load = |state| CpuGenerator::new(&config, NormStats::Running, state).map(drop);
    let state = trained(&config).1;
    assert_eq!(load(state.clone()), Ok(()));

    let name = "unet.ups.3.norm.batch.running_var";
    let mut missing = state.clone();
    missing.remove(name);
    assert_eq!(load(missing), Err(StateError::Missing(name.to_owned())));

    let mut unknown = state.clone();
    unknown.insert("unet.tail".to_owned(), state[name].clone());
    assert_eq!(
        load(unknown),
        Err(StateError::Unknown("unet.tail".to_owned()))
    );

    let mut infinite = state.clone();
    infinite.get_mut(name).expect("it is there").values[0] = f32::INFINITY;
    assert_eq!(load(infinite), Err(StateError::NotFinite(name.to_owned())));

    let mut short = state;
    short.get_mut(name).expect("it is there").values.pop();
    assert!(matches!(load(short), Err(StateError::Shape { .. })));
}
