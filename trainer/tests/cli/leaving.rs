//! Trainings that are stopped, and results that nobody reads.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{photos, tiny, tiny_model, trainer, without_first_steps, words};
use crate::harness::{DONE, FAILED, assert_code, assert_names, stderr, stdout, temp};

#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_is_reported_with_the_file_and_keeps_the_last_checkpoint() {
    let folder = temp();
    photos(folder.path(), 3);
    // A limit on file sizes stands in for the full disk: writing fails half-way.
    let script = format!(
        "trap '' XFSZ; ulimit -f 40; exec {} {} --run run --sample-every 9",
        env!("CARGO_BIN_EXE_trainer"),
        tiny().join(" ")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["run/checkpoints", "cannot be written", "free space"],
    );
    let checkpoints = fs::read_dir(folder.path().join("run/checkpoints")).expect("a folder");
    assert_eq!(checkpoints.count(), 0, "nothing half-written stays");
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_saves_and_says_so() {
    let folder = temp();
    photos(folder.path(), 3);
    let arguments =
        without_first_steps(&[&tiny()[..], &["--run", "run", "--steps", "100000"]].concat());
    let child = trainer()
        .current_dir(folder.path())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the trainer starts");
    let metrics = folder.path().join("run/metrics.jsonl");
    while !metrics.exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.expect("kill runs").success());
    let output = child.wait_with_output().expect("the trainer ends");
    assert_code(&output, 130);
    assert!(stdout(&output).contains("interrupted after"));
    assert!(folder.path().join("run/checkpoints/latest").is_file());
    assert!(folder.path().join("run/export/manifest.json").is_file());
}

/// Ends like `| head -1` does: the reader goes at once.
fn without_reader(folder: &Path, arguments: &[&str]) -> Output {
    let mut child = trainer()
        .current_dir(folder)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the trainer starts");
    drop(child.stdout.take());
    child.wait_with_output().expect("the trainer ends")
}

#[cfg(unix)]
#[test]
fn results_that_nobody_reads_end_the_program_without_a_word() {
    let folder = temp();
    tiny_model(folder.path());
    for arguments in [
        &words("translate --model run photos -o out --device cpu")[..],
        &["eval", "--model", "run", "--device", "cpu"],
        &["recipes"],
        &["devices"],
        &["inspect", "run"],
        &["report", "run"],
        &["export", "run", "-o", "model"],
        &["data", "inspect", "--photos", "photos", "--task", "deblur"],
        &["data", "demo", "facades", "--count", "1", "--size", "16"],
    ] {
        let output = without_reader(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(141),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let talk = stderr(&output);
        assert!(
            !talk.contains("panicked") && !talk.contains("error"),
            "{talk}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_training_goes_on_and_is_saved_when_nobody_listens_any_more() {
    let folder = temp();
    photos(folder.path(), 3);
    for format in ["plain", "json"] {
        let mut child = trainer()
            .current_dir(folder.path())
            .args([&tiny()[..], &["--run", format, "--format", format]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the trainer starts");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("it ends").code(), Some(DONE));
        let run = folder.path().join(format);
        assert!(run.join("checkpoints/latest").is_file());
        assert!(run.join("export/manifest.json").is_file());
    }
}

#[cfg(unix)]
#[test]
fn a_scheduler_that_asks_twice_gets_a_saved_run_and_the_command_that_goes_on() {
    let folder = temp();
    photos(folder.path(), 3);
    let arguments =
        without_first_steps(&[&tiny()[..], &["--run", "my run", "--steps", "100000"]].concat());
    let child = trainer()
        .current_dir(folder.path())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the trainer starts");
    let metrics = folder.path().join("my run/metrics.jsonl");
    while !metrics.exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for _ in 0..2 {
        let asked = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(asked.expect("kill runs").success());
    }
    let output = child.wait_with_output().expect("the trainer ends");
    assert_code(&output, 130);
    assert!(folder.path().join("my run/checkpoints/latest").is_file());
    assert_names(
        &output,
        &["go on with it:", "train --resume 'my run' --device cpu"],
    );
}
