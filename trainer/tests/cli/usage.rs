//! What the program says of itself, and flags that it does not take.

use std::fs;
use std::path::Path;

use super::{photos, tiny, trainer, words};
use crate::harness::{
    DONE, FAILED, WRONG_USAGE, assert_code, assert_names, run, stderr, stdout, temp,
};

#[test]
fn the_cpu_is_always_listed_as_a_device() {
    let output = run(Path::new("."), &["devices"]);
    assert_code(&output, DONE);
    assert!(stdout(&output).lines().any(|line| line.starts_with("cpu ")));
}

#[test]
fn an_unknown_flag_is_wrong_usage_and_is_named() {
    let output = run(Path::new("."), &["train", "--epoch", "3"]);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--epoch"]);
    let output = run(Path::new("."), &["train", "--photos", "x"]);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--task"]);
}

#[test]
fn several_devices_that_cannot_train_together_are_refused() {
    for (devices, reason) in [
        ("cpu,cuda:0", "of one kind"),
        ("vulkan:0,vulkan", "named twice"),
        ("auto,auto", "name each"),
        ("cuda:0,x", "use auto"),
    ] {
        let output = run(Path::new("."), &["train", "--device", devices]);
        assert_code(&output, WRONG_USAGE);
        assert_names(&output, &["--device", reason]);
    }
    let output = run(Path::new("."), &["train", "--device", "cpu,cpu"]);
    assert_code(&output, FAILED);
    assert_names(&output, &["--batch 1", "cpu,cpu", "--batch 2"]);
    let translate = ["translate", "--model", "m", "a.png", "--output", "b"];
    let output = run(
        Path::new("."),
        &[&translate[..], &["--device", "cpu,cpu"]].concat(),
    );
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--device", "only `train`"]);
}

/// Mesa's software driver is there wherever these tests run.
#[test]
#[cfg(all(feature = "gpu", target_os = "linux"))]
fn an_adapter_that_is_emulated_in_software_is_refused() {
    let listed = run(Path::new("."), &["devices", "--format", "json"]);
    let listed = String::from_utf8(listed.stdout).expect("text");
    let mut devices = listed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let emulated = devices.find(|device| device["kind"] == "software");
    let emulated = emulated.expect("a software adapter")["device"].clone();
    let device = emulated.as_str().expect("a name");
    let output = run(
        Path::new("."),
        &["bench", "--device", device, "--base", "1"],
    );
    assert_code(&output, FAILED);
    assert_names(&output, &["--device", "software", "--device cpu"]);
}

#[test]
fn without_a_display_nothing_is_complained_about() {
    let mut command = trainer();
    for variable in ["XDG_RUNTIME_DIR", "WAYLAND_DISPLAY", "DISPLAY"] {
        command.env_remove(variable);
    }
    let output = command.args(["devices", "--format", "json"]).output();
    let output = output.expect("the trainer starts");
    assert_code(&output, DONE);
    assert_eq!(stderr(&output), "");
}

#[test]
fn quiet_leaves_results_warnings_and_errors() {
    let folder = temp();
    let photos = photos(folder.path(), 5);
    fs::write(photos.join("broken.png"), b"this is no image").expect("a file");
    let output = run(
        folder.path(),
        &[&tiny()[..], &["--run", "run", "--quiet"]].concat(),
    );
    assert_code(&output, DONE);
    assert!(stdout(&output).contains("finished 2 steps"));
    let talk = stderr(&output);
    let lines: Vec<&str> = talk.lines().collect();
    assert!(
        !lines.is_empty() && lines.iter().all(|line| line.starts_with("warning: ")),
        "{talk}"
    );
    assert_names(&output, &["broken.png"]);
}

#[test]
fn flags_that_can_do_nothing_are_wrong_usage_and_say_what_they_need() {
    let folder = temp();
    photos(folder.path(), 3);
    let photos = ["train", "--photos", "photos", "--task", "edges"];
    let cyclegan = words("train --model cyclegan --a photos --b photos");
    for (arguments, words) in [
        (
            &["train", "--data", "photos", "--task", "deblur"][..],
            ["--task", "--photos"],
        ),
        (
            &[&photos[..], &["--direction", "BtoA"]].concat(),
            ["--direction", "pairs"],
        ),
        (
            &[&photos[..], &["--lambda-cycle", "3"]].concat(),
            ["--lambda-cycle", "cyclegan"],
        ),
        (
            &[&photos[..], &["--pool-size", "3"]].concat(),
            ["--pool-size", "cyclegan"],
        ),
        (
            &[&photos[..], &["--n-layers-d", "2"]].concat(),
            ["--n-layers-d", "n_layers"],
        ),
        (
            &[&photos[..], &["--lr-decay-every", "2"]].concat(),
            ["--lr-decay-every", "step"],
        ),
        (
            &[&cyclegan[..], &["--lambda-l1", "9"]].concat(),
            ["--lambda-l1", "pix2pix"],
        ),
        (
            &["train", "--steps", "4", "--epochs-decay", "2"],
            ["--epochs-decay", "--epochs"],
        ),
        (
            &["data", "inspect", "photos", "--task", "edges"],
            ["--task", "--photos"],
        ),
        (
            &["bench", "--forward", "--precision", "f16"],
            ["--precision", "--forward"],
        ),
        (
            &["export", "x", "-o", "y", "--to", "pytorch", "--title", "z"],
            ["--title", "--to web"],
        ),
        (
            &["export", "x", "-o", "y", "--size", "64"],
            ["--size", "--to onnx"],
        ),
        (
            &["export", "x", "-o", "y", "--to", "onnx", "--sample", "z"],
            ["--sample", "--to web"],
        ),
    ] {
        let output = run(folder.path(), arguments);
        assert_code(&output, WRONG_USAGE);
        assert_names(&output, &words);
        assert!(!folder.path().join("runs").exists());
    }
}

#[test]
fn a_recipe_may_name_more_than_what_the_user_leaves_of_it() {
    let folder = temp();
    photos(folder.path(), 3);
    let common = words("train --recipe facades --a photos --b photos");
    let tiny = words(
        "--net-g resnet_6blocks --size 32 --load-size 32 --base 1 --base-d 1 --steps 1 --device cpu --run run",
    );
    let output = run(
        folder.path(),
        &[&common[..], &["--model", "cyclegan"], &tiny].concat(),
    );
    assert_code(&output, DONE);
    let output = run(
        folder.path(),
        &[
            &common[..],
            &["--model", "cyclegan", "--lambda-l1", "3"],
            &tiny,
        ]
        .concat(),
    );
    assert_code(&output, WRONG_USAGE);
}

#[test]
fn help_shows_what_matters_first_and_has_examples() {
    let short = stdout(&run(Path::new("."), &["train", "-h"]));
    let long = stdout(&run(Path::new("."), &["train", "--help"]));
    for help in [&short, &long] {
        assert!(
            help.contains("Examples:") && help.contains("--resume"),
            "{help}"
        );
    }
    assert!(
        !short.contains("--lr-decay-every") && short.lines().count() < 70,
        "{short}"
    );
    for heading in [
        "Images:",
        "Networks:",
        "Learning:",
        "What is kept and shown:",
    ] {
        assert!(long.contains(heading), "{heading}");
    }
    let position = |flag: &str| long.find(&format!("\n      {flag} ")).expect(flag);
    assert!(position("--device") < position("--lambda-l1"));
}

#[test]
fn bench_tells_time_and_memory_of_each_width_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let bench = ["bench", "--device", "cpu", "--base", "2,1", "--repeat", "1"];
    let output = run(folder.path(), &bench);
    assert_code(&output, DONE);
    let rows: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let number = |row: &serde_json::Value, path: &str| {
        let value = row.pointer(path).and_then(serde_json::Value::as_f64);
        value.expect(path)
    };
    let bases: Vec<f64> = rows.iter().map(|row| number(row, "/base")).collect();
    assert_eq!(bases, [2.0, 1.0]);
    for row in &rows {
        for path in words("forward_ms step_ms checkpoint_write_ms checkpoint_load_ms") {
            assert!(number(row, &format!("/{path}")) > 0.0, "{row}");
        }
        #[cfg(target_os = "linux")]
        {
            let (forward, step) = ("/peak_rss_mb/forward", "/peak_rss_mb/step");
            assert!(number(row, step) > number(row, forward), "{row}");
            assert!(number(row, forward) > 1.0, "{row}");
        }
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0);
}

#[test]
fn the_version_names_the_back_ends_that_were_built_in() {
    let output = run(Path::new("."), &["--version"]);
    assert_code(&output, DONE);
    let text = stdout(&output);
    assert!(
        text.starts_with(concat!("trainer ", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    assert!(text.contains("back ends: cpu"), "{text}");
    assert_eq!(cfg!(feature = "gpu"), text.contains(", "), "{text}");
}

#[test]
fn shells_complete_every_command_and_each_has_a_manual_page() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(Path::new("."), &["completions", shell]);
        assert_code(&output, DONE);
        let script = stdout(&output);
        for word in ["translate", "--norm-stats", "inspect"] {
            let found = script.contains(word) || script.contains(word.trim_start_matches('-'));
            assert!(found, "{shell}: {word}");
        }
    }
    let folder = temp();
    assert_code(&run(folder.path(), &["man", "pages"]), DONE);
    let help = stdout(&run(folder.path(), &["--help"]));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.map_while(|line| line.split_whitespace().next());
    let mut count = 0;
    for name in names.filter(|name| *name != "help") {
        let page = folder.path().join(format!("pages/trainer-{name}.1"));
        let text = fs::read_to_string(&page).expect("a manual page");
        assert!(text.contains(".TH"), "{name}");
        count += 1;
    }
    assert!(count > 10, "{help}");
    assert!(!help.contains("\n  man "), "{help}");
}
