//! The binary as people use it: words in, files and exit codes out.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;
#[path = "cli/leaving.rs"]
mod leaving;
#[path = "cli/sets.rs"]
mod sets;
#[path = "cli/streaming.rs"]
mod streaming;
#[path = "cli/translating.rs"]
mod translating;
#[path = "cli/usage.rs"]
mod usage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::{DONE, FAILED, assert_code, assert_names, image, run, stderr, stdout, temp};

fn trainer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.stdin(Stdio::null());
    command
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// A folder with a few drawn photos.
fn photos(folder: &Path, count: u32) -> PathBuf {
    let photos = folder.join("photos");
    fs::create_dir_all(&photos).expect("a folder");
    for index in 0..count {
        let path = photos.join(format!("photo-{index}.png"));
        image(150, 140, index).save(path).expect("an image");
    }
    photos
}

/// Trains the smallest network for two steps and gives the model folder.
fn tiny_model(folder: &Path) -> PathBuf {
    photos(folder, 5);
    let output = run(folder, &[&tiny()[..], &["--run", "run"]].concat());
    assert_code(&output, DONE);
    folder.join("run/export")
}

/// The smallest training; each word but the last is a flag or its value.
fn tiny() -> Vec<&'static str> {
    words(
        "train --photos photos --task deblur --net-g unet_128 --size 128 --base 2 --steps 2 \
         --device cpu --no-flip",
    )
}

#[test]
fn a_training_leaves_samples_metrics_a_checkpoint_and_a_model() {
    let folder = temp();
    photos(folder.path(), 5);
    let output = run(folder.path(), &[&tiny()[..], &["--run", "run"]].concat());
    assert_code(&output, DONE);
    let summary = stdout(&output);
    for word in [
        "finished 2 steps",
        "PSNR",
        "untouched input",
        "translate --model run IMAGE",
    ] {
        assert!(summary.contains(word), "\"{word}\" is not in:\n{summary}");
    }
    let run = folder.path().join("run");
    for file in words(
        "config.json metrics.jsonl samples/00000002.png checkpoints/latest checkpoints/00000002/netG.bpk export/manifest.json",
    ) {
        assert!(run.join(file).is_file(), "{file}");
    }
    let grid = image::open(run.join("samples/00000002.png"))
        .expect("a grid")
        .to_rgb8();
    assert_eq!(grid.width(), 3 * 132 + 4);
}

#[test]
fn the_same_seed_trains_the_same_weights_and_another_seed_others() {
    let folder = temp();
    photos(folder.path(), 5);
    let weights = |name: &str, seed: &str| {
        let output = run(
            folder.path(),
            &[&tiny()[..], &["--run", name, "--seed", seed]].concat(),
        );
        assert_code(&output, DONE);
        fs::read(folder.path().join(name).join("export/generator.f16.bpk")).expect("weights")
    };
    let first = weights("first", "7");
    assert_eq!(first, weights("second", "7"));
    assert_ne!(first, weights("third", "8"));
}

/// A later `--steps` replaces an earlier one.
fn without_first_steps<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let first = arguments
        .iter()
        .position(|word| *word == "--steps")
        .expect("--steps");
    let mut rest = arguments.to_vec();
    rest.drain(first..first + 2);
    rest
}

#[test]
fn a_run_folder_is_never_overwritten() {
    let folder = temp();
    tiny_model(folder.path());
    let output = run(folder.path(), &[&tiny()[..], &["--run", "run"]].concat());
    assert_code(&output, FAILED);
    assert_names(&output, &["--run run", "another run"]);
}

#[test]
fn a_training_can_start_from_another_one_of_the_same_network() {
    let folder = temp();
    tiny_model(folder.path());
    let tuned = [&tiny()[..], &["--run", "tuned", "--from", "run"]].concat();
    assert_code(&run(folder.path(), &tuned), DONE);
    let mut wider = [&tiny()[..], &["--run", "wider", "--from", "run"]].concat();
    wider[10] = "3";
    let output = run(folder.path(), &wider);
    assert_code(&output, FAILED);
    assert_names(&output, &["--from run", "base 2 there, 3 here"]);
    assert!(stderr(&output).len() < 500, "{}", stderr(&output));
    // The corrected command may use the same folder.
    wider[10] = "2";
    assert_code(&run(folder.path(), &wider), DONE);
}

#[test]
fn a_training_can_start_from_a_model_folder_of_the_same_network() {
    let folder = temp();
    tiny_model(folder.path());
    let export = words("export run --output exported --weights f32");
    assert_code(&run(folder.path(), &export), DONE);
    let of = |name: &str, from: &str| {
        [&tiny()[..], &["--run", name, "--from", from]]
            .concat()
            .join(" ")
    };
    for (name, from) in [("tuned", "run"), ("tuned-too", "exported")] {
        let command = of(name, from);
        assert_code(&run(folder.path(), &words(&command)), DONE);
    }
    let losses = |name: &str| {
        let metrics = fs::read_to_string(folder.path().join(name).join("metrics.jsonl"));
        let metrics = metrics.expect("metrics");
        let of_steps = metrics.lines().filter(|line| line.contains("G_L1"));
        let lines = of_steps.map(serde_json::from_str::<serde_json::Value>);
        let losses = lines.map(|line| line.expect("JSON")["losses"].clone());
        losses.collect::<Vec<_>>()
    };
    assert!(!losses("tuned").is_empty());
    assert_eq!(losses("tuned-too"), losses("tuned"));
    let wider = of("wider", "exported").replace("--base 2", "--base 3");
    let output = run(folder.path(), &words(&wider));
    assert_code(&output, FAILED);
    assert_names(&output, &["--from exported", "base 2 there, 3 here"]);
    fs::remove_file(folder.path().join("exported/generator.f32.bpk")).expect("weights");
    let output = run(folder.path(), &words(&of("none", "exported")));
    assert_code(&output, FAILED);
    assert_names(&output, &["--from", "generator.f32.bpk"]);
}

#[test]
fn a_resumed_run_that_is_given_another_folder_says_which_it_had() {
    let folder = temp();
    tiny_model(folder.path());
    let output = run(
        folder.path(),
        &["train", "--resume", "run", "--data", "other"],
    );
    assert_code(&output, FAILED);
    assert_names(&output, &["--data other", "started with none"]);
    assert!(!stderr(&output).contains('{'), "{}", stderr(&output));
}
