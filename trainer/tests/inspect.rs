//! `data inspect` and `inspect` through the binary.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::fs;
use std::path::Path;

use harness::{
    DONE, FAILED, TINY, done, grey16, image, refused, run, talk, temp, trained, two_folders,
};
use image::{Rgb, RgbImage};
use serde_json::Value;

fn inspected(folder: &Path, words: &[&str], code: i32) -> Value {
    let output = run(
        folder,
        &[&["data", "inspect", "--format", "json"], words].concat(),
    );
    assert_eq!(output.status.code(), Some(code), "{}", talk(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn put(folder: &Path, name: &str, image: &RgbImage) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    image.save(path).expect("an image");
}

fn close(value: &Value, expected: f64) {
    let value = value.as_f64().expect("a number");
    // Samples are of 32 bits, sums of 64.
    assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
}

#[test]
fn sizes_counts_and_statistics_are_those_of_the_files() {
    let folder = temp();
    let folder = folder.path();
    // Left half flat, right half of two colours: mean and deviation are known.
    for (name, red) in [
        ("train/0.png", 51),
        ("train/1.png", 153),
        ("val/0.png", 102),
    ] {
        let combined = RgbImage::from_fn(400, 300, |x, y| match (x < 200, y < 150) {
            (true, _) => Rgb([red, 0, 255]),
            (false, true) => Rgb([0, 255, 0]),
            (false, false) => Rgb([255, 255, 0]),
        });
        put(folder, &format!("set/{name}"), &combined);
    }
    put(
        folder,
        "set/train/2.png",
        &RgbImage::from_pixel(600, 300, Rgb([102, 0, 255])),
    );
    let set = inspected(folder, &["set", "--sheet", "sheet.png"], DONE);
    assert!(set["pairs_per_second"].as_f64().expect("a speed") > 0.0);
    let fast = inspected(folder, &["set", "--fast"], DONE);
    assert!(fast.get("pairs_per_second").is_none(), "{fast}");
    let train = &set["parts"][0];
    assert_eq!(
        (&train["pairs"], &set["parts"][1]["pairs"]),
        (&3.into(), &1.into())
    );
    let group = &train["groups"][0];
    assert_eq!(group["files"], 3);
    let sizes = [("width", 400), ("height", 300), ("files", 2)];
    for (name, expected) in sizes {
        assert_eq!(group["sizes"][0][name], expected);
    }
    assert_eq!(group["samples"]["3 × 8 bit"], 3);
    let input = &group["statistics"][0]["channels"];
    let pixels = (60_000.0, 90_000.0);
    let weighted = |values: [f64; 3]| {
        (pixels.0 * (values[0] + values[1]) + pixels.1 * values[2]) / (2.0 * pixels.0 + pixels.1)
    };
    close(&input[0]["mean"], weighted([0.2, 0.6, 0.4]));
    close(
        &input[0]["std"],
        (weighted([0.04, 0.36, 0.16]) - 0.16_f64).sqrt(),
    );
    close(&input[2]["mean"], 1.0);
    close(&input[2]["std"], 0.0);
    let target = &group["statistics"][1]["channels"];
    close(&target[0]["mean"], weighted([0.5, 0.5, 0.4]));
    let sheet = image::open(folder.join("sheet.png"))
        .expect("a sheet")
        .to_rgb8();
    assert!(sheet.width() > 6 * 128 && sheet.height() > 128);
    assert_eq!(
        sheet.get_pixel(64, 64),
        &Rgb([51, 0, 255]),
        "the first input"
    );
}

#[test]
fn files_without_a_partner_are_all_named_and_refused_unless_skipped() {
    let folder = temp();
    let folder = folder.path();
    two_folders(folder, "png", |_, index, path| {
        image(300, 300, index).save(path).expect("an image");
    });
    fs::rename(folder.join("b/1.png"), folder.join("b/one.png")).expect("renamed");
    let set = inspected(folder, &["--a", "a", "--b", "b"], FAILED);
    let unmatched = set["unmatched"].as_array().expect("a list");
    assert_eq!(unmatched.len(), 2, "{unmatched:?}");
    let refused = set["refused"][0].as_str().expect("a reason");
    assert!(
        refused.contains("the same name: 2;") && refused.contains("--skip-unmatched"),
        "{refused}"
    );
    let set = inspected(folder, &["--a", "a", "--b", "b", "--skip-unmatched"], DONE);
    assert_eq!(set["unmatched"].as_array().expect("a list").len(), 2);
    let pairs = |part: usize| set["parts"][part]["pairs"].as_u64().expect("a number");
    assert_eq!(pairs(0) + pairs(1), 2);
}

#[test]
fn files_that_are_there_twice_are_found_within_and_across_the_parts() {
    let folder = temp();
    let folder = folder.path();
    for index in 0..4 {
        put(
            folder,
            &format!("photos/train/{index}.png"),
            &image(300, 280, index),
        );
    }
    put(folder, "photos/val/a.png", &image(300, 280, 2));
    put(folder, "photos/val/b.png", &image(300, 280, 7));
    let copy = |from: &str, to: &str| {
        fs::copy(folder.join(from), folder.join(to)).expect("a copy");
    };
    copy("photos/train/0.png", "photos/train/again.png");
    let words = ["--photos", "photos", "--task", "deblur"];
    let set = inspected(folder, &words, DONE);
    let duplicates = set["duplicates"].as_array().expect("a list");
    assert_eq!(duplicates.len(), 2, "{duplicates:?}");
    let files = |index: usize| {
        let files = duplicates[index]["files"].as_array().expect("a list");
        files
            .iter()
            .map(|file| file.as_str().expect("a path"))
            .collect::<Vec<_>>()
    };
    assert_eq!(files(0), ["photos/train/0.png", "photos/train/again.png"]);
    assert_eq!(files(1), ["photos/train/2.png", "photos/val/a.png"]);
    assert_eq!(
        (&duplicates[0]["across"], &duplicates[1]["across"]),
        (&false.into(), &true.into())
    );
    assert!(
        set["remarks"].to_string().contains("validation flatters"),
        "{set}"
    );
    let fast = inspected(folder, &[&words[..], &["--fast"]].concat(), DONE);
    assert_eq!(fast["duplicates"].as_array().map(Vec::len), Some(0));
    assert_eq!(fast["parts"][0]["groups"][0]["files"], 5);
    let human = done(folder, &[&["data", "inspect"], &words[..]].concat());
    for word in [
        "train: 5 pairs",
        "300×280 (5)",
        "mean",
        "training and validation alike",
    ] {
        assert!(
            talk(&human).contains(word),
            "{word} is not in {}",
            talk(&human)
        );
    }
}

#[test]
fn bad_small_and_long_images_are_named_by_inspect_and_before_a_training() {
    let folder = temp();
    let folder = folder.path();
    for index in 0..4 {
        put(folder, &format!("a/{index}.png"), &image(300, 280, index));
        put(folder, &format!("b/{index}.png"), &image(300, 280, index));
    }
    for side in ["a", "b"] {
        put(folder, &format!("{side}/long.png"), &image(900, 300, 1));
        put(folder, &format!("{side}/tiny.png"), &image(20, 30, 1));
        fs::write(folder.join(side).join("bad.png"), "no image").expect("a file");
        fs::create_dir_all(folder.join(side).join("train")).expect("a folder");
        for name in ["0.png", "1.png", "long.png", "tiny.png", "bad.png"] {
            let from = folder.join(side).join(name);
            fs::rename(from, folder.join(side).join("train").join(name)).expect("moved");
        }
        fs::create_dir_all(folder.join(side).join("val")).expect("a folder");
        for name in ["2.png", "3.png"] {
            let from = folder.join(side).join(name);
            fs::rename(from, folder.join(side).join("val").join(name)).expect("moved");
        }
    }
    let words = ["--a", "a", "--b", "b"];
    let set = inspected(folder, &[&words[..], &["--size", "128"]].concat(), DONE);
    assert!(set["left_out"].to_string().contains("bad.png"), "{set}");
    let remarks = set["remarks"].to_string();
    for word in ["tiny.png", "20×30", "long.png", "900×300", "--size 128"] {
        assert!(remarks.contains(word), "{word} is not in {remarks}");
    }
    let training = trained(folder, &words);
    for word in ["bad.png", "tiny.png", "long.png"] {
        assert!(
            talk(&training).contains(word),
            "{word} is not in {}",
            talk(&training)
        );
    }
}

#[test]
fn depth_is_judged_by_what_was_measured() {
    let folder = temp();
    let folder = folder.path();
    two_folders(folder, "png", |_, index, path| {
        let mut depth = grey16(300, 260, index, 900);
        for (_, y, pixel) in depth.enumerate_pixels_mut() {
            pixel.0 = [if y < 65 { 0 } else { 500 }];
        }
        depth.save(path).expect("an image");
    });
    let words = [
        "--a",
        "a",
        "--b",
        "b",
        "--depth-a",
        "900",
        "--depth-b",
        "900",
    ];
    let set = inspected(folder, &words, DONE);
    let side = &set["parts"][0]["groups"][1]["statistics"][0];
    close(&side["measured"], 0.75);
    close(&side["white"], 900.0);
    let mean = side["channels"][0]["mean"].as_f64().expect("a number");
    assert!((mean - 500.0).abs() < 0.1, "{mean}");
}

#[test]
fn a_largest_depth_in_another_unit_is_refused_with_the_largest_that_is_there() {
    let folder = temp();
    let folder = folder.path();
    two_folders(folder, "png", |_, index, path| {
        let mut depth = grey16(300, 260, index, 8000);
        depth.get_pixel_mut(0, 0).0 = [8123];
        for pixel in depth.pixels_mut() {
            pixel.0[0] = pixel.0[0].max(500);
        }
        depth.save(path).expect("an image");
    });
    let words = |max: &'static str| ["--a", "a", "--b", "b", "--depth-a", max, "--depth-b", max];
    refused(
        folder,
        &words("10"),
        &["--depth-a 10", "0.0% of the depths", "8123"],
    );
    let set = inspected(folder, &words("10"), FAILED);
    assert!(
        set["refused"].to_string().contains("the largest is 8123"),
        "{set}"
    );
    // Many, but not all: a remark, and the set is used.
    let set = inspected(folder, &words("6000"), DONE);
    let remarks = set["remarks"].to_string();
    assert!(
        remarks.contains("--depth-b 6000") && remarks.contains("8123"),
        "{set}"
    );
    let set = inspected(folder, &words("8123"), DONE);
    assert!(!set["remarks"].to_string().contains("--depth"), "{set}");
    // Nothing was measured at all.
    two_folders(folder, "png", |_, index, path| {
        let mut depth = grey16(300, 260, index, 8000);
        depth.pixels_mut().for_each(|pixel| pixel.0 = [0]);
        depth.save(path).expect("an image");
    });
    refused(
        folder,
        &words("8000"),
        &["--depth-a 8000", "not a single pixel"],
    );
}

#[test]
fn sets_without_pairs_are_counted_by_side() {
    let folder = temp();
    let folder = folder.path();
    for (side, count) in [("a", 5), ("b", 10)] {
        for index in 0..count {
            put(
                folder,
                &format!("{side}/{index}.png"),
                &image(40, 40, index),
            );
        }
    }
    let words = [
        "data", "inspect", "--model", "cyclegan", "--a", "a", "--b", "b", "--size", "32",
    ];
    let said = talk(&done(folder, &words));
    assert!(
        said.contains("train: 4 images of A, 8 images of B"),
        "{said}"
    );
    assert!(
        said.contains("validation: 1 image of A, 2 images of B"),
        "{said}"
    );
    assert!(
        !said.contains("pairs,") && !said.contains("input"),
        "{said}"
    );
}

#[test]
fn a_contact_sheet_is_what_its_name_says() {
    let folder = temp();
    let folder = folder.path();
    for index in 0..3 {
        put(
            folder,
            &format!("photos/{index}.png"),
            &image(40, 40, index),
        );
    }
    let words = [
        "data", "inspect", "--photos", "photos", "--task", "edges", "--size", "32", "--sheet",
    ];
    done(folder, &[&words[..], &["sheet.jpg"]].concat());
    let bytes = fs::read(folder.join("sheet.jpg")).expect("a file");
    assert_eq!(
        image::guess_format(&bytes).expect("a format"),
        image::ImageFormat::Jpeg
    );
    let output = run(folder, &[&words[..], &["sheet.gif"]].concat());
    assert_eq!(output.status.code(), Some(FAILED));
    assert!(talk(&output).contains("sheet.gif") && !folder.join("sheet.gif").exists());
}

#[test]
fn a_missing_set_is_refused_and_no_set_is_asked_for() {
    let folder = temp();
    for (words, word) in [(&["nowhere"][..], "nowhere"), (&[], "--photos")] {
        let output = run(folder.path(), &[&["data", "inspect"], words].concat());
        assert_eq!(output.status.code(), Some(FAILED));
        assert!(talk(&output).contains(word), "{}", talk(&output));
    }
}

#[test]
fn a_model_folder_tells_its_network_and_is_checked() {
    let folder = temp();
    let folder = folder.path();
    put(folder, "photos/0.png", &image(140, 140, 0));
    put(folder, "photos/1.png", &image(140, 140, 1));
    let words = [
        "train", "--run", "run", "--photos", "photos", "--task", "deblur",
    ];
    done(folder, &[&words[..], &TINY].concat());
    let human = done(folder, &["inspect", "run/export"]);
    for word in [
        "unet_128, base 1",
        "3 (color) to 3 (color)",
        "multiples of 128",
        "parameters",
    ] {
        assert!(
            talk(&human).contains(word),
            "{word} is not in {}",
            talk(&human)
        );
    }
    let json = done(folder, &["inspect", "run/export", "--format", "json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["generator"]["arch"], "unet_128");
    assert_eq!(json["training"]["steps"], 2);
    // 16 · in · out of each 4×4 convolution, and scale and shift of norms.
    assert_eq!(json["parameters"], 10_477);
    let weights = folder
        .join("run/export")
        .join(json["weights"]["path"].as_str().expect("a path"));
    let mut bytes = fs::read(&weights).expect("weights");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).expect("a file");
    let altered = run(folder, &["inspect", "run/export"]);
    assert_eq!(altered.status.code(), Some(FAILED));
    assert!(talk(&altered).contains("generator."), "{}", talk(&altered));
}
