//! What networks make of pictures in tiles, against what they make of the whole.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use burn::tensor::Device;
use model::manifest::{
    FORMAT, InputMode, Manifest, ManifestGenerator, ManifestInput, ManifestOutput, TestDropout,
    VERSION,
};
use model::state::state_of;
use model::tiling::Rect;
use model::{
    Encoding, Engine, GeneratorArch, GeneratorConfig, InitType, NormKind, NormStats, Raster,
    TileOptions, TilePlan, Translator, Upsample, init_weights,
};

/// One step of 8 bits, in the units of rasters.
const ONE_OF_255: f32 = 2.0 / 255.0;

fn translator(config: GeneratorConfig, norm_stats: NormStats) -> Translator {
    translator_of(config, norm_stats, InitType::Kaiming)
}

fn translator_of(config: GeneratorConfig, norm_stats: NormStats, init: InitType) -> Translator {
    let device = Device::flex();
    device.seed(7);
    let generator = init_weights(config.init(&device), init, 1.0);
    let manifest = Manifest {
        format: FORMAT.to_string(),
        version: VERSION,
        name: String::new(),
        title: String::new(),
        task: String::new(),
        input: ManifestInput {
            multiple_of: config.arch.size_rule().divisor(),
            mode: InputMode::Photo,
            palette: Vec::new(),
            range: [-1.0, 1.0],
            encoding: Encoding::Color,
        },
        generator: ManifestGenerator {
            config,
            norm_stats,
            dropout: TestDropout::Off,
        },
        output: ManifestOutput::default(),
        weights: Vec::new(),
        training: serde_json::Value::Null,
        license: String::new(),
        samples: Vec::new(),
    };
    Translator::new(&manifest, state_of(&generator), &Engine::Cpu).expect("its own state")
}

/// Waves, edges and grain, as photos have them.
fn picture(width: usize, height: usize) -> Raster {
    let value = |channel: usize, x: usize, y: usize| {
        let (fx, fy) = (x as f32, y as f32);
        let wave = (fx / (17.0 + channel as f32)).sin() + (fy / 23.0 + fx / 61.0).cos();
        let edge = if (x / 37 + y / 53).is_multiple_of(2) {
            0.25
        } else {
            -0.25
        };
        let grain = (x * 7919 + y * 104_729 + channel * 31 + x * y) % 997;
        (0.3 * wave + edge + (grain as f32 / 997.0 - 0.5) * 0.3).clamp(-1.0, 1.0)
    };
    let values = (0..3).flat_map(|channel| {
        (0..height).flat_map(move |y| (0..width).map(move |x| value(channel, x, y)))
    });
    Raster::from_planes(width, height, values.collect())
}

fn cut(picture: &Raster, rect: Rect) -> Raster {
    let plane = |channel: usize| {
        let rows = picture.plane(channel).chunks_exact(picture.width());
        let rows = rows.skip(rect.y).take(rect.height);
        rows.flat_map(move |row| &row[rect.x..][..rect.width])
    };
    let values = (0..picture.channels()).flat_map(plane).copied().collect();
    Raster::from_planes(rect.width, rect.height, values)
}

fn tiled(translator: &Translator, plan: &TilePlan, picture: &Raster) -> Raster {
    let mut planes = vec![Vec::new(); 3];
    let read = |rect| cut(picture, rect);
    let done = translator.translate_tiles(plan, read, |strip| {
        for (channel, plane) in planes.iter_mut().enumerate() {
            plane.extend_from_slice(strip.raster.plane(channel));
        }
    });
    done.expect("a translation");
    Raster::from_planes(picture.width(), picture.height(), planes.concat())
}

fn options(side: usize, overlap: Option<usize>) -> TileOptions {
    TileOptions {
        side: Some(side),
        overlap,
    }
}

/// Contrast of the result, and its largest difference from that of the whole picture.
fn against_whole(translator: &Translator, plan: &TilePlan, picture: &Raster) -> (f32, f32) {
    let whole = translator.translate_raster(picture).expect("the whole");
    let tiled = tiled(translator, plan, picture);
    let pairs = whole.values().iter().zip(tiled.values());
    let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let highest = whole.values().iter().copied().fold(-1.0, f32::max);
    let lowest = whole.values().iter().copied().fold(1.0, f32::min);
    (highest - lowest, largest)
}

#[test]
fn tiles_that_hold_the_receptive_field_give_the_result_of_the_whole() {
    let resnet = GeneratorArch::Resnet6Blocks;
    let unet = GeneratorArch::Unet128;
    for (arch, norm, size, side) in [
        (resnet, NormKind::None, (450, 333), 192),
        (resnet, NormKind::Batch, (391, 260), 256),
        (unet, NormKind::None, (1500, 100), 1280),
    ] {
        let config = GeneratorConfig::new(arch, 2, norm);
        let translator = translator(config, NormStats::Running);
        let plan = translator.plan(size, options(side, None)).expect("a plan");
        assert!(plan.is_exact() && plan.count() > 1, "{arch:?} {norm:?}");
        let (contrast, largest) = against_whole(&translator, &plan, &picture(size.0, size.1));
        assert!(contrast > 0.2, "{arch:?} {norm:?}: {contrast}");
        assert!(largest < ONE_OF_255, "{arch:?} {norm:?}: {largest}");
    }
}

#[test]
fn tiles_that_share_less_than_they_see_differ_so_that_the_radius_is_no_more_than_needed() {
    let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 2, NormKind::None);
    let translator = translator(config, NormStats::Running);
    let radius = translator.receptive_radius().expect("a local network");
    let plan = translator
        .plan((450, 200), options(192, Some(0)))
        .expect("a plan");
    assert!(!plan.is_exact());
    let (_, largest) = against_whole(&translator, &plan, &picture(450, 200));
    assert!(largest > 4.0 * ONE_OF_255, "{largest}");
    let exact = translator.plan((450, 200), options(192, Some(2 * radius)));
    assert!(exact.expect("a plan").is_exact());
}

#[test]
fn norms_that_look_at_the_whole_picture_are_not_taken_for_exact() {
    for (norm, stats) in [
        (NormKind::Instance, NormStats::Running),
        (NormKind::Batch, NormStats::Batch),
    ] {
        let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 1, norm);
        let translator = translator(config, stats);
        let plan = translator
            .plan((600, 600), options(256, None))
            .expect("a plan");
        assert!(!plan.is_exact() && plan.count() > 1);
        assert_eq!(translator.receptive_radius(), None);
    }
}

/// How much larger the mean step from one column to the next is across the borders of a plan's
/// tiles than elsewhere: where tiles begin and end to count, and half-way, where both count alike.
fn seam_ratio(result: &Raster, plan: &TilePlan) -> f64 {
    let (columns, _) = plan.seams();
    let middles = columns.windows(2).map(|two| two[0].midpoint(two[1]));
    let borders: Vec<usize> = columns.iter().copied().chain(middles).collect();
    let (mut across, mut others) = ((0.0, 0), (0.0, 0));
    for x in 1..result.width() {
        let sum = match borders.contains(&x) {
            true => &mut across,
            false => &mut others,
        };
        for channel in 0..result.channels() {
            for row in result.plane(channel).chunks_exact(result.width()) {
                *sum = (sum.0 + f64::from((row[x] - row[x - 1]).abs()), sum.1 + 1);
            }
        }
    }
    let mean = |(sum, count): (f64, u32)| sum / f64::from(count);
    mean(across) / mean(others)
}

#[test]
fn a_u_nets_tiles_have_no_seams_with_running_statistics() {
    let size = (1100, 256);
    let waves = |at: usize| {
        let (x, y) = ((at % size.0) as f32, (at / size.0 % size.1) as f32);
        let channel = (at / size.0 / size.1) as f32;
        0.4 * (x / (17.0 + channel)).sin() + 0.4 * (y / 23.0 + x / 61.0).cos()
    };
    let values = (0..3 * size.0 * size.1).map(waves);
    let picture = Raster::from_planes(size.0, size.1, values.collect());
    let ratios = |upsample| {
        let config = GeneratorConfig {
            upsample,
            ..GeneratorConfig::new(GeneratorArch::Unet128, 8, NormKind::Batch)
        };
        let translator = translator_of(config, NormStats::Running, InitType::Xavier);
        let plan = |overlap| {
            let plan = translator.plan(size, options(256, overlap));
            plan.expect("a plan")
        };
        let (blended, cut) = (plan(None), plan(Some(0)));
        let whole = translator.translate_raster(&picture).expect("the whole");
        (
            seam_ratio(&tiled(&translator, &blended, &picture), &blended),
            seam_ratio(&whole, &blended),
            seam_ratio(&tiled(&translator, &cut, &picture), &cut),
        )
    };
    for upsample in [Upsample::Resize, Upsample::Bilinear] {
        let (blended, _, cut) = ratios(upsample);
        assert!(blended <= 1.05, "{upsample:?}: {blended}");
        // The measure sees seams where there are some.
        assert!(cut > 1.2, "{upsample:?}: {cut}");
    }
    // Transposed convolutions that nobody trained draw checkerboards, whose steps differ from
    // column to column in the whole picture too.
    let (blended, whole, _) = ratios(Upsample::Transposed);
    assert!(
        blended <= 1.05 * whole.max(1.0),
        "{blended}, untiled {whole}"
    );
}
