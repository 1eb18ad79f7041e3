//! `translate` and `inspect` through the binary: which images, in how many pieces, and what is
//! said about them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use harness::{FAILED, WRONG_USAGE, done, image, run, talk, temp, trained};
use image::{DynamicImage, ImageBuffer, Rgb, RgbaImage};
use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

const TRANSLATE: [&str; 5] = ["translate", "--model", "run/export", "--device", "cpu"];

/// A folder with a model of running statistics in `run/export`.
fn with_model() -> TempDir {
    let folder = temp();
    fs::create_dir(folder.path().join("training")).expect("a folder");
    for index in 0..3 {
        let path = folder.path().join(format!("training/{index}.png"));
        image(140, 140, index).save(path).expect("an image");
    }
    let words = [
        "--photos",
        "training",
        "--task",
        "deblur",
        "--norm-stats",
        "running",
        "--norm",
        "batch",
    ];
    trained(folder.path(), &words);
    folder
}

fn put(folder: &Path, name: &str, seed: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    image(40, 30, seed).save(path).expect("an image");
}

fn translate(folder: &Path, words: &[&str]) -> Output {
    run(folder, &[&TRANSLATE, words].concat())
}

fn translated(folder: &Path, words: &[&str]) -> Output {
    done(folder, &[&TRANSLATE, words].concat())
}

/// Paths below `folder`, `/` between them.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let inside = files.map(|entry| entry.path().strip_prefix(folder).map(Path::to_path_buf));
    inside
        .map(|path| path.expect("inside").to_string_lossy().replace('\\', "/"))
        .collect()
}

fn events(output: &Output, name: &str) -> Vec<Value> {
    let lines = talk(output);
    let events = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    events
        .filter(|event: &Value| event["event"] == name)
        .collect()
}

#[test]
fn shares_are_disjoint_complete_and_go_on_where_they_were_stopped() {
    let folder = with_model();
    let folder = folder.path();
    for index in 0..12 {
        put(folder, &format!("in/{}/{index}.jpg", index % 3), index);
    }
    let mut all = BTreeSet::new();
    let mut last = String::new();
    for share in ["1/3", "2/3", "3/3"] {
        let before = all.len();
        let output = translated(folder, &["in", "-o", "out", "--shard", share]);
        let made = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in made.lines() {
            assert!(all.insert(line.to_string()), "{line} was made twice");
            last = line.to_string();
        }
        assert!(all.len() < 12 || before > 0, "{share} took everything");
    }
    assert_eq!(all.len(), 12);
    assert_eq!(files(&folder.join("out")).len(), 12);
    // One result is lost, one is cut: only those are made again, whoever takes them.
    fs::remove_file(folder.join(&last)).expect("removed");
    let cut = all.iter().find(|path| **path != last).expect("another");
    let whole = fs::read(folder.join(cut)).expect("bytes");
    fs::write(folder.join(cut), &whole[..whole.len() - 5]).expect("a file");
    let again = translated(folder, &["in", "-o", "out", "--shard", "1/1"]);
    let made = String::from_utf8_lossy(&again.stdout).into_owned();
    let made: BTreeSet<&str> = made.lines().collect();
    assert_eq!(made, BTreeSet::from([cut.as_str(), last.as_str()]));
    assert!(
        talk(&again).contains("10 of 12 results were there"),
        "{}",
        talk(&again)
    );
    assert_eq!(fs::read(folder.join(cut)).expect("bytes"), whole);
    // Without a share, or when asked for, everything is made again.
    for words in [&[][..], &["--shard", "1/1", "--overwrite"]] {
        let anew = translated(folder, &[&["in", "-o", "out"], words].concat());
        assert_eq!(String::from_utf8_lossy(&anew.stdout).lines().count(), 12);
    }
}

#[test]
fn a_single_image_becomes_the_file_that_is_named_in_its_format() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "in/a.png", 1);
    put(folder, "in/b.png", 2);
    let glass = RgbaImage::from_fn(40, 30, |x, _| image::Rgba([9, 9, 9, (x * 6) as u8]));
    glass.save(folder.join("glass.png")).expect("an image");
    let format = |name: &str| {
        let reader = image::ImageReader::open(folder.join(name)).expect("a file");
        reader.with_guessed_format().expect("a file").format()
    };
    for (name, expected) in [
        ("one.png", image::ImageFormat::Png),
        ("one.jpg", image::ImageFormat::Jpeg),
        ("new/one.webp", image::ImageFormat::WebP),
        ("one.tif", image::ImageFormat::Tiff),
    ] {
        for input in ["in/a.png", "glass.png"] {
            let output = translated(folder, &[input, "-o", name]);
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), name);
            assert!(talk(&output).ends_with(&format!("into {name}\n")));
            assert_eq!(format(name), Some(expected));
            let image = image::open(folder.join(name)).expect("an image");
            assert_eq!((image.width(), image.height()), (40, 30));
        }
    }
    for (words, word) in [
        (&["in", "-o", "all.png"][..], "name a folder"),
        (&["in/a.png", "in/b.png", "-o", "all.png"], "name a folder"),
        (&["in/a.png", "-o", "all.gif"], "PNG, JPEG, WebP"),
        (&["in/a.png", "-o", "in/a.png"], "would overwrite"),
    ] {
        let output = translate(folder, words);
        assert_eq!(output.status.code(), Some(FAILED));
        assert!(talk(&output).contains(word), "{}", talk(&output));
        assert!(!folder.join("all.png").exists());
    }
    // A folder of that name is a folder.
    fs::create_dir(folder.join("dir.png")).expect("a folder");
    translated(folder, &["in", "-o", "dir.png"]);
    assert!(folder.join("dir.png/a.png").is_file());
}

#[test]
fn a_page_shows_inputs_and_results_side_by_side_and_the_end_counts_them() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "in/a #1.png", 1);
    put(folder, "in/b/c.png", 2);
    let output = translated(folder, &["in", "-o", "out", "--page"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("2 images translated in"), "{said}");
    let page = fs::read_to_string(folder.join("out/index.html")).expect("a page");
    let sources: Vec<&str> = page
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(
        sources,
        [
            "../in/a%20%231.png",
            "a%20%231.png",
            "../in/b/c.png",
            "b/c.png"
        ]
    );
}

#[test]
fn a_small_image_is_enlarged_first_if_that_is_wanted() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "a.png", 1);
    translated(folder, &["a.png", "-o", "large.png", "--enlarge", "4"]);
    let large = image::open(folder.join("large.png")).expect("an image");
    assert_eq!((large.width(), large.height()), (160, 120));
}

#[test]
fn frames_that_are_left_out_are_told_once() {
    let folder = with_model();
    let folder = folder.path();
    fs::create_dir(folder.join("in")).expect("a folder");
    for (name, frames) in [("still.gif", 1), ("one.gif", 3), ("two.gif", 2)] {
        let file = fs::File::create(folder.join("in").join(name)).expect("a file");
        let mut encoder = image::codecs::gif::GifEncoder::new(file);
        for index in 0..frames {
            let frame = DynamicImage::from(image(20, 20, index)).to_rgba8();
            encoder
                .encode_frame(image::Frame::new(frame))
                .expect("a frame");
        }
    }
    let said = talk(&translated(folder, &["in", "-o", "out"]));
    assert!(said.contains("one.gif: has several frames"), "{said}");
    assert_eq!(said.matches("several frames").count(), 1, "{said}");
    assert!(!talk(&translated(folder, &["in/still.gif", "-o", "x"])).contains("frames"));
}

#[test]
fn the_folder_of_a_run_stands_for_its_model_and_an_unfinished_one_says_what_to_do() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "a.png", 1);
    let of_run = [
        "translate",
        "--model",
        "run",
        "a.png",
        "--device",
        "cpu",
        "-o",
        "run.png",
    ];
    done(folder, &of_run);
    translated(folder, &["a.png", "-o", "model.png"]);
    let bytes = |name: &str| fs::read(folder.join(name)).expect("a file");
    assert_eq!(bytes("run.png"), bytes("model.png"));
    let inspected = |model: &str| done(folder, &["inspect", model]).stdout;
    assert_eq!(inspected("run"), inspected("run/export"));
    fs::remove_dir_all(folder.join("run/export")).expect("removed");
    for words in [
        &of_run[..],
        &["inspect", "run"],
        &["eval", "--model", "run"],
    ] {
        let output = run(folder, words);
        assert_eq!(output.status.code(), Some(FAILED));
        let command = "trainer export run --output run/export";
        assert!(talk(&output).contains(command), "{}", talk(&output));
    }
}

#[test]
fn an_image_that_is_added_moves_no_other_to_another_share() {
    let folder = with_model();
    let folder = folder.path();
    let share = |out: &str| {
        translated(folder, &["in", "-o", out, "--shard", "2/2"]);
        files(&folder.join(out))
    };
    for index in 0..8 {
        put(folder, &format!("in/{index}.png"), index);
    }
    let before = share("before");
    put(folder, "in/00-first.png", 9);
    let mut after = share("after");
    after.remove("00-first.png");
    assert_eq!(before, after);
    for wrong in ["0/2", "3/2", "2"] {
        let output = translate(folder, &["in", "-o", "out", "--shard", wrong]);
        assert_eq!(output.status.code(), Some(WRONG_USAGE), "{}", talk(&output));
    }
}

#[test]
fn patterns_find_images_and_keep_the_folders_behind_the_first_wildcard() {
    let folder = with_model();
    let folder = folder.path();
    for name in [
        "in/a/x.png",
        "in/b/x.png",
        "in/b/y.jpg",
        "in/b/deep/z.png",
        "in/c[1].png",
    ] {
        put(folder, name, 1);
    }
    fs::write(folder.join("in/b/notes.txt"), "no image").expect("a file");
    let found = |pattern: &str, out: &str| {
        translated(folder, &[pattern, "-o", out]);
        let files = files(&folder.join(out));
        files.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(found("in/*/x.png", "one"), ["a/x.png", "b/x.png"]);
    assert_eq!(found("in/b/*.*", "two"), ["x.png", "y.png"]);
    assert_eq!(
        found("in/?", "three"),
        ["a/x.png", "b/deep/z.png", "b/x.png", "b/y.png"]
    );
    assert_eq!(
        found("in/**/[xz].png", "four"),
        ["a/x.png", "b/deep/z.png", "b/x.png"]
    );
    // A file of that name is no pattern.
    assert_eq!(found("in/c[1].png", "five"), ["c[1].png"]);
    for (pattern, words) in [
        ("in/*/nothing-*.png", ["in/*/nothing-*.png", "no image"]),
        ("in/b/*.txt", ["in/b/*.txt", "no image"]),
        ("in/[.png", ["in/[.png", "pattern"]),
    ] {
        let output = translate(folder, &["in/a/x.png", pattern, "-o", "six"]);
        assert_eq!(output.status.code(), Some(FAILED), "{}", talk(&output));
        for word in words {
            assert!(
                talk(&output).contains(word),
                "{word} is not in {}",
                talk(&output)
            );
        }
        assert!(!folder.join("six").exists(), "nothing was started");
    }
}

#[test]
fn names_that_meet_keep_their_folders_or_endings_or_are_refused_with_both() {
    let folder = with_model();
    let folder = folder.path();
    for name in ["in/a/x.png", "in/b/x.png", "in/b/x.jpg"] {
        put(folder, name, 1);
    }
    translated(folder, &["in", "-o", "out"]);
    let expected = ["a/x.png", "b/x.jpg.png", "b/x.png.png"].map(String::from);
    assert_eq!(files(&folder.join("out")), BTreeSet::from(expected));
    let output = translate(folder, &["in/a/x.png", "in/b/x.png", "-o", "clash"]);
    assert_eq!(output.status.code(), Some(FAILED));
    for word in ["in/a/x.png", "in/b/x.png", "both"] {
        assert!(talk(&output).contains(word), "{}", talk(&output));
    }
}

#[test]
fn results_never_overwrite_inputs_and_are_no_inputs_themselves() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "in/x.png", 1);
    put(folder, "in/y.jpg", 2);
    let original = fs::read(folder.join("in/x.png")).expect("bytes");
    for (input, output) in [
        ("in", "in"),
        ("in/x.png", "in"),
        ("in/*.png", "./in"),
        ("in", "other/../in"),
    ] {
        fs::create_dir_all(folder.join("other")).expect("a folder");
        let refused = translate(folder, &[input, "-o", output]);
        assert_eq!(refused.status.code(), Some(FAILED), "{}", talk(&refused));
        assert!(talk(&refused).contains("--output"), "{}", talk(&refused));
    }
    assert_eq!(fs::read(folder.join("in/x.png")).expect("bytes"), original);
    for _ in 0..2 {
        translated(folder, &["in", "-o", "in/results"]);
        let results = BTreeSet::from(["x.png", "y.png"].map(String::from));
        assert_eq!(files(&folder.join("in/results")), results);
    }
}

#[test]
fn each_image_is_an_event_and_bad_ones_are_named() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "in/good.png", 1);
    fs::write(folder.join("in/bad.png"), "no image").expect("a file");
    let words = ["in", "-o", "out", "--format", "json"];
    let output = translate(folder, &words);
    assert_eq!(output.status.code(), Some(FAILED));
    let made = &events(&output, "translated")[0];
    assert_eq!((&made["width"], &made["tiles"]), (&40.into(), &1.into()));
    assert!(
        made["output"]
            .as_str()
            .expect("a path")
            .ends_with("good.png")
    );
    let error = &events(&output, "error")[0];
    assert!(
        error["input"]
            .as_str()
            .expect("a path")
            .ends_with("bad.png")
    );
    let end = &events(&output, "finished")[0];
    assert_eq!((&end["translated"], &end["failed"]), (&1.into(), &1.into()));
    let again = translate(folder, &[&words[..], &["--shard", "1/1"]].concat());
    assert_eq!(events(&again, "kept").len(), 1);
}

#[test]
fn tiles_keep_size_alpha_and_sixteen_bits() {
    let folder = with_model();
    let folder = folder.path();
    fs::create_dir(folder.join("in")).expect("a folder");
    let glass = RgbaImage::from_fn(400, 300, |x, y| {
        image::Rgba([x as u8, y as u8, 7, ((x * 3 + y) % 256) as u8])
    });
    glass.save(folder.join("in/glass.png")).expect("an image");
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_fn(301, 259, |x, y| {
        Rgb([(x * 200) as u16, (y * 250) as u16, 9])
    });
    deep.save(folder.join("in/deep.png")).expect("an image");
    let words = [
        "in",
        "-o",
        "out",
        "--tile",
        "128",
        "--overlap",
        "32",
        "--format",
        "json",
    ];
    let output = translated(folder, &words);
    for event in events(&output, "translated") {
        assert!(event["tiles"].as_u64().expect("a number") > 4, "{event}");
    }
    let result = |name: &str| image::open(folder.join("out").join(name)).expect("a result");
    let alpha = |image: &RgbaImage| image.pixels().map(|pixel| pixel[3]).collect::<Vec<_>>();
    assert!(matches!(result("glass.png"), DynamicImage::ImageRgba8(_)));
    assert_eq!(alpha(&result("glass.png").to_rgba8()), alpha(&glass));
    let DynamicImage::ImageRgb16(deep) = result("deep.png") else {
        panic!("16 bits are lost");
    };
    assert_eq!(deep.dimensions(), (301, 259));
    assert!(
        deep.as_raw().iter().any(|sample| sample % 257 != 0),
        "rounded to 8 bits"
    );
}

#[test]
fn an_image_that_is_too_large_for_one_piece_is_tiled_by_itself() {
    let folder = with_model();
    let folder = folder.path();
    image(9_000, 1_930, 1)
        .save(folder.join("wide.png"))
        .expect("an image");
    let output = translated(folder, &["wide.png", "-o", "out", "--format", "json"]);
    let event = &events(&output, "translated")[0];
    assert!(event["tiles"].as_u64().expect("a number") > 10, "{event}");
    let result = image::open(folder.join("out/wide.png")).expect("a result");
    assert_eq!((result.width(), result.height()), (9_000, 1_930));
}

#[test]
fn tiles_that_differ_are_told_with_the_remedy_once() {
    let folder = with_model();
    let folder = folder.path();
    put(folder, "in/small.png", 1);
    for name in ["one.png", "two.png"] {
        image(300, 200, 1)
            .save(folder.join("in").join(name))
            .expect("an image");
    }
    let notes = |out: &str, words: &[&str]| {
        let output = translated(folder, &[&["in", "-o", out], words].concat());
        talk(&output).matches("note:").count()
    };
    let batch = ["--tile", "128", "--norm-stats", "batch"];
    assert_eq!(notes("none", &[]), 0);
    assert_eq!(notes("batch", &batch), 1);
    let output = translated(folder, &[&["in", "-o", "again"], &batch[..]].concat());
    assert!(
        talk(&output).contains("--norm-stats running"),
        "{}",
        talk(&output)
    );
    let output = translate(
        folder,
        &["in", "-o", "full", "--tile", "128", "--overlap", "120"],
    );
    assert_eq!(output.status.code(), Some(FAILED));
    assert!(
        talk(&output).contains("smaller overlap"),
        "{}",
        talk(&output)
    );
}

#[test]
fn a_colour_profile_is_noted_once_unless_it_is_srgb() {
    let folder = with_model();
    let folder = folder.path();
    fs::create_dir_all(folder.join("in")).expect("a folder");
    let with_profile = |name: &str, profile: &[u8]| {
        use image::ImageEncoder;
        let file = fs::File::create(folder.join("in").join(name)).expect("a file");
        let mut encoder = image::codecs::png::PngEncoder::new(file);
        encoder
            .set_icc_profile(profile.to_vec())
            .expect("a profile");
        let colors = image::ExtendedColorType::Rgb8;
        encoder
            .write_image(&image(8, 8, 1), 8, 8, colors)
            .expect("an image");
    };
    with_profile("a.png", b"desc sRGB IEC61966-2.1");
    let quiet = translated(folder, &["in", "-o", "quiet"]);
    assert!(!talk(&quiet).contains("ICC"), "{}", talk(&quiet));
    with_profile("b.png", b"desc Display P3");
    with_profile("c.png", b"desc Adobe RGB");
    let noted = translated(folder, &["in", "-o", "noted"]);
    assert_eq!(talk(&noted).matches("ICC").count(), 1, "{}", talk(&noted));
    assert!(talk(&noted).contains("in/b.png"), "{}", talk(&noted));
}

#[cfg(all(feature = "gpu", target_os = "linux"))]
#[test]
fn a_gpu_translates_what_the_processor_translates() {
    let folder = with_model();
    put(folder.path(), "photos/a.png", 7);
    let [on_cpu, on_gpu] =
        [("cpu", "on_cpu.png"), ("vulkan:0", "on_gpu.png")].map(|(device, to)| {
            let words = ["translate", "--model", "run/export", "photos/a.png"];
            let output = ["--output", to, "--device", device];
            done(folder.path(), &[&words[..], &output].concat());
            image::open(folder.path().join(to))
                .expect("a picture")
                .to_rgb8()
        });
    let off = on_cpu
        .iter()
        .zip(on_gpu.iter())
        .map(|(a, b)| a.abs_diff(*b));
    assert!(off.max() <= Some(1), "more than rounding");
}

#[cfg(all(feature = "gpu", target_os = "linux"))]
#[test]
fn every_shader_of_a_gpu_is_measured_and_computes_what_the_processor_computes() {
    let folder = temp();
    for kernel in ["direct", "split", "tiled-64", "tiled-32", "grouped"] {
        let words = [
            "bench",
            "--forward",
            "--base=8",
            "--repeat=1",
            "--kernel",
            kernel,
        ];
        let row = done(
            folder.path(),
            &[&words[..], &["--device", "vulkan:0"]].concat(),
        );
        let row: Value = serde_json::from_slice(&row.stdout).expect("a row");
        assert_eq!(row["kernel"], kernel);
        assert!(
            row["difference"].as_f64().is_some_and(|off| off < 1e-4),
            "{row}"
        );
    }
    let words = [
        "bench",
        "--forward",
        "--base=8",
        "--kernel=split",
        "--device=cpu",
    ];
    let refused = run(folder.path(), &words);
    assert!(
        talk(&refused).contains("no shaders to choose from"),
        "{}",
        talk(&refused)
    );
}
