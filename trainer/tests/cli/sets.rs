//! Where the images of a training come from.

use std::fs;

use image::Rgb;

use super::{photos, tiny, without_first_steps, words};
use crate::harness::{
    DONE, FAILED, WRONG_USAGE, assert_code, assert_names, image, run, stderr, temp,
};

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
