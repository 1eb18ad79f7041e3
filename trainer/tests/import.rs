//! Checkpoints of others: in through `import`, out through `export --to pytorch`, and files that
//! nobody should trust.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use model::Manifest;
use pytorch_reader::{DType, PytorchReader};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;
use trainer::pytorch::{
    Entry, ReadError, ReadProblem, Tensors, VetError, read_tensors, state_dict_bytes,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const DONE: i32 = 0;
const FAILED: i32 = 1;
const WRONG_USAGE: i32 = 2;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_trainer"))
        .stdin(Stdio::null())
        .current_dir(folder)
        .args(arguments)
        .output();
    output.expect("the trainer starts")
}

fn assert_code(output: &Output, code: i32) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
}

fn assert_names(output: &Output, words: &[&str]) {
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    for word in words {
        assert!(talk.contains(word), "\"{word}\" is not in:\n{talk}");
    }
}

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fixtures.join(name)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
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
        let folder = folder();
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
        let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
    let folder = folder();
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
fn the_format_before_pytorch_1_6_reads_the_same() {
    let old = read_tensors(&fixture("pixelgan_legacy.pth")).expect("the old format");
    assert!(old == read_tensors(&fixture("pixelgan.pth")).expect("the new format"));
}

/// A tensor as the pickle of a state dict describes it.
struct Claim<'a> {
    storage: &'a str,
    elements: u64,
    offset: u64,
    shape: &'a [u64],
    stride: &'a [u64],
}

const HEAD: &[u8] = b"\x80\x02ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00w";
const TAIL: &[u8] = b"u.";

fn pickled(claim: &Claim<'_>) -> Vec<u8> {
    let number = |value: u64| [&b"\x8a\x08"[..], &value.to_le_bytes()].concat();
    let tuple = |values: &[u64]| {
        let numbers: Vec<u8> = values.iter().flat_map(|value| number(*value)).collect();
        [&b"("[..], &numbers, b"t"].concat()
    };
    [
        HEAD,
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\n",
        claim.storage.as_bytes(),
        b"Storage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu",
        &number(claim.elements),
        b"tQ",
        &number(claim.offset),
        &tuple(claim.shape),
        &tuple(claim.stride),
        b"\x89ccollections\nOrderedDict\n)RtR",
        TAIL,
    ]
    .concat()
}

fn zipped(pickle: &[u8], storage: &[u8], method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("x/data.pkl", pickle),
        ("x/version", b"3\n"),
        ("x/data/0", storage),
    ] {
        archive.start_file(name, options).expect("an entry");
        archive.write_all(bytes).expect("bytes");
    }
    archive.finish().expect("an archive").into_inner()
}

fn stored(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zipped(pickle, storage, CompressionMethod::Stored)
}

fn read(bytes: &[u8], name: &str) -> Result<Tensors, ReadError> {
    let folder = folder();
    let file = folder.path().join(name);
    fs::write(&file, bytes).expect("a file");
    read_tensors(&file)
}

#[test]
fn every_type_of_float_and_every_stride_is_read() {
    let bytes = |values: [f32; 4]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let whole = |storage| Claim {
        storage,
        elements: 4,
        offset: 0,
        shape: &[4],
        stride: &[1],
    };
    let doubles: Vec<u8> = [1.0f64, -2.0, 0.5, 4.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for (claim, storage, expected) in [
        (
            whole("Float"),
            bytes([1.0, -2.0, 0.5, 4.0]),
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (whole("Double"), doubles, vec![1.0, -2.0, 0.5, 4.0]),
        (
            whole("Half"),
            vec![0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0x44],
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (
            whole("BFloat16"),
            vec![0x80, 0x3f, 0, 0xc0, 0, 0x3f, 0x80, 0x40],
            vec![1.0, -2.0, 0.5, 4.0],
        ),
        (
            Claim {
                shape: &[2, 2],
                stride: &[1, 2],
                ..whole("Float")
            },
            bytes([1.0, 2.0, 3.0, 4.0]),
            vec![1.0, 3.0, 2.0, 4.0],
        ),
        (
            Claim {
                offset: 1,
                shape: &[2],
                stride: &[2],
                ..whole("Float")
            },
            bytes([1.0, 2.0, 3.0, 4.0]),
            vec![2.0, 4.0],
        ),
    ] {
        let tensors = read(&stored(&pickled(&claim), &storage), "x.pth").expect(claim.storage);
        assert_eq!(tensors["w"].values, expected, "{}", claim.storage);
    }
}

#[test]
fn claims_beyond_the_file_are_refused_without_the_memory_for_them() {
    const HUGE: u64 = 1 << 40;
    let claim = |elements, shape, stride| Claim {
        storage: "Float",
        elements,
        offset: 0,
        shape,
        stride,
    };
    for (what, claim) in [
        (
            "a storage shorter than its shape",
            claim(4, &[2, 3][..], &[3, 1][..]),
        ),
        ("a storage longer than its file", claim(6, &[2, 3], &[3, 1])),
        ("a shape of 2^40", claim(HUGE, &[HUGE], &[1])),
        ("one number 2^40 times", claim(4, &[HUGE], &[0])),
        (
            "one number more often than there are bytes",
            claim(4, &[1 << 20], &[0]),
        ),
        ("eight billion bytes from four", claim(4, &[1 << 31], &[0])),
        ("a product that overflows", claim(4, &[HUGE, HUGE], &[0, 0])),
        (
            "a stride that overflows",
            claim(4, &[2, 2], &[u64::MAX >> 1, 1]),
        ),
        ("a negative shape", claim(4, &[u64::MAX], &[1])),
        ("more sides than strides", claim(4, &[2, 2], &[1])),
        ("a negative storage", claim(u64::MAX, &[4], &[1])),
    ] {
        let bytes = stored(&pickled(&claim), &[0; 16]);
        let refused = read(&bytes, "x.pth").expect_err(what);
        assert!(
            matches!(
                refused.source,
                ReadProblem::Damaged(_) | ReadProblem::TooLarge { .. }
            ),
            "{what}: {refused}"
        );
    }
    let beyond = Claim {
        offset: HUGE,
        ..claim(4, &[2], &[1])
    };
    read(&stored(&pickled(&beyond), &[0; 16]), "x.pth").expect_err("an offset outside");
}

#[test]
fn headers_of_safetensors_are_not_believed() {
    let file = |length: u64, json: &str, data: &[u8]| {
        [&length.to_le_bytes(), json.as_bytes(), data].concat()
    };
    let header = |json: &str, data: &[u8]| file(json.len() as u64, json, data);
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let sixteen = [0; 16];
    for (what, bytes) in [
        ("a length of 2^64 - 1", file(u64::MAX, "{}", &[])),
        ("a length of 2^40", file(1 << 40, "{}", &[])),
        ("a length beyond the file", file(50, "{}", &[])),
        (
            "2^40 numbers",
            header(&tensor("F32", "[1099511627776]", "[0,4398046511104]"), &[]),
        ),
        (
            "2^40 numbers in 16 bytes",
            header(&tensor("F32", "[1099511627776]", "[0,16]"), &sixteen),
        ),
        (
            "an overflow",
            header(
                &tensor("F32", "[4294967296,4294967296,4]", "[0,16]"),
                &sixteen,
            ),
        ),
        (
            "offsets that go back",
            header(&tensor("F32", "[4]", "[16,0]"), &sixteen),
        ),
        (
            "another type",
            header(&tensor("F99", "[4]", "[0,16]"), &sixteen),
        ),
        ("no JSON", header("{{{{", &[])),
        (
            "nesting without end",
            header(&format!("{{\"a\":{}", "[".repeat(100_000)), &[]),
        ),
        ("nothing", Vec::new()),
    ] {
        let refused = read(&bytes, "x.safetensors").expect_err(what);
        assert!(
            matches!(refused.source, ReadProblem::Damaged(_)),
            "{what}: {refused}"
        );
    }
    for (dtype, data) in [
        ("F64", &1.5f64.to_le_bytes()[..]),
        ("F16", &[0, 0x3e]),
        ("BF16", &[0xc0, 0x3f]),
    ] {
        let file = header(&tensor(dtype, "[1]", &format!("[0,{}]", data.len())), data);
        assert_eq!(
            read(&file, "x.safetensors").expect(dtype)["w"].values,
            [1.5]
        );
    }
    let fits = header(&tensor("F32", "[4]", "[0,16]"), &sixteen);
    assert_eq!(
        read(&fits, "x.pth").expect("known by its content")["w"].values,
        [0.0; 4]
    );
}

#[test]
fn safetensors_of_a_generator_make_the_same_model_as_its_pth() {
    let folder = folder();
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
            read(&whole[..length], "x.safetensors").is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["pixelgan.pth", "pixelgan_legacy.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        assert!(read(&whole, "x.pth").is_ok());
        for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
            assert!(
                read(&whole[..length], "x.pth").is_err(),
                "{name}, {length} bytes"
            );
        }
    }
}

#[test]
fn a_damaged_file_is_read_or_refused_but_never_crashes() {
    for name in ["pixelgan.pth", "pixelgan_legacy.pth"] {
        let whole = fs::read(fixture(name)).expect("a fixture");
        for index in (0..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[index] ^= 1 << (index % 8);
            let _ = read(&damaged, "x.pth");
        }
    }
}

#[test]
fn what_nobody_should_trust_is_refused_with_a_remedy() {
    let call = b"\x80\x02cos\nsystem\nX\x0d\x00\x00\x00touch touched\x85R.";
    let inside = [
        HEAD,
        b"cposix\nsystem\nX\x0d\x00\x00\x00touch touched\x85R",
        TAIL,
    ]
    .concat();
    let many = [&b"\x80\x02"[..], &b")\x85".repeat(5_000), b"."].concat();
    let deep = [&b"\x80\x02)"[..], &b"\x85".repeat(5_000), b"."].concat();
    let endless = [&b"\x80\x02"[..], &b"N".repeat(3 << 20), b"."].concat();
    let nan = Claim {
        storage: "Float",
        elements: 1,
        offset: 0,
        shape: &[1],
        stride: &[1],
    };
    let entry = pickled(&nan);
    let nan = |value: f32| stored(&entry, &value.to_le_bytes());
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let compressed = zipped(&endless, &[], CompressionMethod::Deflated);
    assert!(compressed.len() < 10_000);
    let folder = folder();
    for (name, bytes, words) in [
        ("call.pth", stored(call, &[]), ["os.system", "state_dict()"]),
        (
            "inside.pth",
            stored(&inside, &[]),
            ["posix.system", "state_dict()"],
        ),
        (
            "opcode.pth",
            stored(b"\x80\x02\x99.", &[]),
            ["0x99 at byte 2", "state_dict()"],
        ),
        (
            "inst.pth",
            stored(b"\x80\x02(ios\nsystem\n.", &[]),
            ["0x69", "state_dict()"],
        ),
        (
            "frame.pth",
            stored(b"\x80\x04\x95\0\0\0\0\0\0\0\0.", &[]),
            ["0x95", "state_dict()"],
        ),
        (
            "many.pth",
            stored(&many, &[]),
            ["found tuple", "state_dict()"],
        ),
        (
            "none.pth",
            stored(b"\x80\x02}.", &[]),
            ["no floating point tensor", "state_dict()"],
        ),
        ("deep.pth", stored(&deep, &[]), ["nesting", "again"]),
        (
            "long.pth",
            stored(&endless, &[]),
            ["longer than", "state_dict()"],
        ),
        ("bomb.pth", compressed, ["compressed", "zip -0"]),
        ("nan.pth", nan(f32::NAN), ["tensor \"w\"", "earlier epoch"]),
        (
            "inf.pth",
            nan(f32::INFINITY),
            ["tensor \"w\"", "earlier epoch"],
        ),
        ("tar.pth", tar, ["0.1.9", "newer"]),
        (
            "text.pth",
            b"hello".to_vec(),
            ["neither", ".pth of a generator"],
        ),
        ("empty.pth", Vec::new(), ["neither", ".pth of a generator"]),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("a file");
        let output = import(folder.path(), &file, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[&[name][..], &words[..]].concat());
        assert!(!folder.path().join("model").exists(), "{name}");
        assert!(!folder.path().join("touched").exists(), "{name}");
    }
    for (path, words) in [(".", "not a file"), ("missing.pth", "check path")] {
        let output = import(folder.path(), Path::new(path), &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[path, words]);
    }
}

#[test]
fn a_whole_pickled_module_is_refused_by_the_name_of_its_class() {
    let module = b"\x80\x02cmodels.networks\nResnetGenerator\n)\x81.";
    let refused = read(&stored(module, &[]), "x.pth").expect_err("a class");
    let ReadProblem::Vet(source) = &refused.source else {
        panic!("{refused}");
    };
    assert!(matches!(source, VetError::Global(name) if name == "models.networks.ResnetGenerator"));
}

fn pict(name: &str) -> PathBuf {
    fixture("pict").join(name)
}

#[test]
fn a_generator_of_the_first_web_demo_makes_what_it_makes_there() {
    let folder = folder();
    let imported = import(
        folder.path(),
        &pict("tiny.pict"),
        &["--weights", "f32", "--draw"],
    );
    assert_code(&imported, DONE);
    let manifest = manifest(folder.path());
    assert_eq!(manifest["input"]["mode"], "draw");
    assert_eq!(manifest["generator"]["arch"], "unet_128");
    assert_eq!(manifest["generator"]["norm_stats"], "batch");
    let input = pict("input.png");
    let input = input.to_str().expect("a path of letters");
    let translated = run(
        folder.path(),
        &[
            "translate",
            "--model",
            "model",
            input,
            "-o",
            "result.png",
            "--device",
            "cpu",
        ],
    );
    assert_code(&translated, DONE);
    let pixels = |path: &Path| image::open(path).expect("an image").to_rgb8().into_raw();
    let found = pixels(&folder.path().join("result.png"));
    let expected = pixels(&pict("expected.png"));
    assert_eq!(found.len(), expected.len());
    let off = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    // Where 64 bits lie between two values, 32 bits may round to the other.
    assert!(off <= Some(1), "off by {off:?}");
}

#[test]
fn a_pict_file_that_is_cut_swollen_or_another_network_is_refused_and_says_why() {
    let folder = folder();
    let bytes = fs::read(pict("tiny.pict")).expect("the fixture");
    let cut = bytes[..bytes.len() - 1].to_vec();
    let swollen = [&bytes[..], &[0]].concat();
    let name = b"encoder_1/";
    let at = bytes.windows(name.len()).position(|part| part == name);
    let mut renamed = bytes.clone();
    renamed[at.expect("the outermost layer") + name.len() - 2] = b'9';
    for (name, bytes, reason) in [
        ("cut.pict", &cut, "ends too early"),
        ("more.pict", &swollen, "goes on behind"),
        ("empty.pict", &Vec::new(), "ends too early"),
        (
            "text.pict",
            &b"\0\0\0\x02{}\0\0\0\0\0\0\0\0".to_vec(),
            "list of tensors",
        ),
        ("other.pict", &renamed, "0 layers named encoder"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("room");
        let output = import(folder.path(), &file, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[name, reason]);
        assert!(!folder.path().join("model").exists());
    }
    let idle = import(folder.path(), &pict("tiny.pict"), &["--norm", "batch"]);
    assert_code(&idle, WRONG_USAGE);
    assert_names(&idle, &["--norm", ".pict"]);
}
