//! Generators that `trainer export --to onnx` wrote, in onnxruntime-web in a browser: held to what
//! `trainer translate` makes of the same picture. The argument is the folder with `node_modules`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use image::{ImageBuffer, Rgb};
use serde_json::json;
use tests::browser::{Browser, Graphics};
use tests::site::Site;
use tests::trainer;

const SIDE: u32 = 256;
/// Software WebGPU compiles shaders for minutes on a small machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Files of 16 bits round to 2⁻¹⁶ of the range; the rest is room for sums in other orders.
const SAME: f64 = 1e-4;
const PAGE: &str = "<!doctype html><title>ONNX</title>";

type Picture = ImageBuffer<Rgb<u16>, Vec<u16>>;

fn main() -> Result<()> {
    let peers = std::env::args_os().nth(1).context("name the folder")?;
    let modules = PathBuf::from(peers).join("node_modules/onnxruntime-web/dist");
    let folder = tempfile::tempdir()?;
    for (name, flags) in [
        ("unet_128, running statistics", &["--net-g", "unet_128"][..]),
        (
            "unet_128, statistics of the image",
            &["--net-g", "unet_128", "--norm-stats", "batch"],
        ),
        (
            "resnet_6blocks, instance norm",
            &["--net-g", "resnet_6blocks", "--norm", "instance"],
        ),
    ] {
        let case = folder.path().join(name);
        check(name, &made(&case, flags)?, &modules)?;
    }
    Ok(())
}

/// A generator as `.onnx`, a picture and its translation, as floats.
fn made(folder: &Path, flags: &[&str]) -> Result<[Vec<u8>; 3]> {
    std::fs::create_dir_all(folder)?;
    let place = |name: &str| folder.join(name).display().to_string();
    let (run, onnx, input, output) = (
        place("run"),
        place("g.onnx"),
        place("a.png"),
        place("b.png"),
    );
    let train = [
        "train",
        "--weights",
        "f32",
        "--base",
        "4",
        "--steps",
        "2",
        "--size",
        "128",
        "--device",
        "cpu",
    ];
    trainer::run([&train[..], flags, &["--run", &run]].concat())?;
    trainer::run(["export", &run, "--to", "onnx", "--output", &onnx])?;
    let picture = Picture::from_fn(SIDE, SIDE, |x, y| {
        Rgb([x * 257, y * 257, (x ^ y) * 257].map(|v| v as u16))
    });
    picture.save(&input)?;
    trainer::run([
        "translate",
        "--model",
        &run,
        &input,
        "--output",
        &output,
        "--device",
        "cpu",
    ])?;
    let translated = image::open(&output)?.into_rgb16();
    Ok([std::fs::read(onnx)?, floats(&picture), floats(&translated)])
}

/// From -1 to 1, one channel after the other.
fn floats(picture: &Picture) -> Vec<u8> {
    let channels = 0..3;
    let values = channels.flat_map(|channel| picture.pixels().map(move |pixel| pixel[channel]));
    let values = values.map(|value| f32::from(value) / 32_767.5 - 1.0);
    values.flat_map(f32::to_le_bytes).collect()
}

fn check(name: &str, [onnx, input, expected]: &[Vec<u8>; 3], modules: &Path) -> Result<()> {
    let mut site = Site::shipped()?;
    site.also_serve("onnxruntime-web/", modules)?;
    let files = [
        ("onnx.html", PAGE.as_bytes()),
        ("g.onnx", onnx),
        ("input", input),
        ("expected", expected),
    ];
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    let site = site.with_files(&files)?;
    for provider in ["wasm", "webgpu"] {
        let mut browser = Browser::start(Graphics::WebGpu)?;
        browser.go_to(&site.url("onnx.html"))?;
        browser.evaluate(&format!("{COMPARE}({}, {SIDE}); true", json!(provider)))?;
        browser.wait_until("window.compared !== undefined", PATIENCE)?;
        let found = browser.evaluate("window.compared")?;
        ensure!(
            found["error"].is_null(),
            "{name}, {provider}: {}",
            found["error"]
        );
        let difference = found["difference"].as_f64().context("a number")?;
        let spread = found["spread"].as_f64().context("a number")?;
        println!("{name}, onnxruntime-web {provider}: largest difference {difference:.1e}");
        ensure!(
            difference <= SAME,
            "{name}, {provider}: off by {difference}"
        );
        // A flat picture would agree with any other.
        ensure!(spread > 0.01, "{name}: spread {spread}");
    }
    Ok(())
}

const COMPARE: &str = "(async (provider, side) => {
  try {
    const bundle = provider === 'wasm' ? 'ort.wasm.bundle.min.mjs' : 'ort.webgpu.bundle.min.mjs';
    const ort = await import(`./onnxruntime-web/${bundle}`);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL('./onnxruntime-web/', location.href).href;
    const floats = async name => new Float32Array(await (await fetch(name)).arrayBuffer());
    const session = await ort.InferenceSession.create('./g.onnx', { executionProviders: [provider] });
    const input = new ort.Tensor('float32', await floats('input'), [1, 3, side, side]);
    const { output } = await session.run({ input });
    const [found, expected] = [await output.getData(), await floats('expected')];
    if (found.length !== expected.length) throw new Error(`${found.length} values`);
    let difference = 0;
    for (let at = 0; at < found.length; at++) {
      difference = Math.max(difference, Math.abs(found[at] - expected[at]));
    }
    const spread = expected.reduce((most, value) => Math.max(most, value), -1)
      - expected.reduce((least, value) => Math.min(least, value), 1);
    window.compared = { difference, spread, error: null };
  } catch (error) {
    window.compared = { error: String(error) };
  }
})";
