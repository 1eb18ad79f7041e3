//! Models as ONNX, checked by ONNX's own tools and run by the real ONNX Runtime.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;
mod made_weights;
mod python;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use burn::tensor::{Device, Tensor, TensorData};
use harness::{DONE, FAILED, done, run, talk, temp, trained};
use made_weights::hashed;
use model::config::Family;
use model::state::{Array, StateDict, load_state, shapes_of};
use model::{
    Decoder, GeneratorArch, GeneratorConfig, Manifest, Mode, NormKind, NormStats, Upsample,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use trainer::config::names::generators;
use trainer::convert::onnx::read::read_onnx;
use trainer::convert::onnx::{OnnxOptions, OnnxPrecision, onnx_bytes};

/// Both sum in f32, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands of
/// about one, which some twenty layers with norms of slopes around one hand on.
const SAME: f64 = 1e-4;
/// Weights and inputs of some twenty convolutions are rounded, by 2⁻¹² of themselves and as often up
/// as down: the worst of thousands of pixels is wrong by about a hundredth of the outputs' standard
/// deviation, which is a fifth here.
const SAME_IN_F16: f64 = 2e-3;

const MAX_CHANNELS: usize = 8;

/// A network and its statistics.
struct Case {
    config: GeneratorConfig,
    stats: NormStats,
    options: OnnxOptions,
    /// Batch, height and width of the images, as multiples of the smallest.
    images: Vec<[usize; 3]>,
    /// What the last layer's weights are multiplied by.
    head: f32,
}

impl Case {
    fn new(config: GeneratorConfig, stats: NormStats) -> Self {
        Self {
            config,
            stats,
            options: OnnxOptions::default(),
            images: vec![[1, 1, 1]],
            head: 1.0,
        }
    }

    fn manifest(&self) -> Manifest {
        Manifest::bare("made", self.config.clone(), self.stats)
    }
}

/// Weights of every layer, by their names, with which signals neither vanish nor saturate.
fn weights(case: &Case) -> StateDict {
    let shapes = shapes_of(&case.config.init(&Device::flex())).into_iter();
    let array = |(name, shape): (String, Vec<usize>)| {
        let (low, high) = match (shape.len(), name.rsplit('.').next()) {
            (4, _) => {
                let bound = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
                (-bound, bound)
            }
            (_, Some("gamma" | "running_var")) => (0.8, 1.2),
            _ => (-0.2, 0.2),
        };
        let values = hashed(&name, shape.iter().product());
        let values = values.map(|value| (low + (high - low) * value) as f32);
        let values = values.collect();
        (name, Array { shape, values })
    };
    let mut weights: StateDict = shapes.map(array).collect();
    let head = case.config.plan().layers.pop();
    let head = head.map(|layer| layer.conv_tensor("weight"));
    let head = head.and_then(|name| weights.get_mut(&name));
    let values = &mut head.expect("a head").values;
    values.iter_mut().for_each(|value| *value *= case.head);
    weights
}

fn write_floats(path: &Path, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    fs::write(path, bytes).expect("a file");
}

/// Writes the model, images and what burn makes of them, and gives their names.
fn write(folder: &Path, index: usize, case: &Case) -> Value {
    let config = &case.config;
    let state = weights(case);
    let model = format!("{index}.onnx");
    let bytes = onnx_bytes(folder, &case.manifest(), state.clone(), &case.options);
    fs::write(folder.join(&model), bytes.expect("a model")).expect("a file");
    let device = Device::flex();
    let generator = load_state(config.init(&device), state).expect("the weights fit");
    let side = config.arch.size_rule().divisor();
    let image = |(nth, [batch, height, width]): (usize, &[usize; 3])| {
        let shape = [*batch, config.in_channels, height * side, width * side];
        let name = format!("{index}.{nth}");
        let values = hashed(&name, shape.iter().product());
        let values: Vec<f32> = values.map(|value| (value * 2.0 - 1.0) as f32).collect();
        let (input, output) = (format!("{name}.input"), format!("{name}.output"));
        write_floats(&folder.join(&input), &values);
        let images = Tensor::<4>::from_data(TensorData::new(values, shape), &device);
        let expected = generator.forward(images, Mode::Inference(case.stats));
        let output_shape = expected.dims();
        let expected = expected.into_data().try_to_vec::<f32>().expect("floats");
        write_floats(&folder.join(&output), &expected);
        json!({
            "input": input, "input_shape": shape, "output": output, "output_shape": output_shape,
        })
    };
    let images: Vec<Value> = case.images.iter().enumerate().map(image).collect();
    json!({"model": model, "images": images})
}

/// What ONNX Runtime says of the models that `cases` in `folder` names.
fn checked(folder: &Path, cases: &[Value]) -> Vec<Value> {
    let json = serde_json::to_vec(cases).expect("JSON");
    fs::write(folder.join("cases.json"), json).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/check.py");
    let output = Command::new(python::python(&["onnx", "onnxruntime", "numpy"]))
        .arg(script)
        .arg(folder)
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn assert_same(cases: &[Case], tolerance: f64) {
    let folder = temp();
    let written = cases.iter().enumerate();
    let written: Vec<Value> = written
        .map(|(index, case)| write(folder.path(), index, case))
        .collect();
    let found = checked(folder.path(), &written);
    assert_eq!(found.len(), cases.len());
    let mut worst = BTreeMap::<_, (usize, f64)>::new();
    for (case, found) in cases.iter().zip(&found) {
        let difference = found["worst"].as_f64().expect("a number");
        let what = format!("{:?}, statistics {:?}: {found}", case.config, case.stats);
        // A mean over the 2¹⁸ pixels of its largest maps rounds more than the convolutions do.
        let is_largest =
            case.config.arch == GeneratorArch::Unet512 && case.stats == NormStats::Batch;
        let tolerance = if is_largest {
            2.0 * tolerance
        } else {
            tolerance
        };
        assert!(difference <= tolerance, "{what}");
        // A flat output would agree with any other.
        let deviation = found["deviation"].as_f64().expect("a number");
        assert!(deviation > 0.1, "{what}");
        let of_kind = (case.config.arch, case.config.norm, case.stats);
        let (count, most) = worst.entry(format!("{of_kind:?}")).or_default();
        (*count, *most) = (*count + 1, most.max(difference));
    }
    for (kind, (count, most)) in worst {
        println!("{kind}: {count} models, largest difference {most:.1e}");
    }
}

/// Norms, and which statistics each may have.
fn norms() -> [(NormKind, NormStats); 4] {
    [
        (NormKind::Batch, NormStats::Batch),
        (NormKind::Batch, NormStats::Running),
        (NormKind::Instance, NormStats::Batch),
        (NormKind::None, NormStats::Batch),
    ]
}

/// Every architecture with every norm and wiring; up-sampling, channels and biases come by turns.
fn all_networks() -> Vec<Case> {
    let mut cases = Vec::new();
    for arch in generators() {
        let is_unet = matches!(arch.family(), Family::Unet { .. });
        for (norm, stats) in norms() {
            for options in 0..8 {
                let has = |bit: usize| options & 1 << bit != 0;
                let (listed, norm_bottleneck, residual) = (has(2), has(1), has(0));
                if !is_unet && (listed || norm_bottleneck) {
                    continue;
                }
                // These come by turns, beside each of the others.
                let turn = cases.len() + cases.len() / 24;
                let upsample = Upsample::ALL[turn % Upsample::ALL.len()];
                let out_channels = 1 + turn % MAX_CHANNELS;
                let in_channels = match residual {
                    true => out_channels,
                    false => 1 + 3 * turn % MAX_CHANNELS,
                };
                let config = GeneratorConfig {
                    in_channels,
                    out_channels,
                    norm_bottleneck,
                    input_bias: turn % 5 < 2,
                    decoder: if listed {
                        Decoder::Listed
                    } else {
                        Decoder::Mirrored
                    },
                    upsample,
                    residual,
                    ..GeneratorConfig::new(arch, 1, norm)
                };
                // Bilinear maps of fewer pixels are nearly flat, and norms enlarge what is rounded.
                let side = match (upsample, arch) {
                    (Upsample::Bilinear, GeneratorArch::Unet256 | GeneratorArch::Unet512) => 2,
                    (Upsample::Bilinear, _) => 4,
                    _ => 1,
                };
                cases.push(Case {
                    images: vec![[1, side, side]],
                    ..Case::new(config, stats)
                });
            }
        }
    }
    cases
}

#[test]
fn every_network_computes_the_same_in_onnx_runtime() {
    assert_same(&all_networks(), SAME);
}

/// The networks are PyTorch's in `import`; here, nothing of a file may be read wrong or lost.
#[test]
fn what_is_read_of_a_file_makes_the_same_file_again() {
    let folder = temp();
    let mut cases = all_networks();
    cases.extend(some_networks(2).into_iter().map(|mut case| {
        case.config.upsample = Upsample::Bilinear;
        case.options.precision = OnnxPrecision::F16;
        case
    }));
    let file = folder.path().join("g.onnx");
    for case in cases {
        let bytes = onnx_bytes(
            folder.path(),
            &case.manifest(),
            weights(&case),
            &case.options,
        );
        let bytes = bytes.expect("a model");
        fs::write(&file, &bytes).expect("a file");
        let read = read_onnx(&file, None, None).expect("a generator");
        let again = Manifest::bare("made", read.config, read.stats);
        let again = onnx_bytes(folder.path(), &again, read.state, &case.options);
        assert!(again.expect("a model") == bytes, "{:?}", case.config);
    }
}

/// One of each family with each norm.
fn some_networks(base: usize) -> Vec<Case> {
    let archs = [GeneratorArch::Unet128, GeneratorArch::Resnet6Blocks];
    let cases = archs.into_iter().flat_map(|arch| {
        let case = move |(norm, stats)| Case::new(GeneratorConfig::new(arch, base, norm), stats);
        norms().map(case)
    });
    cases.collect()
}

#[test]
fn batches_and_sizes_are_whatever_the_network_takes() {
    let cases = some_networks(4).into_iter().map(|case| Case {
        images: vec![[1, 1, 1], [2, 2, 1], [3, 1, 3]],
        ..case
    });
    assert_same(&cases.collect::<Vec<_>>(), SAME);
}

/// What brings an output to a standard deviation of about a fifth. Signals grow in residual blocks
/// whose norms do not hold them.
fn quiet_head(case: &Case) -> f32 {
    let is_held = match case.config.norm {
        NormKind::Batch => case.stats == NormStats::Batch,
        NormKind::Instance => true,
        NormKind::None => false,
    };
    match (case.config.arch.family(), is_held) {
        (Family::Resnet { .. }, false) => 0.03,
        _ => 0.2,
    }
}

#[test]
fn convolutions_in_16_bits_give_nearly_the_same() {
    let cases = some_networks(4).into_iter().map(|case| Case {
        options: OnnxOptions {
            precision: OnnxPrecision::F16,
            ..OnnxOptions::default()
        },
        // Norms over a few pixels make large errors of small ones.
        images: vec![match case.config.arch.family() {
            Family::Unet { .. } => [1, 1, 1],
            Family::Resnet { .. } => [1, 8, 8],
        }],
        head: quiet_head(&case),
        ..case
    });
    assert_same(&cases.collect::<Vec<_>>(), SAME_IN_F16);
}

/// A run, and what ONNX's tools say of its exports with these flags.
fn exported(folder: &TempDir, flags: &[&str]) -> Value {
    let common = ["export", "run", "--to", "onnx", "-o", "g.onnx"];
    done(folder.path(), &[&common, flags].concat());
    let case = json!({"model": "g.onnx", "images": []});
    checked(folder.path(), &[case]).remove(0)
}

#[test]
fn a_file_says_what_it_is_and_what_it_takes() {
    let folder = temp();
    trained(folder.path(), &["--weights", "f32"]);
    let naming = [
        "--name",
        "houses",
        "--title",
        "Houses",
        "--license",
        "CC0-1.0",
    ];
    let found = exported(&folder, &naming);
    let expected = json!({
        "name": "houses", "title": "Houses", "task": "facades", "license": "CC0-1.0",
        "range": "[-1.0,1.0]", "multiple_of": "128", "input_encoding": "\"color\"",
        "output_encoding": "\"color\"",
    });
    assert_eq!(found["properties"], expected);
    assert_eq!(found["opset"], json!([17]));
    assert_eq!(
        found["input"],
        json!([["input", "batch", 3, "height", "width"]])
    );
    assert_eq!(
        found["output"],
        json!([["output", "batch", 3, "height", "width"]])
    );

    let found = exported(&folder, &["--size", "256", "--precision", "f16"]);
    assert_eq!(found["input"], json!([["input", "batch", 3, 256, 256]]));
    // ONNX's number of f16.
    assert!(
        found["types"]
            .as_array()
            .expect("types")
            .contains(&json!(10))
    );
    assert_eq!(found["properties"].get("license"), None);
}

#[test]
fn a_run_and_its_model_folder_become_the_same_file() {
    let folder = temp();
    trained(folder.path(), &["--weights", "f32"]);
    let file = |source: &str, file: &str| {
        let output = done(
            folder.path(),
            &["export", source, "--to", "onnx", "-o", file],
        );
        assert!(talk(&output).contains(file), "{}", talk(&output));
        fs::read(folder.path().join(file)).expect("a file")
    };
    assert!(file("run", "run.onnx") == file("run/export", "model.onnx"));
}

#[test]
fn a_size_that_the_network_does_not_take_is_refused_with_the_next_one() {
    let folder = temp();
    trained(folder.path(), &[]);
    let common = ["export", "run", "--to", "onnx", "-o", "g.onnx"];
    for (size, code, words) in [
        ("200", FAILED, ["--size 200", "--size 256"]),
        ("large", 2, ["--size", "dynamic"]),
    ] {
        let output = run(folder.path(), &[&common[..], &["--size", size]].concat());
        let talk = talk(&output);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(words.iter().all(|word| talk.contains(word)), "{talk}");
        assert!(!folder.path().join("g.onnx").exists());
    }
    let output = run(folder.path(), &[&common[..], &["--size", "384"]].concat());
    assert_eq!(output.status.code(), Some(DONE));
}
