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
        let picture = harness::picture(180, 170, index);
        let name = format!("flower, \"{index}\".png");
        picture.save(photos.join(&name)).expect("a picture");
        let train = folder.join("photos/train").join(name);
        picture.save(train).expect("a picture");
    }
}

fn eval(folder: &Path, more: &[&str]) -> String {
    let words = ["eval", "--size", "128", "--device", "cpu"];
    let output = done(folder, &[&words[..], &DATA, more].concat());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn each_picture_has_a_row_and_their_mean_is_the_result() {
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
    assert!(lines[0].starts_with("name,output_l1,output_psnr,output_ssim,output_ms_ssim,input_l1"));
    assert!(
        lines[1].starts_with("\"flower, \"\"0\"\"\","),
        "{}",
        lines[1]
    );
    let first = lines[1].rsplit(',').nth(6).expect("a column");
    assert!((first.parse::<f64>().expect("a number") - psnr(&rows[0])).abs() < 1e-5);
}

#[test]
fn the_folder_of_a_run_stands_for_its_exported_model() {
    let folder = temp();
    photos(folder.path());
    trained(folder.path(), &DATA);
    let table = eval(folder.path(), &["--model", "run"]);
    assert_eq!(table, eval(folder.path(), &["--model", "run/export"]));
    assert!(table.contains("untouched input") && table.contains("3 validation pictures"));
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
    assert!(said.contains("FID of 3 pictures"), "{said}");
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
fn pictures_of_other_channels_are_refused_for_lpips() {
    let folder = temp();
    harness::two_folders(folder.path(), "png", |_, index, path| {
        let rgba = image::DynamicImage::from(harness::picture(140, 130, index)).to_rgba8();
        rgba.save(path).expect("a picture");
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
