//! Pixels go to a graphics device and come back as the CPU would have rounded them.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod software_gpu;

use burn::tensor::Device;
use model::state::state_of;
use model::{
    Encoding, GeneratorArch, GeneratorConfig, InitType, NormKind, NormStats, encoding,
    init_weights, pixels,
};
use pollster::block_on;

/// Every byte, in colours that change from pixel to pixel.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let byte = |at: usize| (at * 37 + at / 1024 * 11) % 256;
    (0..4 * width * height).map(|at| byte(at) as u8).collect()
}

fn to_the_byte(config: &GeneratorConfig) {
    let rule = config.arch.size_rule();
    let net_g = init_weights(config.init(&Device::flex()), InitType::Kaiming, 1.0);
    let (state, gpu) = (state_of(&net_g), software_gpu::gpu());
    let generator = software_gpu::generator(config, NormStats::Batch, state, &gpu);
    for (width, height) in [(128, 128), (200, 61), (1, 300)] {
        let rgba = picture(width, height);
        let real_a = Encoding::Color.from_rgba(&rgba, (width, height), config.in_channels);
        let real_a = real_a.expect("such an input");
        let (values, shape) = pixels::padded(&real_a, rule).expect("a fitting size");
        let fake_b = software_gpu::forward(&generator, &values, shape);
        let expected = encoding::to_rgba(&pixels::cropped(&fake_b, width, height, rule), &rgba);
        let padded = [shape[2], shape[3]];
        let found = generator.translate(&rgba, (width, height), padded, &|_, _| ());
        let found = block_on(found).expect("the driver does its work");
        assert_eq!(
            found.as_ref(),
            Some(&expected),
            "{config:?}, {width}×{height}"
        );
        assert_ne!(expected, rgba);
    }
}

#[test]
fn pictures_of_every_number_of_channels_come_back_as_the_cpu_rounds_them() {
    for (in_channels, out_channels) in [(3, 3), (1, 3), (4, 4), (3, 1), (4, 2)] {
        to_the_byte(&GeneratorConfig {
            in_channels,
            out_channels,
            ..GeneratorConfig::new(GeneratorArch::Unet128, 4, NormKind::Instance)
        });
    }
}

#[test]
fn a_correction_is_added_to_the_picture_as_the_cpu_adds_it() {
    for channels in [1, 3] {
        to_the_byte(&GeneratorConfig {
            in_channels: channels,
            out_channels: channels,
            residual: true,
            ..GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 4, NormKind::Batch)
        });
    }
}

#[test]
fn a_network_of_other_inputs_takes_no_pixels() {
    let config = GeneratorConfig {
        in_channels: 6,
        ..GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 2, NormKind::Batch)
    };
    let net_g = init_weights(config.init(&Device::flex()), InitType::Kaiming, 1.0);
    let (state, gpu) = (state_of(&net_g), software_gpu::gpu());
    let generator = software_gpu::generator(&config, NormStats::Batch, state, &gpu);
    let rgba = picture(16, 16);
    let answer = generator.translate(&rgba, (16, 16), [16, 16], &|_, _| ());
    assert_eq!(block_on(answer).expect("nothing failed"), None);
}
