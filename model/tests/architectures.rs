//! Every network that can be configured takes and gives the shapes that it says.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use model::discriminator::DiscriminatorNetwork;
use model::state::{load_state, shapes_of, state_of};
use model::{
    Decoder, DiscriminatorArch, DiscriminatorConfig, Dropout, GeneratorArch, GeneratorConfig,
    InitType, Mode, NormKind, NormStats, Patches, Precision, Upsample, init_weights,
};

const INFERENCE: Mode = Mode::Inference(NormStats::Batch);
const TRAINING: Mode = Mode::Train {
    dropout: Dropout { rate: 0.5, seed: 7 },
    precision: Precision::F32,
};

fn picture(channels: usize, side: usize) -> Tensor<4> {
    let range = Distribution::Uniform(-1.0, 1.0);
    Tensor::random([1, channels, side, side], range, &Device::flex())
}

fn translated(config: &GeneratorConfig, side: usize, mode: Mode) -> Tensor<4> {
    let net_g = init_weights(config.init(&Device::flex()), InitType::Normal, 0.02);
    net_g.forward(picture(config.in_channels, side), mode)
}

fn logits(config: &DiscriminatorConfig, side: usize) -> [usize; 4] {
    let net_d = init_weights(config.init(&Device::flex()), InitType::Normal, 0.02);
    let picture = picture(config.in_channels, side);
    net_d.forward(picture, INFERENCE).dims()
}

fn discriminator(arch: DiscriminatorArch, patches: Patches) -> DiscriminatorConfig {
    DiscriminatorConfig {
        arch,
        in_channels: 6,
        base: 2,
        norm: NormKind::Batch,
        patches,
    }
}

const ARCHITECTURES: [GeneratorArch; 5] = [
    GeneratorArch::Unet512,
    GeneratorArch::Unet256,
    GeneratorArch::Unet128,
    GeneratorArch::Resnet9Blocks,
    GeneratorArch::Resnet6Blocks,
];

#[test]
fn every_generator_keeps_height_and_width_with_every_norm_and_way_up() {
    for arch in ARCHITECTURES {
        let side = arch.size_rule().divisor();
        for norm in [NormKind::Batch, NormKind::Instance, NormKind::None] {
            for upsample in Upsample::ALL {
                let config = GeneratorConfig {
                    upsample,
                    resnet_dropout: true,
                    ..GeneratorConfig::new(arch, 1, norm)
                };
                for mode in [INFERENCE, TRAINING] {
                    let fake_b = translated(&config, side, mode);
                    assert_eq!(fake_b.dims(), [1, 3, side, side], "{config:?}");
                    let largest = fake_b.abs().max().into_scalar::<f32>();
                    assert!(largest <= 1.0, "{config:?}: {largest}");
                }
            }
        }
    }
}

#[test]
fn generators_take_and_give_one_to_eight_channels() {
    for channels in 1..=8 {
        for arch in [GeneratorArch::Unet128, GeneratorArch::Resnet6Blocks] {
            let config = GeneratorConfig {
                in_channels: channels,
                out_channels: 9 - channels,
                ..GeneratorConfig::new(arch, 1, NormKind::Instance)
            };
            let fake_b = translated(&config, 128, INFERENCE);
            assert_eq!(fake_b.dims(), [1, 9 - channels, 128, 128]);
        }
    }
}

#[test]
fn a_listed_decoder_has_the_widths_of_the_papers_table_and_ends_in_a_3x3_convolution() {
    let config = GeneratorConfig {
        decoder: Decoder::Listed,
        ..GeneratorConfig::new(GeneratorArch::Unet256, 64, NormKind::Batch)
    };
    let shapes = shapes_of(&config.init(&Device::flex()));
    let levels = (0..8).rev();
    let widths = levels.map(|level| shapes[&format!("unet.ups.{level}.conv.weight")][1]);
    let widths: Vec<usize> = widths.collect();
    assert_eq!(widths, [512, 1024, 1024, 1024, 1024, 512, 256, 128]);
    assert_eq!(shapes["unet.head.weight"], [3, 128, 3, 3]);

    let small = GeneratorConfig { base: 2, ..config };
    for mode in [INFERENCE, TRAINING] {
        assert_eq!(translated(&small, 256, mode).dims(), [1, 3, 256, 256]);
    }
}

#[test]
fn discriminators_give_a_logit_per_patch() {
    use DiscriminatorArch::{Basic, NLayers, Pixel};
    let overlapping = |arch| logits(&discriminator(arch, Patches::Overlapping), 256);
    assert_eq!(overlapping(Basic), [1, 1, 30, 30]);
    assert_eq!(overlapping(NLayers(1)), [1, 1, 126, 126]);
    assert_eq!(overlapping(NLayers(2)), [1, 1, 62, 62]);
    assert_eq!(overlapping(NLayers(3)), overlapping(Basic));
    assert_eq!(overlapping(NLayers(4)), [1, 1, 14, 14]);
    assert_eq!(overlapping(NLayers(5)), [1, 1, 6, 6]);
    assert_eq!(overlapping(Pixel), [1, 1, 256, 256]);
    let listed = discriminator(Basic, Patches::Listed);
    assert_eq!(logits(&listed, 256), [1, 1, 16, 16]);
}

/// Root mean square of a 3×3 convolution's weights, from 32 to 32 feature maps.
fn spread(init: InitType) -> f32 {
    let device = Device::flex();
    let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 8, NormKind::Batch);
    let state = state_of(&init_weights(config.init(&device), init, 0.02));
    let biases = &state["resnet.head.bias"].values;
    assert!(biases.iter().all(|&bias| bias == 0.0));
    let weights = &state["resnet.blocks.0.first.conv.weight"].values;
    let squares: f32 = weights.iter().map(|weight| weight * weight).sum();
    (squares / weights.len() as f32).sqrt()
}

#[test]
fn every_way_to_draw_weights_has_its_own_scale() {
    // Both fans are 288; an orthogonal row of 288 has the length 0.02.
    for (init, wanted) in [
        (InitType::Normal, 0.02),
        (InitType::Xavier, 0.02 * (2.0f32 / 576.0).sqrt()),
        (InitType::Kaiming, (2.0f32 / 288.0).sqrt()),
        (InitType::Orthogonal, 0.02 / 288.0f32.sqrt()),
    ] {
        let found = spread(init);
        assert!((found / wanted - 1.0).abs() < 0.05, "{init:?}: {found}");
    }
}

#[test]
fn names_of_tensors_do_not_depend_on_how_the_code_holds_its_families() {
    let device = Device::flex();
    let generator = |arch| GeneratorConfig::new(arch, 1, NormKind::Batch).init(&device);
    let judge = |arch| discriminator(arch, Patches::Overlapping).init(&device);
    let shapes = [
        ("unet.", shapes_of(&generator(GeneratorArch::Unet128))),
        (
            "resnet.",
            shapes_of(&generator(GeneratorArch::Resnet6Blocks)),
        ),
        ("patchgan.", shapes_of(&judge(DiscriminatorArch::Basic))),
        ("pixelgan.", shapes_of(&judge(DiscriminatorArch::Pixel))),
    ];
    for (prefix, shapes) in shapes {
        assert!(!shapes.is_empty());
        assert!(
            shapes.keys().all(|name| name.starts_with(prefix)),
            "{shapes:?}"
        );
    }
}

#[test]
fn a_state_that_was_read_can_be_loaded() {
    let device = Device::flex();
    let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 1, NormKind::Batch);
    let drawn = init_weights(config.init(&device), InitType::Normal, 0.02);
    let state = state_of(&drawn);
    let loaded = load_state(config.init(&device), state.clone()).expect("the same network");
    assert_eq!(state_of(&loaded.no_grad()), state);
}

#[test]
fn freezing_a_copy_of_a_fresh_network_leaves_the_network_free_to_learn() {
    let device = Device::flex().autodiff();
    let config = discriminator(DiscriminatorArch::Basic, Patches::Overlapping);
    let net_d = init_weights(config.init(&device), InitType::Normal, 0.02);
    let frozen = net_d.clone().no_grad();
    let picture = Tensor::<4>::ones([1, 6, 64, 64], &device);
    frozen.forward(picture.clone(), INFERENCE).sum().into_data();
    let gradients = net_d.forward(picture, INFERENCE).sum().backward();
    let DiscriminatorNetwork::Patchgan(patchgan) = &net_d.network else {
        panic!("the basic network is a PatchGAN");
    };
    let bias = patchgan.head.bias.as_ref().expect("the head has a bias");
    assert!(bias.val().grad(&gradients).is_some());
}

#[test]
fn running_statistics_do_not_depend_on_the_threads_that_the_steps_run_on() {
    let device = Device::flex();
    let config = discriminator(DiscriminatorArch::Basic, Patches::Overlapping);
    let fresh = init_weights(config.init(&device), InitType::Normal, 0.02);
    let picture = |step: usize| Tensor::<4>::ones([1, 6, 64, 64], &device) * (step as f32 - 1.5);
    let [alone, spread] = [(); 2].map(|()| fresh.valid());
    for step in 0..4 {
        alone.forward(picture(step), TRAINING);
        // Each step on a thread of its own.
        let step = || spread.forward(picture(step), TRAINING).into_data();
        std::thread::scope(|threads| threads.spawn(step).join()).expect("a step");
    }
    let (alone, spread) = (state_of(&alone), state_of(&spread));
    assert_ne!(alone, state_of(&fresh));
    assert_eq!(alone, spread);
}
