//! Runs that stop, are stopped, killed or run out of disk, and go on: nothing is lost, and the
//! result is that of a run that never stopped.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{DONE, FAILED, done, image, run, talk, temp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use trainer::run_folder::RunFolder;

const INTERRUPTED: i32 = 130;

/// Everything that has a state of its own: statistics of batch norms, dropout, jitter, order,
/// DiffAugment, an average, and a rate that follows the losses.
const PIX2PIX: &str = "--a a --b b --net-g unet_128 --size 128 --base 1 --batch 2 --ema 0.9 \
    --diff-augment color,translation,cutout --lr-policy plateau --epochs 12 --epochs-decay 0 \
    --norm-stats running --weights f32 --device cpu --workers 2";

/// The same of CycleGAN, with pools that are full soon.
const CYCLEGAN: &str = "--model cyclegan --a a --b b --net-g resnet_6blocks --size 32 --base 1 \
    --norm batch --norm-d none --dropout 0.3 --pool-size 5 --ema 0.9 --epochs 3 --epochs-decay 3 \
    --diff-augment color --weights f32 --device cpu";

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn images(folder: &Path) {
    for (side, shift) in [("a", 0), ("b", 50)] {
        fs::create_dir_all(folder.join(side)).expect("a folder");
        for index in 0..6 {
            let path = folder.join(side).join(format!("{index}.png"));
            image(140, 130, shift + index).save(path).expect("an image");
        }
    }
}

/// Trains into the folder `name`.
fn train(folder: &Path, settings: &str, name: &str, more: &str) -> std::process::Output {
    let line = format!("train {settings} --run {name} {more}");
    done(folder, &words(&line))
}

/// SHA-256 of the exported weights, all ways.
fn weights(folder: &Path, name: &str) -> Vec<String> {
    let of = |export: &str| {
        let manifest = fs::read(folder.join(name).join(export).join("manifest.json")).ok()?;
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        Some(manifest["weights"][0]["sha256"].as_str()?.to_string())
    };
    let found: Vec<String> = ["export", "export-BtoA"]
        .into_iter()
        .filter_map(of)
        .collect();
    assert!(!found.is_empty(), "no model in {name}");
    found
}

fn spawn(folder: &Path, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command
        .args(words(line))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().expect("the trainer starts")
}

/// Reads events until one is as wanted.
fn wait_for(child: &mut Child, wanted: impl Fn(&Value) -> bool) -> Value {
    let talk = child.stderr.as_mut().expect("its talk");
    let mut said = String::new();
    let mut lines = BufReader::with_capacity(1, talk);
    let mut line = String::new();
    while lines.read_line(&mut line).expect("a line") > 0 {
        if let Ok(event) = serde_json::from_str::<Value>(&line)
            && wanted(&event)
        {
            return event;
        }
        said += &line;
        line.clear();
    }
    panic!("it never came:\n{said}");
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// The rest of what it says, and how it ended.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut rest = String::new();
    if let Some(mut talk) = child.stderr.take() {
        let _ = std::io::Read::read_to_string(&mut talk, &mut rest);
    }
    (child.wait().expect("it ends").code(), rest)
}

fn metrics(folder: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name).join("metrics.jsonl")).expect("metrics");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn steps_told(folder: &Path, name: &str, event: &str) -> Vec<u64> {
    let lines = metrics(folder, name);
    let told = lines.iter().filter(|line| line["event"] == event);
    told.filter_map(|line| line["step"].as_u64()).collect()
}

fn is_rising(steps: &[u64]) -> bool {
    steps.windows(2).all(|pair| pair[0] < pair[1])
}

/// Stops a run with Ctrl-C in its middle, twice, and resumes it.
fn stopped_and_resumed_equals_straight(settings: &str, device: &str) {
    let settings = &settings.replace("--device cpu", device);
    let folder = temp();
    images(folder.path());
    train(folder.path(), settings, "straight", "");
    let often = "--checkpoint-every 3 --sample-every 5 --format json";
    for (index, start) in [
        format!("train {settings} --run stopped {often}"),
        format!("train --resume stopped {device} {often}"),
    ]
    .iter()
    .enumerate()
    {
        let mut child = spawn(folder.path(), start);
        wait_for(&mut child, |event| event["event"] == "checkpoint");
        signal(&child, "-INT");
        let (code, said) = end(child);
        assert_eq!(code, Some(INTERRUPTED), "stop {index}: {said}");
    }
    let line = format!("train --resume --run stopped {device}");
    done(folder.path(), &words(&line));
    assert_eq!(
        weights(folder.path(), "stopped"),
        weights(folder.path(), "straight")
    );
    for event in ["step", "validated"] {
        let told = steps_told(folder.path(), "stopped", event);
        assert!(is_rising(&told), "{event}: {told:?}");
    }
    let last = |name| {
        let lines = metrics(folder.path(), name);
        let judged = lines.iter().rfind(|line| line["event"] == "validated");
        judged.expect("a validation").clone()
    };
    assert_eq!(last("stopped"), last("straight"));
}

#[test]
fn pix2pix_stopped_and_resumed_has_the_weights_of_a_run_that_never_stopped() {
    stopped_and_resumed_equals_straight(PIX2PIX, "--device cpu");
}

#[test]
fn cyclegan_stopped_and_resumed_has_the_weights_of_a_run_that_never_stopped() {
    stopped_and_resumed_equals_straight(CYCLEGAN, "--device cpu");
}

#[test]
fn a_run_on_two_devices_goes_on_as_if_it_had_never_stopped() {
    stopped_and_resumed_equals_straight(&format!("{CYCLEGAN} --batch 2"), "--device cpu,cpu");
}

#[test]
fn the_rate_of_a_plateau_falls_at_the_same_step_after_a_restart() {
    let folder = temp();
    images(folder.path());
    // So slow that no epoch is better than the first by a hundredth.
    let settings = format!("{PIX2PIX} --lr 1e-7");
    train(folder.path(), &settings, "straight", "");
    let rate = |name: &str| {
        let lines = metrics(folder.path(), name);
        let step = lines.iter().rfind(|line| line["event"] == "step");
        step.expect("a step")["lr"].as_f64().expect("a rate")
    };
    assert!(rate("straight") < 0.9e-7, "{}", rate("straight"));
    let line = format!("train {settings} --run stopped --checkpoint-every 5 --format json");
    let mut child = spawn(folder.path(), &line);
    wait_for(&mut child, |event| event["event"] == "checkpoint");
    child.kill().expect("killed");
    end(child);
    done(folder.path(), &words("train --resume stopped"));
    assert_eq!(rate("stopped"), rate("straight"));
    assert_eq!(
        weights(folder.path(), "stopped"),
        weights(folder.path(), "straight")
    );
}

#[test]
fn fifty_kills_at_random_moments_cost_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(2017);
    let (mut kills, mut half_written) = (0, 0);
    for settings in [CYCLEGAN, PIX2PIX] {
        let folder = temp();
        images(folder.path());
        let started = Instant::now();
        train(folder.path(), settings, "straight", "--checkpoint-every 1");
        let whole = started.elapsed();
        let expected = weights(folder.path(), "straight");
        let target = kills + 25;
        for attempt in 0.. {
            let name = format!("run-{attempt}");
            let (killed, unfinished) = killed_until_done(folder.path(), settings, &name, |life| {
                kill_after(life, whole.mul_f64(rng.random_range(0.0..1.0)))
            });
            kills += killed;
            half_written += unfinished;
            assert_eq!(weights(folder.path(), &name), expected, "{name}");
            fs::remove_dir_all(folder.path().join(&name)).expect("deleted");
            if kills >= target {
                break;
            }
        }
    }
    eprintln!("{kills} kills, {half_written} of them while a file was being written");
    assert!(kills >= 50);
}

/// Starts and resumes a run until it ends by itself; gives the number of kills, and of those that
/// left something half written.
fn killed_until_done(
    folder: &Path,
    settings: &str,
    name: &str,
    mut kill: impl FnMut(&mut Child) -> bool,
) -> (u32, u32) {
    let (mut kills, mut half_written) = (0, 0);
    loop {
        let line = match folder.join(name).join("config.json").exists() {
            true => format!("train --resume {name}"),
            false => format!("train {settings} --run {name} --checkpoint-every 1"),
        };
        let mut child = spawn(folder, &line);
        let killed = kill(&mut child);
        let (code, said) = end(child);
        if !killed {
            assert_eq!(code, Some(DONE), "{said}");
            return (kills, half_written);
        }
        kills += 1;
        let unfinished = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names = entries.map(|entry| entry.file_name());
            names.any(|name| name.to_string_lossy().starts_with(".unfinished"))
        };
        let run = folder.join(name);
        half_written += u32::from(unfinished(run.join("checkpoints")) || unfinished(run));
    }
}

/// Whether it was still alive.
fn kill_after(child: &mut Child, time: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < time {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    let ended = child.wait().expect("it ends");
    // It may have ended by itself in the last moment.
    ended.code().is_none()
}

#[test]
fn a_checkpoint_cut_anywhere_is_refused_by_name_and_the_one_before_is_used() {
    let folder = temp();
    images(folder.path());
    let settings = format!("{CYCLEGAN} --checkpoint-every 7");
    train(folder.path(), &settings, "run", "");
    let run = RunFolder::open(&folder.path().join("run"));
    let config = run.config().expect("settings");
    let newest = run.checkpoints().join("00000030");
    let files: Vec<PathBuf> = fs::read_dir(&newest)
        .expect("a checkpoint")
        .map(|entry| entry.expect("a file").path())
        .collect();
    assert_eq!(files.len(), 11, "{files:?}");
    for file in files {
        let whole = fs::read(&file).expect("a file");
        for part in 0..50 {
            fs::write(&file, &whole[..whole.len() * part / 50]).expect("cut");
            let mut model = config.init(&burn::tensor::Device::flex());
            let restored = run.restore(&mut model).expect("the one before");
            let used = restored.checkpoint.expect("a checkpoint");
            assert!(used.path().ends_with("00000028"), "{:?}", used.path());
            let [damaged] = &restored.damaged[..] else {
                panic!("{:?}", restored.damaged);
            };
            let name = file.file_name().expect("a name").to_string_lossy();
            assert!(damaged.to_string().contains(&*name), "{name}: {damaged}");
            fs::rename(newest.with_extension("damaged-1"), &newest).expect("put back");
        }
        fs::write(&file, whole).expect("mended");
    }
}

#[test]
fn a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before() {
    let folder = temp();
    images(folder.path());
    train(folder.path(), CYCLEGAN, "run", "--checkpoint-every 7");
    let expected = weights(folder.path(), "run");
    let damaged = folder
        .path()
        .join("run/checkpoints/00000030/optimizerG.bpk");
    fs::write(&damaged, b"").expect("damaged");
    let export = run(folder.path(), &words("export run --output model"));
    assert_eq!(export.status.code(), Some(DONE), "its generator is whole");
    let generator = damaged.with_file_name("netG_A_ema.bpk");
    fs::write(&generator, b"").expect("damaged");
    let export = run(folder.path(), &words("export run --output other"));
    assert_eq!(export.status.code(), Some(FAILED));
    for word in ["netG_A_ema.bpk", "00000028", "--resume"] {
        assert!(talk(&export).contains(word), "{}", talk(&export));
    }
    let resumed = done(folder.path(), &words("train --resume run"));
    for word in ["optimizerG.bpk", "0 of", "00000028"] {
        let found = talk(&resumed).contains(word) || talk(&resumed).contains("netG_A_ema.bpk");
        assert!(found, "{word}: {}", talk(&resumed));
    }
    assert_eq!(weights(folder.path(), "run"), expected);
}

#[test]
fn a_second_trainer_in_a_run_folder_is_refused_until_the_first_is_gone() {
    let folder = temp();
    images(folder.path());
    let longer = PIX2PIX.replace("--epochs 12", "--epochs 99999");
    let line = format!("train {longer} --run run --checkpoint-every 1 --format json");
    let mut first = spawn(folder.path(), &line);
    wait_for(&mut first, |event| event["event"] == "checkpoint");
    for second in ["train --resume run", &format!("train {PIX2PIX} --run run")] {
        let output = run(folder.path(), &words(second));
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        for word in ["--run run", "another trainer", "wait"] {
            assert!(talk(&output).contains(word), "{}", talk(&output));
        }
    }
    first.kill().expect("killed");
    end(first);
    let mut third = spawn(folder.path(), "train --resume run --format json");
    wait_for(&mut third, |event| event["event"] == "resumed");
    third.kill().expect("killed");
    end(third);
}

/// A folder `disk` that can be filled: a small file system of its own where one may be mounted,
/// otherwise a limit on the size of files.
struct SmallDisk {
    folder: PathBuf,
    is_mounted: bool,
}

impl SmallDisk {
    fn new(parent: &Path) -> Self {
        let folder = parent.join("disk");
        fs::create_dir_all(&folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(&folder);
        let mounted = mount.stderr(Stdio::null()).status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        Self { folder, is_mounted }
    }

    fn fill(&self, child: &Child) {
        if !self.is_mounted {
            return limit(child, "--fsize=2048:unlimited");
        }
        let mut filler = fs::File::create(self.folder.join("filler")).expect("a file");
        for size in [1 << 16, 1 << 10, 1] {
            let block = vec![1u8; size];
            while std::io::Write::write_all(&mut filler, &block).is_ok() {}
        }
    }

    fn free(&self, child: &Child) {
        match self.is_mounted {
            true => fs::remove_file(self.folder.join("filler")).expect("deleted"),
            false => limit(child, "--fsize=unlimited"),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}

fn limit(child: &Child, size: &str) {
    let mut prlimit = Command::new("prlimit");
    prlimit.args(["--pid", &child.id().to_string(), size]);
    assert!(prlimit.status().expect("prlimit runs").success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_a_checkpoint_and_the_run_goes_on_when_there_is_room() {
    let folder = temp();
    images(folder.path());
    let longer = CYCLEGAN.replace("--epochs 3 ", "--epochs 40 ");
    train(folder.path(), &longer, "straight", "");
    let disk = SmallDisk::new(folder.path());
    let arguments =
        format!("{longer} --run disk/run --checkpoint-every 2 --sample-every 3 --format json");
    let script = format!(
        "trap '' XFSZ; exec {} train {arguments}",
        env!("CARGO_BIN_EXE_trainer")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder.path());
    shell.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = shell.stderr(Stdio::piped()).spawn().expect("a shell");
    let is_checkpoint = |event: &Value| event["event"] == "checkpoint";
    wait_for(&mut child, is_checkpoint);
    disk.fill(&child);
    let refused = |event: &Value| {
        let message = event["message"].as_str().unwrap_or_default();
        message.contains("no checkpoint of this step")
    };
    let warning = wait_for(&mut child, refused)["message"].to_string();
    for word in [
        "disk/run/checkpoints",
        "free space",
        "the last checkpoint is",
    ] {
        assert!(warning.contains(word), "{warning}");
    }
    let config = RunFolder::open(&folder.path().join("disk/run"));
    let mut model = config
        .config()
        .expect("settings")
        .init(&burn::tensor::Device::flex());
    let kept = config.restore(&mut model).expect("the last good one");
    assert!(kept.checkpoint.is_some() && kept.damaged.is_empty());
    disk.free(&child);
    wait_for(&mut child, is_checkpoint);
    let (code, said) = end(child);
    assert_eq!(code, Some(DONE), "{said}");
    assert_eq!(
        weights(folder.path(), "disk/run"),
        weights(folder.path(), "straight")
    );
}

#[test]
fn the_last_checkpoints_and_the_best_are_kept() {
    let folder = temp();
    images(folder.path());
    let more = "--checkpoint-every 1 --sample-every 1 --keep 3 --keep-best";
    train(folder.path(), PIX2PIX, "run", more);
    let checkpoints = folder.path().join("run/checkpoints");
    let best = fs::read_to_string(checkpoints.join("best")).expect("the best");
    let best: Value = serde_json::from_str(&best).expect("JSON");
    let best = best["step"].as_u64().expect("a step");
    let lines = metrics(folder.path(), "run");
    let validated = lines.iter().filter(|line| line["event"] == "validated");
    let psnr = |line: &Value| line["evaluation"]["output"]["psnr"].as_f64().expect("dB");
    let by_psnr = validated.max_by(|a, b| psnr(a).total_cmp(&psnr(b)));
    assert_eq!(by_psnr.expect("a validation")["step"].as_u64(), Some(best));
    let entries = fs::read_dir(&checkpoints).expect("checkpoints");
    let names = entries.map(|entry| entry.expect("a name").file_name());
    let mut steps: Vec<u64> = names
        .filter_map(|name| name.to_string_lossy().parse().ok())
        .collect();
    steps.sort_unstable();
    let mut expected = vec![best, 34, 35, 36];
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(steps, expected);
}

#[test]
fn the_best_of_a_run_without_pairs_is_that_of_the_lowest_cycle_losses() {
    let folder = temp();
    images(folder.path());
    let more = "--checkpoint-every 9 --sample-every 4 --keep 1 --keep-best";
    train(folder.path(), CYCLEGAN, "straight", more);
    let best = |name: &str| fs::read(folder.path().join(name).join("checkpoints/best"));
    let line = format!("train {CYCLEGAN} --run stopped {more} --format json");
    let mut child = spawn(folder.path(), &line);
    wait_for(&mut child, |event| event["event"] == "checkpoint");
    child.kill().expect("killed");
    end(child);
    done(folder.path(), &words("train --resume stopped"));
    assert_eq!(
        best("stopped").expect("best"),
        best("straight").expect("best")
    );
}

#[test]
fn weights_that_are_no_numbers_stop_the_run_and_never_reach_a_checkpoint() {
    for (settings, network) in [(PIX2PIX, "netG"), (CYCLEGAN, "netG_A")] {
        let folder = temp();
        images(folder.path());
        // The update itself is infinite; the losses, which come before it, are not.
        let settings = settings.replace("plateau", "constant");
        let settings = format!("{settings} --lr-d 0.0002 --checkpoint-every 1");
        let first = format!("train {settings} --run first --lr 1e39");
        let output = run(folder.path(), &words(&first));
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        for word in [
            &format!("weights of {network} "),
            "step 1;",
            "no checkpoint",
            "--lr",
        ] {
            assert!(talk(&output).contains(word), "{word}: {}", talk(&output));
        }
        let kept = |name: &str| {
            let checkpoints = folder.path().join(name).join("checkpoints");
            let entries = fs::read_dir(checkpoints).expect("checkpoints");
            let names = entries.map(|entry| entry.expect("a name").file_name());
            let mut names: Vec<String> = names
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(kept("first"), [""; 0]);

        let straight = format!("{settings} --run straight");
        done(folder.path(), &words(&format!("train {straight}")));
        let longer = ["train", "--resume", "straight", "--epochs", "50"];
        let config = folder.path().join("straight/config.json");
        let good = fs::read_to_string(&config).expect("settings");
        assert!(good.contains("\"lr\": 0.0002"), "{good}");
        fs::write(&config, good.replace("\"lr\": 0.0002", "\"lr\": 1e39")).expect("settings");
        let before = kept("straight");
        let output = run(folder.path(), &longer);
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        let last = steps_told(folder.path(), "straight", "step").pop();
        let last = last.expect("a step");
        for word in [
            format!("weights of {network} are not finite after step {last};"),
            format!(
                "checkpoint is that of step {} in straight/checkpoints",
                last - 1
            ),
            "--from straight".to_string(),
        ] {
            assert!(talk(&output).contains(&word), "{word}: {}", talk(&output));
        }
        assert_eq!(kept("straight"), before);
        let opened = RunFolder::open(&folder.path().join("straight"));
        let settings = opened.config().expect("settings");
        let mut model = settings.init(&burn::tensor::Device::flex());
        opened.restore(&mut model).expect("the last good one");
        assert_eq!(model.not_finite(), None);
    }
}

#[test]
fn a_run_may_be_made_longer_but_not_another_one() {
    let folder = temp();
    images(folder.path());
    let settings = PIX2PIX.replace("plateau", "constant");
    train(folder.path(), &settings, "straight", "");
    let short = settings.replace("--epochs 12", "--epochs 5");
    train(folder.path(), &short, "run", "");
    for (flags, wanted) in [
        ("--base 2", &["--base 2", "started with 1"][..]),
        ("--model cyclegan", &["--model cyclegan", "pix2pix"]),
        ("--epochs 4", &["--epochs 4", "5", "raised"]),
        ("--steps 90", &["--steps", "--epochs"]),
        ("--run other", &["--run other", "--resume run"]),
    ] {
        let output = run(
            folder.path(),
            &words(&format!("train --resume run {flags}")),
        );
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        for word in wanted {
            assert!(talk(&output).contains(word), "{}", talk(&output));
        }
    }
    let again = done(folder.path(), &words("train --resume run"));
    assert!(
        talk(&again).contains("finished 15 steps"),
        "{}",
        talk(&again)
    );
    let same = "train --resume run --epochs 12 --base 1 --seed 0 --a a --b b";
    done(folder.path(), &words(same));
    assert_eq!(
        weights(folder.path(), "run"),
        weights(folder.path(), "straight")
    );
    assert!(is_rising(&steps_told(folder.path(), "run", "step")));
    let config = RunFolder::open(&folder.path().join("run")).config();
    assert_eq!(config.expect("settings").steps, 36);
}

#[test]
fn a_folder_that_cannot_be_resumed_says_why() {
    let folder = temp();
    images(folder.path());
    train(folder.path(), PIX2PIX, "run", "");
    let refused = |line: &str, wanted: &[&str]| {
        let output = run(folder.path(), &words(line));
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        for word in wanted {
            assert!(talk(&output).contains(word), "{word}: {}", talk(&output));
        }
    };
    refused("train --resume", &["--resume DIR"]);
    refused("train --resume nowhere", &["nowhere/config.json"]);
    let path = folder.path().join("run/config.json");
    let config = fs::read_to_string(&path).expect("settings");
    for (from, to, wanted) in [
        ("\"batch\":", "\"bacth\":", &["\"bacth\"", "\"batch\""][..]),
        ("\"batch\": 2", "\"batch\": \"two\"", &["\"batch\"", "u32"]),
        ("\"base\": 1", "\"base\": 2", &["netG.bpk", "shape"]),
        ("{", "", &["config.json", "JSON"]),
    ] {
        fs::write(&path, config.replacen(from, to, 1)).expect("settings");
        refused("train --resume run", wanted);
    }
    fs::write(&path, &config).expect("settings");
    let other = ["--model", "cyclegan"];
    refused("train --resume run --model cyclegan", &other);
    fs::remove_file(folder.path().join("a/5.png")).expect("deleted");
    fs::remove_file(folder.path().join("b/5.png")).expect("deleted");
    fs::remove_file(folder.path().join("a/4.png")).expect("deleted");
    fs::remove_file(folder.path().join("b/4.png")).expect("deleted");
    refused("train --resume run", &["pairs", "when the run was started"]);
}
