//! A trained model at work on files of all kinds.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, Luma, Rgb, Rgba, RgbaImage};

use super::{tiny_model, words};
use crate::harness::{DONE, FAILED, assert_code, assert_names, image, run, temp};

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
    // In shades of 255. A weight is off by 2^-11 of itself, or by up to 1/254 of the largest of its channel;
    // sixteen layers with norms carry that on, and add up.
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
