//! `eval` through the binary: tables, rows, runs and models.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;
mod made_weights;

use std::fs;
use std::path::Path;

use harness::{done, temp, trained};
use serde_json::Value;

const DATA: [&str; 4] = ["--photos", "photos", "--task", "deblur"];

fn photos(folder: &Path) {
    let photos = folder.join("photos/val");
    for part in ["train", "val"] {
        fs::create_dir_all(folder.join("photos").join(part)).expect("a folder");
    }
    for index in 0..3 {
        let image = harness::image(180, 170, index);
        let name = format!("flower, \"{index}\".png");
        image.save(photos.join(&name)).expect("an image");
        let train = folder.join("photos/train").join(name);
        image.save(train).expect("an image");
    }
}

fn eval(folder: &Path, more: &[&str]) -> String {
    let words = ["eval", "--size", "128", "--device", "cpu"];
    let output = done(folder, &[&words[..], &DATA, more].concat());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn each_image_has_a_row_and_their_mean_is_the_result() {
    let folder = temp();
    photos(folder.path());
    trained(folder.path(), &DATA);
    let arguments = [
        "--model",
        "run/export",
        "--csv",
        "rows.csv",
        "--format",
        "json",
    ];
    let json: Value = serde_json::from_str(&eval(folder.path(), &arguments)).expect("JSON");
    let rows = json["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), json["count"].as_u64()), (3, Some(3)));
    let psnr = |row: &Value| row["output"]["psnr"].as_f64().expect("a number");
    let mean = rows.iter().map(psnr).sum::<f64>() / 3.0;
    assert!((mean - psnr(&json)).abs() < 1e-9);

    let csv = fs::read_to_string(folder.path().join("rows.csv")).expect("a file");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with(
        "name,output_l1,output_psnr,output_ssim,output_ms_ssim,output_weave,output_spectrum,input_l1"
    ));
    assert!(
        lines[1].starts_with("\"flower, \"\"0\"\"\","),
        "{}",
        lines[1]
    );
    let first = lines[1].rsplit(',').nth(10).expect("a column");
    assert!((first.parse::<f64>().expect("a number") - psnr(&rows[0])).abs() < 1e-5);
}

#[test]
fn the_folder_of_a_run_stands_for_its_exported_model() {
    let folder = temp();
    photos(folder.path());
    trained(folder.path(), &DATA);
    let table = eval(folder.path(), &["--model", "run"]);
    assert_eq!(table, eval(folder.path(), &["--model", "run/export"]));
    assert!(table.contains("untouched input") && table.contains("3 validation images"));
}

/// What `eval` prints of a run without a word on images.
fn eval_plainly(folder: &Path, more: &[&str]) -> String {
    let words = ["eval", "--model", "run", "--device", "cpu"];
    let output = done(folder, &[&words[..], more].concat());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_run_is_judged_on_its_own_images_as_at_its_end_and_they_are_named() {
    let folder = temp();
    let folder = folder.path();
    fs::create_dir_all(folder.join("pairs")).expect("a folder");
    for index in 0..9 {
        let path = folder.join(format!("pairs/{index}.png"));
        harness::image(280, 140, index)
            .save(path)
            .expect("an image");
    }
    let words = [
        "--data",
        "pairs",
        "--direction",
        "BtoA",
        "--seed",
        "4",
        "--weights",
        "f32",
    ];
    let trained = trained(folder, &words);
    let table = eval_plainly(folder, &[]);
    for word in [
        "2 validation images of pairs, BtoA",
        "--all judges the other 7 too",
    ] {
        assert!(table.contains(word), "\"{word}\" is not in:\n{table}");
    }
    // The same numbers as those at the end of the training.
    let summary = String::from_utf8_lossy(&trained.stdout).into_owned();
    for row in ["untouched input", "output "] {
        let of = |text: &str| {
            let line = text.lines().find(|line| line.starts_with(row));
            line.map(|line| {
                line.split_whitespace()
                    .map(str::to_string)
                    .collect::<Vec<_>>()
            })
        };
        assert!(of(&summary).is_some());
        assert_eq!(of(&summary), of(&table));
    }
    // What is said on the command line counts.
    let other = eval_plainly(folder, &["--direction", "AtoB"]);
    assert!(other.contains("pairs, AtoB"), "{other}");
    assert_ne!(other.lines().nth(2), table.lines().nth(2));
    let all = eval_plainly(folder, &["--all"]);
    assert!(all.contains("(9 images, all of pairs, BtoA)"), "{all}");
    // The model folder inside the run knows as much; one elsewhere knows the direction.
    let model = done(
        folder,
        &["eval", "--model", "run/export", "--device", "cpu"],
    );
    assert_eq!(String::from_utf8_lossy(&model.stdout), table);
    fs::rename(folder.join("run/export"), folder.join("model")).expect("moved");
    let words = [
        "eval", "--model", "model", "--data", "pairs", "--device", "cpu",
    ];
    let alone = done(folder, &words);
    let alone = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert!(alone.contains("pairs, BtoA"), "{alone}");
}

#[test]
fn a_model_without_its_run_asks_for_images_and_knows_its_task() {
    let folder = temp();
    let folder = folder.path();
    photos(folder);
    trained(folder, &DATA);
    fs::rename(folder.join("run/export"), folder.join("model")).expect("moved");
    let words = ["eval", "--model", "model", "--device", "cpu"];
    let output = harness::run(folder, &words);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        harness::talk(&output).contains("--photos"),
        "{}",
        harness::talk(&output)
    );
    let output = done(folder, &[&words[..], &["--photos", "photos"]].concat());
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        table.contains("3 validation images of photos, task deblur"),
        "{table}"
    );
    // The drawn set is named, too.
    let drawn = temp();
    trained(drawn.path(), &[]);
    let table = eval_plainly(drawn.path(), &[]);
    assert!(
        table.contains("24 validation images of the drawn façades, AtoB"),
        "{table}"
    );
    let all = harness::run(
        drawn.path(),
        &["eval", "--model", "run", "--all", "--device", "cpu"],
    );
    assert_eq!(all.status.code(), Some(harness::FAILED));
    assert!(
        harness::talk(&all).contains("--all"),
        "{}",
        harness::talk(&all)
    );
}

#[test]
fn restored_photos_are_judged_with_each_fault_alone_and_the_manifest_tells_the_mix() {
    let folder = temp();
    let folder = folder.path();
    photos(folder);
    trained(folder, &["--photos", "photos", "--task", "restore"]);
    let manifest = fs::read_to_string(folder.join("run/export/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["generator"]["residual"], true);
    let faults = &manifest["training"]["faults"];
    assert_eq!(faults["jpeg_quality"]["end"], 70, "{faults}");

    let table = eval_plainly(folder, &[]);
    let json: Value =
        serde_json::from_str(&eval_plainly(folder, &["--format", "json"])).expect("JSON");
    let parts = json["parts"].as_array().expect("parts");
    let names = ["blurred", "small", "noisy", "JPEG", "clean"];
    assert_eq!(parts.len(), names.len());
    for (part, name) in parts.iter().zip(names) {
        assert_eq!((&part["part"], &part["count"]), (&name.into(), &3.into()));
        let psnr = |side: &str| part[side]["psnr"].as_f64().expect("a number");
        assert_eq!(psnr("input") == 100.0, name == "clean", "{part}");
        assert!(psnr("output") < 100.0, "an untrained model changes images");
        let line = table.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name} is not in:\n{table}"));
        assert!(line.contains(&format!("{:.2}", psnr("input"))), "{line}");
    }
    assert_ne!(
        json["input"], parts[0]["input"],
        "the mix is no fault alone"
    );
}

#[test]
fn cyclegan_is_judged_by_cycles_and_identities_of_images_nobody_learned_from() {
    let folder = temp();
    let folder = folder.path();
    for (side, count) in [("a", 5), ("b", 10)] {
        fs::create_dir_all(folder.join(side)).expect("a folder");
        for index in 0..count {
            let path = folder.join(side).join(format!("{index}.png"));
            harness::image(40, 40, index).save(path).expect("an image");
        }
    }
    let words = "train --model cyclegan --a a --b b --net-g resnet_6blocks --size 32 --base 1 \
                 --steps 2 --device cpu --run run";
    done(folder, &words.split_whitespace().collect::<Vec<_>>());
    let manifest = fs::read_to_string(folder.join("run/export/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["training"]["metrics"], Value::Null);
    let words = [
        "--csv", "rows.csv", "--grid", "grid.png", "--format", "json",
    ];
    let json: Value = serde_json::from_str(&eval_plainly(folder, &words)).expect("JSON");
    assert_eq!((&json["count_a"], &json["count_b"]), (&1.into(), &2.into()));
    let rows = json["rows"].as_array().expect("rows");
    let psnr = |value: &Value| value["psnr"].as_f64().expect("a number");
    for (side, cycle, idt) in [("A", "cycle_a", "idt_b"), ("B", "cycle_b", "idt_a")] {
        let of_side: Vec<&Value> = rows.iter().filter(|row| row["side"] == side).collect();
        let mean = |key: &str| {
            of_side.iter().map(|row| psnr(&row[key])).sum::<f64>() / of_side.len() as f64
        };
        assert!((mean("cycle") - psnr(&json[cycle])).abs() < 1e-9, "{json}");
        assert!((mean("idt") - psnr(&json[idt])).abs() < 1e-9, "{json}");
    }
    assert!(
        psnr(&json["cycle_a"]) < 99.0,
        "an untrained cycle changes images: {json}"
    );
    let csv = fs::read_to_string(folder.join("rows.csv")).expect("a file");
    assert!(
        csv.starts_with("side,name,cycle_l1,cycle_psnr") && csv.lines().count() == 4,
        "{csv}"
    );
    assert!(folder.join("grid.png").is_file());
    let all = eval_plainly(folder, &["--all"]);
    for word in [
        "cycle_A",
        "idt_B",
        "5 images of A and 10 of B, all of a and b, AtoB",
    ] {
        assert!(all.contains(word), "\"{word}\" is not in:\n{all}");
    }
    // One generator alone has no way back.
    fs::rename(folder.join("run/export"), folder.join("model")).expect("moved");
    let words = [
        "eval", "--model", "model", "--a", "a", "--b", "b", "--device", "cpu",
    ];
    let output = harness::run(folder, &words);
    assert_eq!(output.status.code(), Some(harness::FAILED));
    assert!(
        harness::talk(&output).contains("both generators"),
        "{}",
        harness::talk(&output)
    );
}

#[test]
fn lpips_and_fid_are_in_the_table_the_rows_and_the_json() {
    let folder = temp();
    photos(folder.path());
    trained(folder.path(), &DATA);
    for (name, file) in [("lpips", "alex.pth"), ("fid", "inception.pth")] {
        made_weights::write(folder.path(), file, made_weights::weights(name));
    }
    let words = ["eval", "--size", "128", "--device", "cpu", "--model", "run"];
    let weights = [
        "--lpips-weights",
        "alex.pth",
        "--fid-weights",
        "inception.pth",
    ];
    let files = ["--csv", "rows.csv", "--format", "json"];
    let output = done(
        folder.path(),
        &[&words, &DATA[..], &weights, &files].concat(),
    );
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = json["rows"].as_array().expect("rows");
    for side in ["output", "input"] {
        let lpips = |row: &Value| row[side]["lpips"].as_f64().expect("LPIPS");
        let mean = rows.iter().map(lpips).sum::<f64>() / 3.0;
        assert!((mean - lpips(&json)).abs() < 1e-9 && mean > 0.0, "{mean}");
        let fid = json[side]["fid"].as_f64().expect("FID");
        assert!(fid > 0.0, "{fid}");
        assert_eq!(rows[0][side]["fid"], Value::Null);
    }
    assert_ne!(json["output"]["fid"], json["input"]["fid"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("FID of 3 images"), "{said}");
    let csv = fs::read_to_string(folder.path().join("rows.csv")).expect("a file");
    let head = csv.lines().next().expect("a head");
    assert!(
        head.contains("output_lpips") && head.ends_with("input_lpips"),
        "{head}"
    );

    let table = eval(
        folder.path(),
        &[&["--model", "run"], &weights[..2]].concat(),
    );
    assert!(table.contains("LPIPS") && !table.contains("FID"), "{table}");
}

#[test]
fn images_of_other_channels_are_refused_for_lpips() {
    let folder = temp();
    harness::two_folders(folder.path(), "png", |_, index, path| {
        let rgba = image::DynamicImage::from(harness::image(140, 130, index)).to_rgba8();
        rgba.save(path).expect("an image");
    });
    let data = [
        "--a",
        "a",
        "--b",
        "b",
        "--channels-a",
        "4",
        "--channels-b",
        "4",
    ];
    trained(folder.path(), &data);
    made_weights::write(folder.path(), "alex.pth", made_weights::weights("lpips"));
    let words = ["eval", "--size", "128", "--device", "cpu", "--model", "run"];
    let weights = ["--lpips-weights", "alex.pth"];
    let output = harness::run(folder.path(), &[&words[..], &data, &weights].concat());
    assert_eq!(output.status.code(), Some(harness::FAILED));
    let said = harness::talk(&output);
    assert!(
        said.contains("4 channels") && said.contains("--lpips-weights"),
        "{said}"
    );
}
