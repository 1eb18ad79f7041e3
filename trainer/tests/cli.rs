//! The binary as people use it: words in, files and exit codes out.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::{DONE, FAILED, image, run, temp};
use image::{DynamicImage, ImageBuffer, Luma, Rgb, Rgba, RgbaImage};

const WRONG_USAGE: i32 = 2;

fn trainer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.stdin(Stdio::null());
    command
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_code(output: &Output, code: i32) {
    let talk = format!("{}\n{}", stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{talk}");
}

fn assert_names(output: &Output, words: &[&str]) {
    let talk = stderr(output);
    for word in words {
        assert!(talk.contains(word), "\"{word}\" is not in:\n{talk}");
    }
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
fn every_photo_task_makes_its_own_inputs() {
    let folder = temp();
    photos(folder.path(), 3);
    for task in ["colorize", "edges"] {
        let mut arguments = tiny();
        arguments[4] = task;
        arguments.extend(["--run", task]);
        assert_code(&run(folder.path(), &arguments), DONE);
        let grid = folder.path().join(task).join("samples/00000002.png");
        let grid = image::open(grid).expect("a grid").to_rgb8();
        let input = image::imageops::crop_imm(&grid, 4, 4, 128, 128).to_image();
        let is_grey = |pixel: &Rgb<u8>| pixel[0] == pixel[1] && pixel[1] == pixel[2];
        assert!(input.pixels().all(is_grey), "{task}");
        // Lines are drawn; other inputs are photos.
        let manifest = folder.path().join(task).join("export/manifest.json");
        let manifest = fs::read_to_string(manifest).expect("a manifest");
        let mode = if task == "edges" { "draw" } else { "photo" };
        assert!(manifest.contains(&format!(r#""mode": "{mode}""#)), "{task}");
    }
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

#[test]
fn the_drawn_facades_train_without_any_data() {
    let folder = temp();
    let output = run(
        folder.path(),
        &["train", "--steps", "1", "--base", "2", "--device", "cpu"],
    );
    assert_code(&output, DONE);
    let manifest = fs::read_to_string(folder.path().join("runs/demo/export/manifest.json"));
    let manifest = manifest.expect("a manifest");
    assert!(manifest.contains("\"mode\": \"draw\"") && manifest.contains("window"));
    let sample = folder.path().join("runs/demo/export/samples/labels-0.png");
    assert!(manifest.contains("samples/labels-0.png") && sample.is_file());
}

#[test]
fn combined_images_and_two_folders_train_in_both_directions() {
    let folder = temp();
    for (name, seed) in [("a", 1), ("b", 2)] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
        for index in 0..3 {
            let path = folder.path().join(name).join(format!("{index}.png"));
            image(140, 140, seed * 10 + index)
                .save(path)
                .expect("an image");
        }
    }
    fs::create_dir_all(folder.path().join("both")).expect("a folder");
    for index in 0..3 {
        let path = folder.path().join(format!("both/{index}.png"));
        image(280, 140, index).save(path).expect("an image");
    }
    let common = words("--net-g unet_128 --size 128 --base 2 --steps 1 --device cpu");
    for (index, data) in [
        vec!["--a", "a", "--b", "b"],
        vec!["--data", "both"],
        vec!["--data", "both", "--direction", "BtoA"],
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("run-{index}");
        let arguments = [&["train", "--run", &name][..], &data, &common].concat();
        assert_code(&run(folder.path(), &arguments), DONE);
    }
}

#[test]
fn folders_whose_names_do_not_match_are_refused_by_name() {
    let folder = temp();
    for (name, files) in [("a", ["one", "two"]), ("b", ["one", "three"])] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
        for file in files {
            let path = folder.path().join(name).join(format!("{file}.png"));
            image(140, 140, 1).save(path).expect("an image");
        }
    }
    let arguments = words("train --a a --b b --steps 1 --device cpu");
    let output = run(folder.path(), &arguments);
    assert_code(&output, FAILED);
    assert_names(&output, &["two", "three", "--skip-unmatched"]);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn drawn_facades_can_be_written_as_combined_images() {
    let folder = temp();
    let arguments = ["data", "demo", "facades", "--count", "4", "--size", "64"];
    assert_code(&run(folder.path(), &arguments), DONE);
    let images = fs::read_dir(folder.path().join("facades/train")).expect("a folder");
    assert_eq!(images.count(), 4);
    let first = image::open(folder.path().join("facades/val/0000.png")).expect("an image");
    assert_eq!((first.width(), first.height()), (128, 64));
}

#[test]
fn missing_and_empty_folders_are_named_with_their_flag() {
    let folder = temp();
    fs::create_dir_all(folder.path().join("empty")).expect("a folder");
    for name in ["nowhere", "empty"] {
        let output = run(
            folder.path(),
            &["train", "--photos", name, "--task", "deblur"],
        );
        assert_code(&output, FAILED);
        assert_names(&output, &["--photos", name]);
    }
}

#[test]
fn a_bad_photo_among_good_ones_is_named_and_left_out() {
    let folder = temp();
    let photos = photos(folder.path(), 5);
    fs::write(photos.join("broken.png"), b"this is no image").expect("a file");
    let arguments = [&tiny()[..], &["--run", "run", "--steps", "8"]].concat();
    let arguments: Vec<&str> = without_first_steps(&arguments);
    let output = run(folder.path(), &arguments);
    assert_code(&output, DONE);
    assert_names(&output, &["broken.png"]);
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
fn a_size_that_does_not_fit_the_network_is_refused_with_one_that_does() {
    let folder = temp();
    photos(folder.path(), 3);
    let arguments = words("train --photos photos --task edges --size 200");
    let output = run(folder.path(), &arguments);
    assert_code(&output, FAILED);
    let others = "--net-g resnet_9blocks or resnet_6blocks, which take this size";
    assert_names(&output, &["--size 200", "256", others]);
    let arguments = [&arguments[..6], &["128"]].concat();
    let output = run(folder.path(), &arguments);
    assert_code(&output, FAILED);
    assert_names(&output, &["--net-g unet_128"]);
}

#[test]
fn images_of_any_size_and_kind_are_translated_to_the_same_size() {
    let folder = temp();
    tiny_model(folder.path());
    let inputs = folder.path().join("in");
    fs::create_dir_all(&inputs).expect("a folder");
    image(1, 1, 1)
        .save(inputs.join("dot.png"))
        .expect("an image");
    image(300, 200, 1)
        .save(inputs.join("odd.png"))
        .expect("an image");
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_fn(60, 40, |x, y| {
        Rgb([(x * 1000) as u16, (y * 1500) as u16, 9])
    });
    deep.save(inputs.join("deep.png")).expect("an image");
    let grey: ImageBuffer<Luma<u8>, Vec<u8>> = ImageBuffer::from_pixel(50, 50, Luma([9]));
    grey.save(inputs.join("grey.png")).expect("an image");
    let glass = RgbaImage::from_fn(40, 30, |x, y| Rgba([x as u8, y as u8, 7, (x * 6) as u8]));
    glass.save(inputs.join("glass.png")).expect("an image");
    fs::write(inputs.join("turned.jpg"), exif_rotated_jpeg(80, 40)).expect("an image");
    let cmyk = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cmyk.jpg");
    fs::copy(cmyk, inputs.join("print.jpg")).expect("an image");
    let arguments = words("translate --model run/export in --output out --device cpu");
    let output = run(folder.path(), &arguments);
    assert_code(&output, DONE);
    let result = |name: &str| image::open(folder.path().join("out").join(name)).expect("a result");
    for (name, size) in [
        ("dot.png", (1, 1)),
        ("odd.png", (300, 200)),
        ("deep.png", (60, 40)),
        ("grey.png", (50, 50)),
        ("glass.png", (40, 30)),
        ("turned.png", (40, 80)),
        ("print.png", (24, 16)),
    ] {
        let image = result(name);
        assert_eq!((image.width(), image.height()), size, "{name}");
    }
    let alpha = |image: &RgbaImage| image.pixels().map(|pixel| pixel[3]).collect::<Vec<_>>();
    assert_eq!(alpha(&result("glass.png").to_rgba8()), alpha(&glass));
    assert!(matches!(result("odd.png"), DynamicImage::ImageRgb8(_)));
}

#[test]
fn bad_files_are_listed_at_the_end_and_the_others_are_done() {
    let folder = temp();
    tiny_model(folder.path());
    let inputs = folder.path().join("in");
    fs::create_dir_all(&inputs).expect("a folder");
    image(64, 64, 1)
        .save(inputs.join("good.png"))
        .expect("an image");
    let whole = fs::read(inputs.join("good.png")).expect("bytes");
    fs::write(inputs.join("cut.png"), &whole[..whole.len() / 2]).expect("a file");
    let jpeg = exif_rotated_jpeg(200, 100);
    fs::write(inputs.join("cut.jpg"), &jpeg[..jpeg.len() / 2]).expect("a file");
    fs::write(inputs.join("empty.png"), []).expect("a file");
    fs::write(inputs.join("text.jpg"), "not an image").expect("a file");
    huge_png(&inputs.join("huge.png"));
    let arguments =
        words("translate --model run/export in in/missing.png --output out --device cpu");
    let output = run(folder.path(), &arguments);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &[
            "cut.png",
            "cut.jpg",
            "empty.png",
            "text.jpg",
            "missing.png",
            "huge.png",
            "scale it down",
            "6 of 7 images failed",
        ],
    );
    assert!(folder.path().join("out/good.png").is_file());
}

#[test]
fn inputs_of_one_name_keep_their_endings_and_those_of_one_output_are_refused() {
    let folder = temp();
    tiny_model(folder.path());
    for name in ["in/a.png", "in/a.jpg", "other/a.png"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        image(32, 32, 1).save(path).expect("an image");
    }
    let translate = |inputs: &[&str]| {
        let common = words("translate --model run/export --output out --device cpu");
        run(folder.path(), &[&common[..], inputs].concat())
    };
    assert_code(&translate(&["in"]), DONE);
    assert!(folder.path().join("out/a.png.png").is_file());
    assert!(folder.path().join("out/a.jpg.png").is_file());
    let output = translate(&["in/a.png", "other/a.png"]);
    assert_code(&output, FAILED);
    assert_names(&output, &["in/a.png", "other/a.png", "out/a.png.png"]);
}

#[test]
fn an_altered_model_is_refused_before_it_is_decoded() {
    let folder = temp();
    let model = tiny_model(folder.path());
    let weights = model.join("generator.f16.bpk");
    let mut bytes = fs::read(&weights).expect("weights");
    image(64, 64, 1)
        .save(folder.path().join("in.png"))
        .expect("an image");
    let translate = || {
        run(
            folder.path(),
            &words("translate --model run/export in.png --output out --device cpu"),
        )
    };
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, &bytes).expect("a file");
    let output = translate();
    assert_code(&output, FAILED);
    assert_names(&output, &["generator.f16.bpk", "SHA-256"]);
    fs::write(&weights, &bytes[..last]).expect("a file");
    assert_names(
        &translate(),
        &["generator.f16.bpk", "bytes, the manifest says"],
    );
    fs::remove_file(&weights).expect("removed");
    assert_names(&translate(), &["generator.f16.bpk", "--model"]);
}

#[test]
fn exported_weights_of_every_kind_translate_alike() {
    let folder = temp();
    tiny_model(folder.path());
    image(100, 90, 3)
        .save(folder.path().join("in.png"))
        .expect("an image");
    let translated = |weights: &str| {
        let model = format!("model-{weights}");
        let arguments = ["export", "run", "--output", &model, "--weights", weights];
        assert_code(&run(folder.path(), &arguments), DONE);
        let out = format!("out-{weights}");
        let arguments = [
            "translate",
            "--model",
            &model,
            "in.png",
            "--output",
            &out,
            "--device",
            "cpu",
        ];
        assert_code(&run(folder.path(), &arguments), DONE);
        let image = image::open(folder.path().join(out).join("in.png"));
        image.expect("a result").to_rgb8().into_raw()
    };
    let exact = translated("f32");
    for (weights, tolerance) in [("f16", 1.0), ("q8", 6.0)] {
        let rounded = translated(weights);
        let differences = exact
            .iter()
            .zip(&rounded)
            .map(|(a, b)| f64::from(a.abs_diff(*b)));
        let mean = differences.sum::<f64>() / exact.len() as f64;
        assert!(mean <= tolerance, "{weights}: {mean}");
    }
}

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

#[test]
fn names_that_differ_by_an_ending_of_their_folder_are_pairs() {
    let folder = temp();
    for (name, ending) in [("a", "_A"), ("b", "_real_B")] {
        fs::create_dir_all(folder.path().join(name)).expect("a folder");
        for index in 0..3 {
            let path = folder.path().join(format!("{name}/10{index}{ending}.png"));
            image(140, 140, index).save(path).expect("an image");
        }
    }
    let arguments = words("data inspect --a a --b b --fast --format json");
    let output = run(folder.path(), &arguments);
    assert_code(&output, DONE);
    let set: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let pairs = |part: usize| set["parts"][part]["pairs"].as_u64().expect("a number");
    assert_eq!(
        (
            pairs(0) + pairs(1),
            set["unmatched"].as_array().map(Vec::len)
        ),
        (3, Some(0))
    );
    // Nothing to match by: the advice is not the flag that is there.
    fs::rename(
        folder.path().join("b/100_real_B.png"),
        folder.path().join("b/x.png"),
    )
    .expect("moved");
    let arguments = words("train --a a --b b --skip-unmatched --device cpu");
    let output = run(folder.path(), &arguments);
    assert_code(&output, FAILED);
    assert_names(&output, &["not one pair", "1_A.png"]);
    assert!(
        !stderr(&output).contains("--skip-unmatched"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn drawn_facades_never_take_the_place_of_files_that_are_there() {
    let folder = temp();
    let arguments = ["data", "demo", "facades", "--count", "2", "--size", "16"];
    assert_code(&run(folder.path(), &arguments), DONE);
    let output = run(folder.path(), &[&arguments[..], &["--seed", "1"]].concat());
    assert_code(&output, FAILED);
    assert_names(&output, &["facades/train", "already"]);
    let output = run(folder.path(), &["data", "demo", "none", "--count", "0"]);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--count", "1 or more"]);
    assert!(!folder.path().join("none").exists());
    let output = run(
        folder.path(),
        &["data", "inspect", "facades", "--depth-b", "70000"],
    );
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["--depth-b", "at most 65535"]);
}

#[test]
fn a_model_that_is_exported_again_has_one_file_of_weights() {
    let folder = temp();
    tiny_model(folder.path());
    for weights in ["f32", "q8"] {
        let arguments = ["export", "run", "-o", "model", "--weights", weights];
        assert_code(&run(folder.path(), &arguments), DONE);
    }
    let files = fs::read_dir(folder.path().join("model")).expect("a folder");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["generator.q8.bpk", "manifest.json"]);
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

/// A JPEG that asks to be turned by 90°.
fn exif_rotated_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    image(width, height, 4)
        .write_with_encoder(encoder)
        .expect("a JPEG");
    let jpeg = jpeg.into_inner();
    // TIFF header, one entry: tag 0x0112 (orientation), type SHORT, count 1, value 6.
    let exif = [
        b"Exif\0\0MM\0\x2a\0\0\0\x08".as_slice(),
        b"\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".as_slice(),
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &length, &exif, &jpeg[2..]].concat()
}

/// Wider than any image that is decoded.
fn huge_png(path: &Path) {
    let file = std::io::BufWriter::new(fs::File::create(path).expect("a file"));
    let encoder = image::codecs::png::PngEncoder::new(file);
    let grey = vec![0u8; 40_000 * 8];
    image::ImageEncoder::write_image(encoder, &grey, 40_000, 8, image::ExtendedColorType::L8)
        .expect("an image");
}
