//! `eval` through the binary: tables, rows, runs and models.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

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
