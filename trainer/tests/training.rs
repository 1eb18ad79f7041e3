//! What can be trained, through the binary: models, networks, objectives and schedules.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs;
use std::path::Path;

use harness::{WRONG_USAGE, done, run, talk, temp};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// Two folders of images without pairs: reddish ones and more of bluish ones.
fn unpaired(folder: &Path) {
    for (name, count, color) in [("reds", 3, [200, 40, 30]), ("blues", 5, [20, 60, 190])] {
        let set = folder.join(name);
        fs::create_dir_all(&set).expect("a folder");
        for index in 0..count {
            let image = RgbImage::from_fn(40, 36, |x, y| {
                let shade = ((x * y + index * 31) % 50) as u8;
                Rgb(color.map(|channel: u8| channel.saturating_add(shade)))
            });
            let path = set.join(format!("{name}-{index}.png"));
            image.save(path).expect("an image");
        }
    }
}

const TINY_CYCLE: [&str; 18] = [
    "train",
    "--model",
    "cyclegan",
    "--a",
    "reds",
    "--b",
    "blues",
    "--size",
    "32",
    "--base",
    "1",
    "--steps",
    "3",
    "--device",
    "cpu",
    "--run",
    "run",
    "--norm-d=none",
];

fn train_cycle(folder: &Path, more: &[&str]) -> std::process::Output {
    unpaired(folder);
    done(folder, &[&TINY_CYCLE, more].concat())
}

fn metrics(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("metrics");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Losses of the last step, by name.
fn losses(folder: &Path) -> serde_json::Map<String, Value> {
    let lines = metrics(folder);
    let step = lines.iter().rfind(|line| line["event"] == "step");
    let losses = step.expect("a step")["losses"].as_object();
    losses.expect("losses by name").clone()
}

fn manifest(folder: &Path, model: &str) -> Value {
    let json = fs::read(folder.join(model).join("manifest.json")).expect("a manifest");
    serde_json::from_slice(&json).expect("JSON")
}

#[test]
fn cyclegan_trains_without_pairs_and_translates_both_ways() {
    let folder = temp();
    train_cycle(folder.path(), &[]);
    let losses = losses(folder.path());
    let names: Vec<&str> = losses.keys().map(String::as_str).collect();
    let wanted = [
        "D_A", "D_B", "G_A", "G_B", "cycle_A", "cycle_B", "idt_A", "idt_B",
    ];
    assert_eq!(names, wanted);
    for model in ["run/export", "run/export-BtoA"] {
        let output = format!("out-{}", model.len());
        let words = [
            "translate",
            "--model",
            model,
            "reds/reds-0.png",
            "-o",
            &output,
        ];
        done(folder.path(), &[&words[..], &["--device", "cpu"]].concat());
        let made = image::open(folder.path().join(&output).join("reds-0.png"));
        let made = made.expect("an image");
        assert_eq!((made.width(), made.height()), (40, 36));
    }
    let (there, back) = (
        manifest(folder.path(), "run/export"),
        manifest(folder.path(), "run/export-BtoA"),
    );
    assert_eq!(there["training"]["direction"], "AtoB");
    assert_eq!(back["training"]["direction"], "BtoA");
    assert_ne!(there["weights"][0]["sha256"], back["weights"][0]["sha256"]);
}

#[test]
fn the_manifest_of_a_run_from_b_to_a_says_so() {
    let folder = temp();
    harness::trained(folder.path(), &["--direction", "BtoA"]);
    let exported = manifest(folder.path(), "run/export");
    assert_eq!(exported["training"]["direction"], "BtoA");
    assert!(exported["training"]["metrics"]["count"] == 24);
    let export = ["export", "run", "--output", "model", "--direction"];
    done(folder.path(), &[&export[..], &["BtoA"]].concat());
    let other = run(folder.path(), &[&export[..], &["AtoB"]].concat());
    assert_eq!(other.status.code(), Some(harness::FAILED));
    assert!(
        talk(&other).contains("learned BtoA alone"),
        "{}",
        talk(&other)
    );
    let cycle = temp();
    train_cycle(cycle.path(), &["--direction", "BtoA"]);
    let of = |model| manifest(cycle.path(), model)["training"]["direction"].clone();
    assert_eq!(
        (of("run/export"), of("run/export-BtoA")),
        ("BtoA".into(), "AtoB".into())
    );
    for direction in ["AtoB", "BtoA"] {
        let words = ["export", "run", "--direction", direction, "-o", direction];
        done(cycle.path(), &words);
        assert_eq!(of(direction), direction);
    }
    assert_eq!(
        manifest(cycle.path(), "run/export")["training"]["metrics"],
        Value::Null
    );
}

#[test]
fn every_validation_judges_the_same_images_and_the_end_all_and_they_say_so() {
    let folder = temp();
    let output = harness::trained(folder.path(), &["--sample-every", "1"]);
    let lines = metrics(folder.path());
    let count = |event: &str| -> Vec<Value> {
        let of_event = lines.iter().filter(|line| line["event"] == event);
        of_event
            .map(|line| line["evaluation"]["count"].clone())
            .collect()
    };
    assert_eq!(count("validated"), [16, 16]);
    assert_eq!(count("finished"), [24]);
    let said = talk(&output);
    assert_eq!(said.matches("of 16 of 24 images").count(), 2, "{said}");
    assert!(said.contains("(24 validation images)"), "{said}");
    assert_eq!(
        manifest(folder.path(), "run/export")["training"]["metrics"]["count"],
        24
    );
    done(folder.path(), &["export", "run", "-o", "again"]);
    assert_eq!(
        manifest(folder.path(), "again")["training"]["metrics"]["count"],
        24
    );
}

#[test]
fn a_short_run_is_not_told_that_its_generator_has_collapsed() {
    let folder = temp();
    let words = "train --net-g unet_128 --size 128 --base 2 --steps 12 --sample-every 1 --device cpu \
                 --run run";
    let output = done(folder.path(), &words.split_whitespace().collect::<Vec<_>>());
    assert!(!talk(&output).contains("collapsed"), "{}", talk(&output));
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("a page");
    assert!(
        !page.contains("Yes: fake_B varies"),
        "the page says that it has collapsed"
    );
}

#[test]
fn either_generator_of_a_cyclegan_run_is_exported_later_as_at_its_end() {
    let folder = temp();
    train_cycle(folder.path(), &["--ema", "0.5"]);
    for (direction, at_end) in [("AtoB", "run/export"), ("BtoA", "run/export-BtoA")] {
        let words = ["export", "run", "--direction", direction, "-o", direction];
        done(folder.path(), &words);
        let digest = |model| manifest(folder.path(), model)["weights"][0]["sha256"].clone();
        assert_eq!(digest(direction), digest(at_end));
    }
}

#[test]
fn samples_of_cyclegan_show_four_images_there_and_four_back() {
    let folder = temp();
    train_cycle(folder.path(), &[]);
    let grid = image::open(folder.path().join("run/samples/00000003.png")).expect("a grid");
    // Validation images are 32 wide, 4 pixels lie between them.
    assert_eq!(grid.width(), 8 * 36 + 4);
}

#[test]
fn an_average_of_the_weights_is_exported_in_place_of_the_last_ones() {
    let (plain, averaged) = (temp(), temp());
    train_cycle(plain.path(), &[]);
    train_cycle(averaged.path(), &["--ema", "0.9"]);
    assert_eq!(losses(plain.path()), losses(averaged.path()));
    let digest = |folder| manifest(folder, "run/export")["weights"][0]["sha256"].clone();
    assert_ne!(digest(plain.path()), digest(averaged.path()));
}

#[test]
fn every_objective_discriminator_and_schedule_makes_steps() {
    for flags in [
        &[
            "--gan-mode",
            "hinge",
            "--diff-augment",
            "color,translation,cutout",
        ][..],
        &[
            "--gan-mode",
            "vanilla",
            "--net-d",
            "pixel",
            "--lr-policy",
            "cosine",
        ],
        &[
            "--net-d",
            "n_layers",
            "--n-layers-d",
            "1",
            "--lr-policy",
            "step",
        ],
        &[
            "--net-d",
            "n_layers",
            "--n-layers-d",
            "2",
            "--patches",
            "listed",
        ],
        &[
            "--upsample",
            "resize",
            "--lr-policy",
            "constant",
            "--lr-d",
            "1e-4",
        ],
        &[
            "--init",
            "orthogonal",
            "--lr-policy",
            "plateau",
            "--pool-size",
            "0",
        ],
        &["--dropout", "0.5", "--lambda-identity", "0", "--batch", "2"],
    ] {
        let folder = temp();
        train_cycle(folder.path(), flags);
        let values = losses(folder.path());
        assert!(
            values.values().all(Value::is_number),
            "{flags:?}: {values:?}"
        );
    }
}

#[test]
fn a_decoder_as_listed_trains_with_a_discriminator_of_sixteenths() {
    let folder = temp();
    let words = [
        "train",
        "--steps",
        "2",
        "--net-g",
        "unet_128",
        "--size",
        "128",
        "--base",
        "1",
        "--decoder",
        "listed",
        "--patches",
        "listed",
        "--device",
        "cpu",
        "--run",
        "run",
    ];
    done(folder.path(), &words);
    let generator = manifest(folder.path(), "run/export")["generator"].clone();
    assert_eq!(generator["decoder"], "listed");
    let words = [
        "translate",
        "--model",
        "run/export",
        "run/samples/00000002.png",
        "-o",
        "out",
    ];
    done(folder.path(), &[&words[..], &["--device", "cpu"]].concat());
}

#[test]
fn wgan_gp_is_refused_with_the_reason() {
    let folder = temp();
    let output = run(folder.path(), &["train", "--gan-mode", "wgangp"]);
    assert_eq!(output.status.code(), Some(WRONG_USAGE));
    let reason = "WGAN-GP needs second-order gradients, which burn lacks";
    assert!(talk(&output).contains(reason), "{}", talk(&output));
}

#[test]
fn settings_that_contradict_each_other_are_refused_before_anything_is_written() {
    let folder = temp();
    unpaired(folder.path());
    for (flags, word) in [
        (&["--net-g", "unet_256"][..], "multiple of 256"),
        (&["--channels-b", "1"], "--lambda-identity"),
        (
            &["--net-d", "n_layers", "--n-layers-d", "5"],
            "--n-layers-d",
        ),
        (&["--load-size", "16"], "--load-size"),
    ] {
        let output = run(folder.path(), &[&TINY_CYCLE, flags].concat());
        assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
        assert!(talk(&output).contains(word), "{}", talk(&output));
        assert!(!folder.path().join("run").exists());
    }
}

#[test]
fn epochs_at_the_full_rate_and_epochs_of_decay_make_the_steps() {
    let folder = temp();
    unpaired(folder.path());
    let words = [
        "train",
        "--model",
        "cyclegan",
        "--a",
        "reds",
        "--b",
        "blues",
        "--size",
        "32",
        "--base",
        "1",
        "--device",
        "cpu",
        "--run",
        "run",
        "--epochs",
        "1",
        "--epochs-decay",
        "2",
    ];
    done(folder.path(), &words);
    let json = fs::read(folder.path().join("run/config.json")).expect("a config");
    let config: Value = serde_json::from_slice(&json).expect("JSON");
    // Four of five blue images train; an epoch is as long as the larger set.
    assert_eq!(config["steps"], 12);
    let lines = metrics(folder.path());
    let last = lines
        .iter()
        .rfind(|line| line["event"] == "step")
        .expect("a step");
    let lr = last["lr"].as_f64().expect("a number");
    assert!((lr - 2e-4 / 3.0).abs() < 1e-9, "{lr}");
}
