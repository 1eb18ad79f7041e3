//! The same command gives the same run: every weight and every statistic, bit for bit.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use burn::tensor::Device;
use harness::{DONE, image, temp};
use model::state::{StateDict, state_of};
use trainer::run_folder::RunFolder;

const STEPS: u64 = 18;

const PIX2PIX: &str = "--net-g unet_128 --size 128 --norm batch --norm-d batch --dropout 0.5";
const CYCLEGAN: &str = "--model cyclegan --net-g resnet_6blocks --size 32 --norm batch \
    --norm-d batch --dropout 0.5 --pool-size 3";
/// Samples and checkpoints come between steps, from other threads than those.
const OFTEN: &str = "--a a --b b --base 2 --seed 1 --lr-policy constant --sample-every 5 \
    --checkpoint-every 4 --norm-stats running --ema 0.9";

fn images(folder: &Path) {
    for (side, shift) in [("a", 0), ("b", 50)] {
        fs::create_dir_all(folder.join(side)).expect("a folder");
        for index in 0..8 {
            let path = folder.join(side).join(format!("{index}.png"));
            image(140, 130, shift + index).save(path).expect("an image");
        }
    }
}

fn start(folder: &Path, line: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "3")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the trainer starts")
}

/// Every number of the networks in the last checkpoint, running statistics included, and what was
/// said of validations.
fn remains(folder: &Path, name: &str) -> (Vec<StateDict>, String) {
    let run = RunFolder::open(&folder.join(name));
    let config = run.config().expect("settings");
    let mut model = config.init(&Device::flex());
    let restored = run.restore(&mut model).expect("its checkpoint");
    let checkpoint = restored.checkpoint.expect("a checkpoint");
    assert_eq!(checkpoint.progress().step, STEPS, "{name}");
    let mut states = vec![state_of(&model.net_g), state_of(&model.net_d)];
    states.extend(model.ema.iter().map(|ema| state_of(ema.generator())));
    let metrics = fs::read_to_string(folder.join(name).join("metrics.jsonl")).expect("metrics");
    let lines = metrics.lines();
    let validations = lines
        .filter(|line| line.contains("\"validated\""))
        .collect();
    (states, validations)
}

fn assert_same(folder: &Path, one: &str, other: &str, settings: &str) {
    let (one, judged_one) = remains(folder, one);
    let (other, judged_other) = remains(folder, other);
    for (one, other) in one.iter().zip(&other) {
        assert!(one.keys().any(|name| name.ends_with("running_var")));
        for (name, numbers) in one {
            assert!(*numbers == other[name], "{name} differs with {settings}");
        }
    }
    assert_eq!(judged_one, judged_other, "{settings}");
}

/// Two runs at the same moment, whose threads get in each other's way, and one that stops and goes
/// on.
fn identical(model: &str, device: &str, batches: &[u32]) {
    for batch in batches {
        let folder = temp();
        images(folder.path());
        let settings = format!("{model} {OFTEN} --batch {batch} --device {device}");
        let runs = ["one", "two"].map(|name| {
            let line = format!("train {settings} --steps {STEPS} --run {name}");
            start(folder.path(), &line)
        });
        for mut run in runs {
            assert_eq!(
                run.wait().expect("it ends").code(),
                Some(DONE),
                "{settings}"
            );
        }
        assert_same(folder.path(), "one", "two", &settings);
        // It validates where the others do, so that their lines can be compared.
        for line in [
            format!("train {settings} --steps 10 --run stopped"),
            format!("train --resume stopped --steps {STEPS} --device {device}"),
        ] {
            let mut run = start(folder.path(), &line);
            assert_eq!(run.wait().expect("it ends").code(), Some(DONE), "{line}");
        }
        assert_same(folder.path(), "one", "stopped", &settings);
    }
}

#[test]
fn identical_runs_of_pix2pix_have_the_same_weights_and_statistics() {
    identical(PIX2PIX, "cpu", &[1, 2]);
}

#[test]
fn identical_runs_of_cyclegan_have_the_same_weights_and_statistics() {
    identical(CYCLEGAN, "cpu", &[1, 2]);
}

#[test]
fn identical_runs_on_two_devices_have_the_same_weights_and_statistics() {
    identical(PIX2PIX, "cpu,cpu", &[2]);
    identical(CYCLEGAN, "cpu,cpu", &[2]);
}
