//! Generators of the first web demo.

use std::fs;
use std::path::{Path, PathBuf};

use super::{fixture, import, manifest};
use crate::harness::{DONE, FAILED, WRONG_USAGE, assert_code, assert_names, run, temp};

fn pict(name: &str) -> PathBuf {
    fixture("pict").join(name)
}

#[test]
fn a_generator_of_the_first_web_demo_makes_what_it_makes_there() {
    let folder = temp();
    let imported = import(
        folder.path(),
        &pict("tiny.pict"),
        &["--weights", "f32", "--draw"],
    );
    assert_code(&imported, DONE);
    let manifest = manifest(folder.path());
    assert_eq!(manifest["input"]["mode"], "draw");
    assert_eq!(manifest["generator"]["arch"], "unet_128");
    assert_eq!(manifest["generator"]["norm_stats"], "batch");
    let input = pict("input.png");
    let input = input.to_str().expect("a path of letters");
    let translated = run(
        folder.path(),
        &[
            "translate",
            "--model",
            "model",
            input,
            "-o",
            "result.png",
            "--device",
            "cpu",
        ],
    );
    assert_code(&translated, DONE);
    let pixels = |path: &Path| image::open(path).expect("an image").to_rgb8().into_raw();
    let found = pixels(&folder.path().join("result.png"));
    let expected = pixels(&pict("expected.png"));
    assert_eq!(found.len(), expected.len());
    let off = found
        .iter()
        .zip(&expected)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    // Where 64 bits lie between two values, 32 bits may round to the other.
    assert!(off <= Some(1), "off by {off:?}");
}

#[test]
fn a_pict_file_that_is_cut_swollen_or_another_network_is_refused_and_says_why() {
    let folder = temp();
    let bytes = fs::read(pict("tiny.pict")).expect("the fixture");
    let cut = bytes[..bytes.len() - 1].to_vec();
    let swollen = [&bytes[..], &[0]].concat();
    let name = b"encoder_1/";
    let at = bytes.windows(name.len()).position(|part| part == name);
    let mut renamed = bytes.clone();
    renamed[at.expect("the outermost layer") + name.len() - 2] = b'9';
    for (name, bytes, reason) in [
        ("cut.pict", &cut, "ends too early"),
        ("more.pict", &swollen, "goes on behind"),
        ("empty.pict", &Vec::new(), "ends too early"),
        (
            "text.pict",
            &b"\0\0\0\x02{}\0\0\0\0\0\0\0\0".to_vec(),
            "list of tensors",
        ),
        ("other.pict", &renamed, "0 layers named encoder"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).expect("room");
        let output = import(folder.path(), &file, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &[name, reason]);
        assert!(!folder.path().join("model").exists());
    }
    let idle = import(folder.path(), &pict("tiny.pict"), &["--norm", "batch"]);
    assert_code(&idle, WRONG_USAGE);
    assert_names(&idle, &["--norm", ".pict"]);
}
