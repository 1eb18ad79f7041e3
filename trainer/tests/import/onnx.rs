//! Generators as PyTorch's two exporters write them.

use std::fs;
use std::path::{Path, PathBuf};

use model::{Engine, Raster};
use serde_json::json;
use trainer::pytorch::read_tensors;
use trainer::translate::load_model;

use super::{fixture, import, manifest};
use crate::harness::{
    DONE, FAILED, WRONG_USAGE, assert_code, assert_names, done, run, temp, trained,
};

/// Both sum in f32, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands of
/// about one, which some twenty layers with norms of slopes around one hand on.
const SAME: f32 = 1e-4;
/// Rows and columns of what is expected.
const EVERY: usize = 4;

fn onnx(name: &str) -> PathBuf {
    fixture("onnx").join(name)
}

/// The picture that every generator was given, from -1 to 1.
fn picture() -> Raster {
    let image = image::open(fixture("pict/input.png"))
        .expect("an image")
        .to_rgb8();
    let plane = |channel: usize| {
        let values = image.pixels().map(move |pixel| pixel.0[channel]);
        values.map(|value| f32::from(value) / 127.5 - 1.0)
    };
    let values = (0..3).flat_map(plane).collect();
    Raster::from_planes(image.width() as usize, image.height() as usize, values)
}

fn sampled(raster: &Raster) -> Vec<f32> {
    let planes = (0..raster.channels()).flat_map(|channel| {
        let rows = raster.plane(channel).chunks(raster.width()).step_by(EVERY);
        rows.flat_map(|row| row.iter().step_by(EVERY))
    });
    planes.copied().collect()
}

#[test]
fn generators_of_both_exporters_compute_what_pytorch_computed() {
    let expected = read_tensors(&onnx("expected.safetensors")).expect("the fixture");
    assert_eq!(expected.len(), 11);
    for (name, expected) in expected {
        let folder = temp();
        let file = onnx(&format!("{name}.onnx"));
        assert_code(&import(folder.path(), &file, &["--weights", "f32"]), DONE);
        let (_, translator) =
            load_model(&folder.path().join("model"), &Engine::Cpu).expect("a model");
        let found = translator.translate_raster(&picture()).expect("a picture");
        let found = sampled(&found);
        assert_eq!(found.len(), expected.values.len(), "{name}");
        let differences = found.iter().zip(&expected.values);
        let worst = differences.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{name}: largest difference {worst:e}");
        assert!(worst <= SAME, "{name}: {worst}");
        // A flat picture would agree with any other.
        let least = expected.values.iter().copied().fold(f32::MAX, f32::min);
        let most = expected.values.iter().copied().fold(f32::MIN, f32::max);
        assert!(most - least > 0.1, "{name}");
    }
}

#[test]
fn the_network_and_its_statistics_are_found_from_the_graph() {
    for (name, arch, norm, stats) in [
        ("unet_batch_ts", "unet_128", "batch", "running"),
        ("unet_batch_dynamo", "unet_128", "batch", "running"),
        ("unet_of_image_ts", "unet_128", "batch", "batch"),
        ("unet_instance_dynamo", "unet_128", "instance", "batch"),
        ("unet_none_ts", "unet_128", "none", "batch"),
        ("resnet_instance_ts", "resnet_6blocks", "instance", "batch"),
        ("resnet_batch_dynamo", "resnet_9blocks", "batch", "running"),
        // To one image, an instance norm with learned scale and shift is a batch norm.
        ("resnet_affine_dynamo", "resnet_6blocks", "batch", "batch"),
        (
            "resnet_written_out_dynamo",
            "resnet_6blocks",
            "instance",
            "batch",
        ),
    ] {
        let folder = temp();
        assert_code(
            &import(folder.path(), &onnx(&format!("{name}.onnx")), &[]),
            DONE,
        );
        let expected = json!({
            "arch": arch, "in_channels": 3, "out_channels": 3, "base": 1,
            "norm": norm, "norm_stats": stats, "dropout": "off",
        });
        assert_eq!(manifest(folder.path())["generator"], expected, "{name}");
    }
}

#[test]
fn what_is_no_such_generator_is_refused_with_the_first_node_that_does_not_fit() {
    let folder = temp();
    let whole = fs::read(onnx("unet_none_ts.onnx")).expect("the fixture");
    fs::write(folder.path().join("cut.onnx"), &whole[..whole.len() / 2]).expect("room");
    fs::write(folder.path().join("text.onnx"), "This is no network.").expect("room");
    let file = |name: &str| match name.starts_with("refused") {
        true => onnx(name),
        false => folder.path().join(name),
    };
    for (name, words) in [
        ("refused_activation.onnx", &["node_gelu", "(Gelu)"][..]),
        (
            "refused_blocks.onnx",
            &["node \"node_convolution", "read as resnet_", "expected"],
        ),
        (
            "refused_elsewhere.onnx",
            &["another file", "external_data=False"],
        ),
        ("cut.onnx", &["damaged"]),
        ("text.onnx", &["damaged"]),
        ("gone.onnx", &["cannot be read"]),
    ] {
        let output = import(folder.path(), &file(name), &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[&[name], words].concat());
        assert!(!folder.path().join("model").exists());
    }
    let known = onnx("unet_none_ts.onnx");
    let other = import(folder.path(), &known, &["--net-g", "unet_256"]);
    assert_code(&other, FAILED);
    assert_names(&other, &["read as unet_256"]);
    let idle = import(folder.path(), &known, &["--norm-stats", "running"]);
    assert_code(&idle, WRONG_USAGE);
    assert_names(&idle, &["--norm-stats", ".onnx"]);
}

#[test]
fn a_run_goes_out_as_onnx_and_comes_back_with_the_same_picture_and_words() {
    let folder = temp();
    trained(folder.path(), &["--weights", "f32"]);
    let words = ["--title", "Houses", "--license", "CC0-1.0"];
    let export = ["export", "run", "--to", "onnx", "-o", "g.onnx"];
    done(folder.path(), &[&export[..], &words].concat());
    let file = folder.path().join("g.onnx");
    assert_code(&import(folder.path(), &file, &["--weights", "f32"]), DONE);
    let manifest = manifest(folder.path());
    assert_eq!(manifest["title"], "Houses");
    assert_eq!(manifest["license"], "CC0-1.0");
    let translated = |model: &str| {
        let input = fixture("pict/input.png");
        let input = input.to_str().expect("a path of letters");
        let output = format!("{}.png", model.replace('/', "-"));
        let arguments = ["translate", "--model", model, input, "-o", &output];
        assert_code(
            &run(
                folder.path(),
                &[&arguments[..], &["--device", "cpu"]].concat(),
            ),
            DONE,
        );
        pixels(&folder.path().join(output))
    };
    assert!(translated("model") == translated("run/export"));
}

fn pixels(path: &Path) -> Vec<u8> {
    image::open(path).expect("an image").to_rgb8().into_raw()
}
