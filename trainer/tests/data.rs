//! Data of every kind through the binary: 16 bits, depth, Lab, bands, sizes.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::{done, grey16, image, refused, run, talk, temp, trained, translated, two_folders};
use image::{DynamicImage, GenericImageView, ImageBuffer, Luma, Rgb, RgbImage};
use tiff::decoder::DecodingResult;
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::ExtraSamples;

const FOLDERS: [&str; 4] = ["--a", "a", "--b", "b"];

fn json(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn grey_images_of_16_bit_are_learnt_and_made_with_16_bit() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        grey16(140, 130, index, 65_535)
            .save(path)
            .expect("an image");
    });
    let flags = ["--channels-a", "1", "--channels-b", "1"];
    trained(folder.path(), &[&FOLDERS[..], &flags].concat());
    let result = image::open(translated(folder.path(), "a/0.png")).expect("a result");
    let DynamicImage::ImageLuma16(result) = result else {
        panic!("{:?}", result.color());
    };
    assert_eq!(result.dimensions(), (140, 130));
    let levels: BTreeSet<u16> = result.as_raw().iter().copied().collect();
    assert!(levels.iter().any(|level| level % 257 != 0), "8 bits alone");
}

#[test]
fn rgb_tiffs_of_16_bit_become_pngs_of_16_bit() {
    let folder = temp();
    two_folders(folder.path(), "tif", |_, index, path| {
        let wide = DynamicImage::ImageRgb8(image(130, 130, index)).to_rgb16();
        wide.save(path).expect("an image");
    });
    trained(folder.path(), &FOLDERS);
    let result = translated(folder.path(), "b/1.tif");
    assert_eq!(result, folder.path().join("out/1.png"));
    let result = image::open(result).expect("a result");
    assert!(matches!(result, DynamicImage::ImageRgb16(_)));
}

/// Depths of at most `max`, of which every `step`-th pixel was measured.
fn sparse(seed: u32, max: u16, step: usize) -> ImageBuffer<Luma<u16>, Vec<u16>> {
    let mut depths = grey16(150, 130, seed, max);
    for (index, depth) in depths.iter_mut().enumerate() {
        if index % step != 0 {
            *depth = 0;
        }
    }
    depths
}

#[test]
fn sparse_depth_is_judged_where_it_was_measured_and_made_in_its_unit() {
    const MAX: u16 = 5_000;
    let folder = temp();
    two_folders(folder.path(), "png", |side, index, path| {
        let step = if side == "a" { 7 } else { 2 };
        sparse(index, MAX, step).save(path).expect("an image");
    });
    let flags = ["--depth-a", "5000", "--depth-b", "5000"];
    trained(folder.path(), &[&FOLDERS[..], &flags].concat());
    let manifest = json(&folder.path().join("run/export/manifest.json"));
    let depth = serde_json::json!({ "depth": { "max": MAX } });
    assert_eq!(manifest["input"]["encoding"], depth);
    assert_eq!(manifest["output"]["encoding"], depth);
    let errors = &manifest["training"]["metrics"]["output"]["depth"];
    for name in ["mae", "rmse", "abs_rel", "delta1"] {
        assert!(
            errors[name].as_f64().is_some_and(f64::is_finite),
            "{errors}"
        );
    }
    let result = image::open(translated(folder.path(), "a/0.png")).expect("a result");
    let DynamicImage::ImageLuma16(result) = result else {
        panic!("{:?}", result.color());
    };
    assert!(result.as_raw().iter().all(|&depth| depth <= MAX));
    let evaluation = done(
        folder.path(),
        &[
            &[
                "eval",
                "--model",
                "run/export",
                "--size",
                "128",
                "--device",
                "cpu",
            ],
            &FOLDERS[..],
            &flags,
            &["--format", "json", "--grid", "grid.png"],
        ]
        .concat(),
    );
    assert!(
        talk(&evaluation).contains("\"abs_rel\""),
        "{}",
        talk(&evaluation)
    );
    let of_run = [
        "eval",
        "--model",
        "run/export",
        "--device",
        "cpu",
        "--a",
        "a",
        "--b",
        "b",
    ];
    let untold = String::from_utf8_lossy(&done(folder.path(), &of_run).stdout).into_owned();
    assert!(
        untold.contains("depth, output"),
        "the run says that it is depth: {untold}"
    );
    let other = [&of_run[..], &["--depth-a", "900", "--depth-b", "900"]].concat();
    let message = talk(&run(folder.path(), &other));
    assert!(
        message.contains("depth up to 5000") && message.contains("--depth-a"),
        "{message}"
    );
}

#[test]
fn depth_in_files_of_8_bit_is_refused_by_name() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        image(140, 140, index).save(path).expect("an image");
    });
    let data = [&FOLDERS[..], &["--depth-b", "1000"]].concat();
    refused(
        folder.path(),
        &data,
        &["b/0.png", "8 bit", "16-bit grey PNG"],
    );
}

/// L of CIELAB, by its definition and not by the product's code.
fn lightness(image: &RgbImage) -> Vec<f64> {
    let linear = |byte: u8| {
        let value = f64::from(byte) / 255.0;
        match value <= 0.04045 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    let of = |pixel: &Rgb<u8>| {
        let [r, g, b] = pixel.0.map(linear);
        let y: f64 = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        match y > 216.0 / 24_389.0 {
            true => 116.0 * y.cbrt() - 16.0,
            false => y * 24_389.0 / 27.0,
        }
    };
    image.pixels().map(of).collect()
}

#[test]
fn a_colorized_image_keeps_the_lightness_of_its_input() {
    let folder = temp();
    fs::create_dir(folder.path().join("photos")).expect("a folder");
    for index in 0..4 {
        let path = folder.path().join(format!("photos/{index}.png"));
        image(150, 140, index).save(path).expect("an image");
    }
    let data = ["--photos", "photos", "--task", "colorize"];
    trained(folder.path(), &data);
    let manifest = json(&folder.path().join("run/export/manifest.json"));
    assert_eq!(manifest["input"]["encoding"], "lightness");
    assert_eq!(manifest["output"]["encoding"], "chroma");
    assert_eq!(manifest["generator"]["in_channels"], 1);
    assert_eq!(manifest["generator"]["out_channels"], 2);
    let open = |path: &Path| image::open(path).expect("an image").to_rgb8();
    let input = open(&folder.path().join("photos/0.png"));
    let result = open(&translated(folder.path(), "photos/0.png"));
    let lightnesses = lightness(&input).into_iter().zip(lightness(&result));
    let furthest = lightnesses.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(furthest < 1.0, "{furthest}");
    assert_ne!(input, result);
    let evaluation = [
        "eval",
        "--model",
        "run/export",
        "--size",
        "128",
        "--device",
        "cpu",
    ];
    done(folder.path(), &[&evaluation[..], &data].concat());
}

#[test]
fn one_channel_becomes_three() {
    let folder = temp();
    two_folders(folder.path(), "png", |side, index, path| {
        let rgb = DynamicImage::ImageRgb8(image(140, 140, index));
        let image = if side == "a" { rgb.grayscale() } else { rgb };
        image.save(path).expect("an image");
    });
    trained(
        folder.path(),
        &[&FOLDERS[..], &["--channels-a", "1"]].concat(),
    );
    // A colour image is reduced to grey for the same model.
    for input in ["a/0.png", "b/0.png"] {
        let result = image::open(translated(folder.path(), input)).expect("a result");
        assert!(matches!(result, DynamicImage::ImageRgb8(_)), "{input}");
    }
}

#[test]
fn a_pair_of_differing_sizes_is_refused_with_both_names_before_anything_starts() {
    let folder = temp();
    two_folders(folder.path(), "png", |side, index, path| {
        let width = if (side, index) == ("b", 1) { 141 } else { 140 };
        image(width, 140, index).save(path).expect("an image");
    });
    let words = ["a/1.png", "140×140", "b/1.png", "141×140", "equal sizes"];
    refused(folder.path(), &FOLDERS, &words);
}

#[test]
fn files_with_other_channels_than_asked_for_are_refused_with_the_flag() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        image(140, 140, index).save(path).expect("an image");
    });
    let data = [&FOLDERS[..], &["--channels-a", "4"]].concat();
    refused(
        folder.path(),
        &data,
        &["a/0.png", "3 channels", "the 4", "--channels-a"],
    );
}

/// A TIFF of five bands of 16 bit.
fn bands(path: &Path, seed: u32) {
    let mut file = fs::File::create(path).expect("a file");
    let mut encoder = TiffEncoder::new(&mut file).expect("a TIFF");
    let mut image = encoder
        .new_image::<colortype::Gray16>(140, 130)
        .expect("a TIFF");
    image
        .extra_samples(&[ExtraSamples::Unspecified; 4])
        .expect("a TIFF");
    let sample = |index: u32| (index.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 16) as u16;
    let samples: Vec<u16> = (0..140 * 130 * 5).map(sample).collect();
    image.write_data(&samples).expect("a TIFF");
}

#[test]
fn files_of_five_bands_are_learnt_and_made() {
    let folder = temp();
    two_folders(folder.path(), "tif", |_, index, path| bands(path, index));
    let flags = ["--channels-a", "5", "--channels-b", "5"];
    trained(folder.path(), &[&FOLDERS[..], &flags].concat());
    let result = translated(folder.path(), "a/0.tif");
    assert_eq!(result, folder.path().join("out/0.tif"));
    let file = std::io::BufReader::new(fs::File::open(&result).expect("a result"));
    let mut decoder = tiff::decoder::Decoder::new(file).expect("a TIFF");
    let bands = tiff::ColorType::Multiband {
        bit_depth: 16,
        num_samples: 5,
    };
    assert_eq!(decoder.colortype().expect("a TIFF"), bands);
    assert_eq!(decoder.dimensions().expect("a TIFF"), (140, 130));
    let DecodingResult::U16(samples) = decoder.read_image().expect("a TIFF") else {
        panic!("other samples");
    };
    assert_eq!(samples.len(), 140 * 130 * 5);
    let back = ["--channels-a", "5", "--direction", "BtoA"];
    let data = [&FOLDERS[..], &back].concat();
    fs::remove_dir_all(folder.path().join("run")).expect("removed");
    refused(folder.path(), &data, &["b/0.tif", "5 channels", "the 3"]);
}

#[test]
fn each_preprocess_mode_gives_its_own_sizes() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        image(300, 600, index).save(path).expect("an image");
    });
    for (mode, width, height) in [
        ("resize_and_crop", 128, 128),
        ("crop", 128, 128),
        ("scale_width", 128, 256),
        ("scale_width_and_crop", 128, 128),
        ("none", 256, 640),
    ] {
        trained(
            folder.path(),
            &[&FOLDERS[..], &["--preprocess", mode]].concat(),
        );
        let grid = folder.path().join("run/samples/00000002.png");
        let grid = image::open(grid).expect("a grid");
        let expected = (3 * (width + 4) + 4, height + 8);
        assert_eq!((grid.width(), grid.height()), expected, "{mode}");
        fs::remove_dir_all(folder.path().join("run")).expect("removed");
    }
    for mode in ["none", "scale_width"] {
        let data = [&FOLDERS[..], &["--preprocess", mode, "--batch", "2"]].concat();
        refused(
            folder.path(),
            &data,
            &["--batch 2", "--preprocess", "--batch 1"],
        );
    }
}

#[test]
fn images_smaller_than_the_crop_are_named_with_a_remedy() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        image(100, 140, index).save(path).expect("an image");
    });
    let data = [&FOLDERS[..], &["--preprocess", "crop"]].concat();
    let tiny = [&["train", "--run", "run"], &data[..], &harness::TINY].concat();
    let output = run(folder.path(), &tiny);
    assert_eq!(output.status.code(), Some(harness::FAILED));
    for word in ["a/0.png", "100×140", "crop of 128", "resize_and_crop"] {
        assert!(talk(&output).contains(word), "{}", talk(&output));
    }
}

#[test]
fn holes_and_low_resolution_are_tasks_for_photos() {
    for task in ["inpaint", "super-resolve"] {
        let folder = temp();
        fs::create_dir(folder.path().join("photos")).expect("a folder");
        for index in 0..3 {
            let path = folder.path().join(format!("photos/{index}.jpg"));
            image(150, 140, index).save(path).expect("an image");
        }
        trained(folder.path(), &["--photos", "photos", "--task", task]);
        let grid = folder.path().join("run/samples/00000002.png");
        let grid = image::open(grid).expect("a grid").to_rgb8();
        let column =
            |index: u32| image::imageops::crop_imm(&grid, 4 + index * 132, 4, 128, 128).to_image();
        assert_ne!(column(0), column(2), "{task}");
        let config = json(&folder.path().join("run/config.json"));
        assert_eq!(config["data"]["task"], task);
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused_with_what_to_do() {
    let folder = temp();
    fs::create_dir_all(folder.path().join("set/trainA")).expect("a folder");
    fs::create_dir_all(folder.path().join("set/trainB")).expect("a folder");
    for side in ["A", "B"] {
        let path = folder.path().join(format!("set/train{side}/0.png"));
        image(140, 140, 1).save(path).expect("an image");
    }
    refused(
        folder.path(),
        &["--data", "set"],
        &["unpaired", "cyclegan", "--a set/trainA"],
    );
    refused(
        folder.path(),
        &["--depth-b", "100"],
        &["--depth-b", "--a and --b"],
    );
    refused(
        folder.path(),
        &["--channels-b", "5"],
        &["--channels-b", "1 or 3"],
    );
    let photos = [
        "--photos",
        "set/trainA",
        "--task",
        "colorize",
        "--channels-a",
        "1",
    ];
    refused(
        folder.path(),
        &photos,
        &["--task colorize", "leave --channels-a"],
    );
}

/// A JPEG that asks to be turned by 90°.
fn turned_jpeg(upright_width: u32, upright_height: u32) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    let encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    image(upright_height, upright_width, 4)
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

#[test]
fn a_turned_photo_is_as_large_as_it_is_upright() {
    let folder = temp();
    two_folders(folder.path(), "png", |side, index, path| match side {
        "a" => fs::write(path.with_extension("jpg"), turned_jpeg(130, 170)).expect("a file"),
        _ => image(130, 170, index).save(path).expect("an image"),
    });
    let output = trained(folder.path(), &FOLDERS);
    assert!(!talk(&output).contains("left out"), "{}", talk(&output));
}

/// The files of a folder by name, with their pixels.
fn images(folder: &Path) -> Vec<(String, RgbImage)> {
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|file| file.expect("a file").path());
    let mut images: Vec<_> = paths
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, image::open(&path).expect("an image").into_rgb8())
        })
        .collect();
    images.sort_by(|a, b| a.0.cmp(&b.0));
    images
}

#[test]
fn the_samples_of_a_run_are_written_as_it_learns_from_them() {
    let folder = temp();
    let photos = folder.path().join("photos");
    fs::create_dir_all(&photos).expect("a folder");
    for index in 0..10 {
        let path = photos.join(format!("{index}.png"));
        image(170, 160, index).save(path).expect("an image");
    }
    let data = [
        "--photos", "photos", "--task", "deblur", "--batch", "2", "--seed", "6",
    ];
    trained(folder.path(), &data);
    done(folder.path(), &["data", "samples", "run", "out"]);
    let train = images(&folder.path().join("out/train"));
    let names: Vec<&str> = train.iter().map(|(name, _)| name.as_str()).collect();
    // Two steps of two pairs, cropped to 128.
    assert_eq!(
        names,
        ["000000.png", "000001.png", "000002.png", "000003.png"]
    );
    let sharpness = |image: &RgbImage, left: u32| -> u64 {
        let pixels = (left..left + 127).flat_map(|x| (0..128).map(move |y| (x, y)));
        let step = |(x, y)| image.get_pixel(x, y)[2].abs_diff(image.get_pixel(x + 1, y)[2]);
        pixels.map(step).map(u64::from).sum()
    };
    for (name, image) in &train {
        assert_eq!(image.dimensions(), (256, 128), "{name}");
        assert_ne!(
            image.view(0, 0, 128, 128).to_image(),
            image.view(128, 0, 128, 128).to_image()
        );
        assert!(
            sharpness(image, 0) <= sharpness(image, 128),
            "{name}: the blurred half is left"
        );
    }
    assert_eq!(images(&folder.path().join("out/val")).len(), 2);

    let words = ["data", "samples", "run", "first", "--count", "3"];
    done(folder.path(), &words);
    assert_eq!(images(&folder.path().join("first/train")), train[..3]);
}

#[test]
fn an_export_for_drawing_says_so_and_carries_its_samples() {
    let folder = temp();
    two_folders(folder.path(), "png", |_, index, path| {
        image(140, 130, index).save(path).expect("an image");
    });
    trained(folder.path(), &FOLDERS);
    let exported = |more: &[&str]| {
        let words = ["export", "run", "-o", "model", "--sample", "a/1.png"];
        done(folder.path(), &[&words, more].concat());
        json(&folder.path().join("model/manifest.json"))
    };
    assert_eq!(exported(&[])["input"]["mode"], "photo");
    let manifest = exported(&["--draw"]);
    assert_eq!(manifest["input"]["mode"], "draw");
    assert_eq!(manifest["samples"], serde_json::json!(["samples/1.png"]));
}
