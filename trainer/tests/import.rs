//! Checkpoints of others: in through `import`, out through `export --to pytorch`, and files that
//! nobody should trust.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "import/file_formats.rs"]
mod file_formats;
mod harness;
#[path = "import/onnx.rs"]
mod onnx;
#[path = "import/pict.rs"]
mod pict;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use harness::{DONE, FAILED, WRONG_USAGE, assert_code, assert_names, run, temp};
use model::Manifest;
use pytorch_reader::{DType, PytorchReader};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use trainer::pytorch::{Entry, Tensors, read_tensors, state_dict_bytes};

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(name)
}

/// Imports `file` to `model` in `folder`.
fn import(folder: &Path, file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().expect("a path of letters");
    run(folder, &[&["import", file, "-o", "model"], more].concat())
}

fn manifest(folder: &Path) -> Value {
    let json = fs::read_to_string(folder.join("model/manifest.json")).expect("a manifest");
    Manifest::parse(&json).expect("a valid manifest");
    serde_json::from_str(&json).expect("JSON")
}

/// Name, type and shape of everything in a `.pth`.
fn listing(file: &Path) -> BTreeMap<String, (DType, Vec<usize>)> {
    let tensors = PytorchReader::new(file).expect("a .pth").into_tensors();
    let listed = tensors.into_iter();
    listed
        .map(|(name, tensor)| (name, (tensor.dtype(), tensor.shape().to_vec())))
        .collect()
}

const GENERATORS: [&str; 5] = [
    "unet_256",
    "unet_128_instance",
    "unet_128_gray_in",
    "resnet_9blocks",
    "resnet_6blocks_batch",
];

#[test]
fn what_was_imported_and_exported_again_is_what_it_was() {
    for name in GENERATORS {
        let folder = temp();
        let original = fixture(&format!("{name}.pth"));
        assert_code(
            &import(folder.path(), &original, &["--weights", "f32"]),
            DONE,
        );
        let arguments = ["export", "model", "--to", "pytorch", "-o", "back.pth"];
        assert_code(&run(folder.path(), &arguments), DONE);
        let back = folder.path().join("back.pth");
        let (found, expected) = (read_tensors(&back), read_tensors(&original));
        assert!(found.expect("ours") == expected.expect("theirs"), "{name}");
        // Counters included: the reference loads strictly.
        assert_eq!(listing(&back), listing(&original), "{name}");
    }
}

#[test]
fn the_network_is_found_from_the_file() {
    for (name, arch, channels, norm) in [
        ("unet_256", "unet_256", [3, 3], "batch"),
        ("unet_128_instance", "unet_128", [3, 3], "instance"),
        ("unet_128_gray_in", "unet_128", [1, 3], "batch"),
        ("resnet_9blocks", "resnet_9blocks", [3, 3], "instance"),
        ("resnet_6blocks_batch", "resnet_6blocks", [3, 3], "batch"),
    ] {
        let folder = temp();
        let output = import(folder.path(), &fixture(&format!("{name}.pth")), &[]);
        assert_code(&output, DONE);
        let expected = json!({
            "arch": arch, "in_channels": channels[0], "out_channels": channels[1], "base": 4,
            "norm": norm, "norm_stats": "batch", "dropout": "off",
        });
        assert_eq!(manifest(folder.path())["generator"], expected, "{name}");
    }
}

#[test]
fn words_of_the_command_line_end_up_in_the_manifest() {
    let folder = temp();
    let words = [
        "--net-g",
        "unet_128",
        "--norm",
        "batch",
        "--norm-stats",
        "running",
        "--weights",
        "q8",
        "--name",
        "grey",
        "--title",
        "Grey to colour",
        "--license",
        "CC0",
    ];
    let file = fixture("unet_128_gray_in.pth");
    assert_code(&import(folder.path(), &file, &words), DONE);
    let manifest = manifest(folder.path());
    assert_eq!(manifest["generator"]["norm_stats"], "running");
    assert_eq!(manifest["weights"][0]["dtype"], "q8");
    assert_eq!(manifest["name"], "grey");
    assert_eq!(manifest["title"], "Grey to colour");
    assert_eq!(manifest["license"], "CC0");
}

#[test]
fn a_wrong_net_g_lists_what_is_missing_and_left_over() {
    let folder = temp();
    let file = fixture("unet_128_instance.pth");
    let output = import(folder.path(), &file, &["--net-g", "unet_256"]);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["unet_128_instance.pth", "lacks 6 tensors", "--net-g"],
    );
    let output = import(folder.path(), &file, &["--net-g", "resnet_9blocks"]);
    assert_code(&output, FAILED);
    assert_names(&output, &["holds a U-Net", "--net-g"]);
    let output = import(folder.path(), &file, &["--norm", "batch"]);
    assert_code(&output, FAILED);
    assert_names(&output, &["lacks", "left over", "--norm"]);
    assert!(!folder.path().join("model").exists());
}

#[test]
fn other_networks_are_called_by_their_names() {
    let folder = temp();
    for (name, words) in [
        (
            "patchgan_70.pth",
            ["PatchGAN discriminator", "latest_net_G.pth"],
        ),
        (
            "patchgan_70_instance.pth",
            ["PatchGAN discriminator", "latest_net_G.pth"],
        ),
        ("pixelgan.pth", ["pixel discriminator", "latest_net_G.pth"]),
        // A safetensors file of images.
        (
            "pixelgan.safetensors",
            ["no generator is known", "input, output"],
        ),
    ] {
        let output = import(folder.path(), &fixture(name), &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[&[name][..], &words[..]].concat());
        assert!(!folder.path().join("model").exists());
    }
}

#[test]
fn an_imported_model_translates() {
    let folder = temp();
    let file = fixture("unet_128_gray_in.pth");
    assert_code(&import(folder.path(), &file, &[]), DONE);
    let image = image::RgbImage::from_fn(128, 96, |x, y| image::Rgb([(x + y) as u8; 3]));
    let path = folder.path().join("in.png");
    image.save(&path).expect("an image");
    let arguments = [
        "translate",
        "--model",
        "model",
        "in.png",
        "-o",
        "out",
        "--device",
        "cpu",
    ];
    assert_code(&run(folder.path(), &arguments), DONE);
    let result = image::open(folder.path().join("out/in.png")).expect("an image");
    assert_eq!((result.width(), result.height()), (128, 96));
    assert_ne!(result.to_rgb8(), image);
}

#[test]
fn a_run_and_its_model_folder_export_the_same_network() {
    let folder = temp();
    let arguments = [
        "train",
        "--net-g",
        "unet_128",
        "--base",
        "2",
        "--steps",
        "1",
        "--size",
        "128",
        "--device",
        "cpu",
        "--weights",
        "f32",
        "--run",
        "run",
    ];
    assert_code(&run(folder.path(), &arguments), DONE);
    for (source, file) in [("run", "run.pth"), ("run/export", "model.pth")] {
        let arguments = ["export", source, "--to", "pytorch", "-o", file];
        assert_code(&run(folder.path(), &arguments), DONE);
    }
    let read = |file: &str| read_tensors(&folder.path().join(file)).expect("ours");
    assert!(read("run.pth") == read("model.pth"));
    let refused = [&arguments_to_pytorch("run")[..], &["--title", "x"]].concat();
    let output = run(folder.path(), &refused);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--title"]);
}

fn arguments_to_pytorch(source: &str) -> [&str; 6] {
    ["export", source, "--to", "pytorch", "-o", "back.pth"]
}

#[test]
fn a_generator_that_the_reference_lacks_is_not_exported_for_it() {
    let folder = temp();
    let arguments = [
        "train",
        "--net-g",
        "unet_128",
        "--base",
        "2",
        "--steps",
        "1",
        "--size",
        "128",
        "--device",
        "cpu",
        "--residual",
        "true",
        "--run",
        "run",
    ];
    assert_code(&run(folder.path(), &arguments), DONE);
    let output = run(folder.path(), &arguments_to_pytorch("run"));
    assert_code(&output, FAILED);
    assert_names(&output, &["run", "corrects its input"]);
    assert!(!folder.path().join("back.pth").exists());
}

fn entries(tensors: Tensors, prefix: &str) -> BTreeMap<String, Entry> {
    let named = tensors.into_iter();
    named
        .map(|(name, array)| (format!("{prefix}{name}"), Entry::Floats(array)))
        .collect()
}

#[test]
fn prefixes_of_wrappers_are_removed_and_one_of_several_generators_is_chosen() {
    let folder = temp();
    let tensors = read_tensors(&fixture("unet_128_instance.pth")).expect("theirs");
    let file = folder.path().join("wrapped.pth");
    for prefix in [
        "module.",
        "state_dict.",
        "model.",
        "state_dict.module.",
        "netG.",
    ] {
        let bytes = state_dict_bytes(&entries(tensors.clone(), prefix)).expect("a .pth");
        fs::write(&file, bytes).expect("a file");
        assert_code(&import(folder.path(), &file, &[]), DONE);
        assert_eq!(manifest(folder.path())["generator"]["arch"], "unet_128");
        fs::remove_dir_all(folder.path().join("model")).expect("a folder");
    }
    let mut two = entries(tensors.clone(), "netG_A.");
    two.extend(entries(tensors, "netG_B."));
    fs::write(&file, state_dict_bytes(&two).expect("a .pth")).expect("a file");
    let output = import(folder.path(), &file, &[]);
    assert_code(&output, FAILED);
    assert_names(&output, &["wrapped.pth", "netG_A, netG_B", "--part"]);
    let output = import(folder.path(), &file, &["--part", "netG"]);
    assert_code(&output, FAILED);
    assert_names(&output, &["--part netG"]);
    assert_code(&import(folder.path(), &file, &["--part", "netG_B"]), DONE);
}

#[test]
fn statistics_that_old_instance_norms_kept_are_dropped() {
    let folder = temp();
    let tensors = read_tensors(&fixture("resnet_9blocks.pth")).expect("theirs");
    let mut old = tensors.clone();
    old.insert(
        "model.2.running_mean".to_string(),
        tensors["model.1.bias"].clone(),
    );
    old.insert(
        "model.2.running_var".to_string(),
        tensors["model.1.bias"].clone(),
    );
    let file = folder.path().join("old.pth");
    fs::write(&file, state_dict_bytes(&entries(old, "")).expect("a .pth")).expect("a file");
    assert_code(&import(folder.path(), &file, &[]), DONE);
    assert_eq!(manifest(folder.path())["generator"]["norm"], "instance");
}

#[test]
fn without_norms_the_reference_has_no_biases() {
    let folder = temp();
    let mut tensors = read_tensors(&fixture("resnet_9blocks.pth")).expect("theirs");
    tensors.retain(|name, _| name == "model.26.bias" || !name.ends_with(".bias"));
    let file = folder.path().join("none.pth");
    fs::write(
        &file,
        state_dict_bytes(&entries(tensors, "")).expect("a .pth"),
    )
    .expect("a file");
    assert_code(&import(folder.path(), &file, &["--weights", "f32"]), DONE);
    assert_eq!(manifest(folder.path())["generator"]["norm"], "none");
    assert_code(&run(folder.path(), &arguments_to_pytorch("model")), DONE);
    assert_eq!(listing(&folder.path().join("back.pth")), listing(&file));
}

#[test]
fn dropout_in_residual_blocks_moves_their_second_convolution() {
    let folder = temp();
    let tensors = read_tensors(&fixture("resnet_6blocks_batch.pth")).expect("theirs");
    let moved = tensors.into_iter().map(|(name, array)| {
        let name = name.replace("conv_block.6.", "conv_block.7.");
        (name.replace("conv_block.5.", "conv_block.6."), array)
    });
    let file = folder.path().join("dropout.pth");
    let entries = entries(moved.collect(), "");
    fs::write(&file, state_dict_bytes(&entries).expect("a .pth")).expect("a file");
    assert_code(&import(folder.path(), &file, &["--weights", "f32"]), DONE);
    assert_code(&run(folder.path(), &arguments_to_pytorch("model")), DONE);
    let back = read_tensors(&folder.path().join("back.pth"));
    assert!(back.expect("ours") == read_tensors(&file).expect("theirs"));
}

#[test]
fn safetensors_of_a_generator_make_the_same_model_as_its_pth() {
    let folder = temp();
    let original = fixture("resnet_9blocks.pth");
    let tensors = read_tensors(&original).expect("theirs");
    let bytes: BTreeMap<&String, Vec<u8>> = tensors
        .iter()
        .map(|(name, array)| {
            (
                name,
                array.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = tensors.iter().map(|(name, array)| {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), &bytes[name]);
        (name, view.expect("a tensor"))
    });
    let file = folder.path().join("netG.safetensors");
    let whole = safetensors::serialize(views, None).expect("a file");
    fs::write(&file, &whole).expect("a file");
    let weights = || fs::read(folder.path().join("model/generator.f16.bpk")).expect("weights");
    assert_code(&import(folder.path(), &file, &[]), DONE);
    let found = weights();
    assert_code(&import(folder.path(), &original, &[]), DONE);
    assert!(found == weights());
    for length in (0..whole.len()).step_by(whole.len() / 50) {
        assert!(
            file_formats::read(&whole[..length], "x.safetensors").is_err(),
            "{length} bytes"
        );
    }
}
