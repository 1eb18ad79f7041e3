//! The networks in the browser compute what PyTorch computes, on WebGPU and on the CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::browser::Graphics;
use tests::page::Page;
use tests::site::Site;
use tests::trainer;

/// Both add in 32 bits, in orders of their own: an error of 2⁻²⁴ for each of some thousand summands of
/// about one, handed on by some twenty layers whose norms have slopes around one.
const TOLERANCE: f64 = 1e-4;
/// WebGPU in software on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Both kinds of statistics, with the name of what PyTorch computed from them.
const NORM_STATS: [(&str, &str); 2] = [
    ("running", "output_running_stats"),
    ("batch", "output_batch_stats"),
];

fn fixture(file: &str) -> PathBuf {
    xtask::workspace::root()
        .join("trainer/tests/fixtures")
        .join(file)
}

fn generators() -> Result<Vec<String>> {
    let cases: Value = serde_json::from_slice(&fs::read(fixture("cases.json"))?)?;
    let cases = cases.as_array().into_iter().flatten();
    let generators = cases.filter(|case| case["kind"] == "G");
    let names = generators.map(|case| case["name"].as_str().map(str::to_owned));
    let names: Option<Vec<_>> = names.collect();
    names
        .filter(|names| !names.is_empty())
        .context("cases.json names no generator")
}

/// A model folder made from PyTorch's weights, with its input and outputs in it.
fn import(name: &str, norm_stats: &str, folder: &Path) -> Result<()> {
    let weights = fixture(&format!("{name}.pth"));
    trainer::run([
        "import".as_ref(),
        weights.as_os_str(),
        "--norm-stats".as_ref(),
        norm_stats.as_ref(),
        "--weights".as_ref(),
        "f32".as_ref(),
        "--output".as_ref(),
        folder.as_os_str(),
    ])?;
    let tensors = fixture(&format!("{name}.safetensors"));
    fs::copy(tensors, folder.join("reference.safetensors"))?;
    Ok(())
}

/// The name of a model, and that of what PyTorch computed.
type Served = (String, &'static str);

/// A page that serves every generator with either kind of statistics.
fn reference_site() -> Result<(Site, TempDir, Vec<Served>)> {
    let home = tempfile::tempdir()?;
    let mut models = Vec::new();
    for name in generators()? {
        for (norm_stats, output) in NORM_STATS {
            let model = format!("{name}-{norm_stats}");
            import(&name, norm_stats, &home.path().join(&model))?;
            models.push((model, output));
        }
    }
    let folders: Vec<_> = models
        .iter()
        .map(|(model, _)| home.path().join(model))
        .collect();
    let named = models.iter().zip(&folders);
    let named: Vec<_> = named
        .map(|((model, _), folder)| (model.as_str(), folder.as_path()))
        .collect();
    let site = Site::start("/", &named)?;
    Ok((site, home, models))
}

/// Calls a function of [`IN_THE_PAGE`] and waits for its answer.
fn ask(page: &mut Page, function: &str, arguments: &Value) -> Result<Value> {
    let call = format!(
        "window.answer = undefined; {IN_THE_PAGE}; void {function}({arguments})\
         .catch((error) => ({{ error: `${{error.code}}: ${{error.message}}` }}))\
         .then((answer) => {{ window.answer = answer; }})"
    );
    page.browser.evaluate(&format!("(() => {{ {call} }})()"))?;
    page.browser
        .wait_until("window.answer !== undefined", PATIENCE)?;
    page.browser.evaluate("window.answer")
}

fn every_generator_equals_pytorch(backend: &str) -> Result<()> {
    let (site, _home, models) = reference_site()?;
    let mut page = Page::open(&site.url(""), Graphics::WebGpu)?;
    for (model, output) in models {
        let arguments = json!({ "model": model, "output": output, "backend": backend });
        let answer = ask(&mut page, "compare", &arguments)?;
        println!("{model} on {backend}: {answer}");
        ensure!(answer["backend"] == backend, "{model}: {answer}");
        ensure!(answer["count"] == answer["expected"], "{model}: {answer}");
        // NaN arrives as null.
        let off = answer["off"]
            .as_f64()
            .with_context(|| format!("{model}: {answer}"))?;
        ensure!(off <= TOLERANCE, "{model} on {backend} is off by {off}");
    }
    Ok(())
}

#[test]
fn every_generator_equals_pytorch_on_webgpu() -> Result<()> {
    every_generator_equals_pytorch("webgpu")
}

#[test]
fn each_kernel_equals_pytorch_and_measured_ones_are_kept() -> Result<()> {
    let home = tempfile::tempdir()?;
    let name = "unet_128_instance";
    let (norm_stats, output) = NORM_STATS[1];
    let folder = home.path().join(name);
    import(name, norm_stats, &folder)?;
    let site = Site::start("/", &[(name, &folder)])?;
    let mut page = Page::open(&site.url(""), Graphics::WebGpu)?;
    for tune in ["off", "split", "tiled-64", "tiled-32", "grouped", "on"] {
        let arguments =
            json!({ "model": name, "output": output, "backend": "webgpu", "tune": tune });
        let answer = ask(&mut page, "compare", &arguments)?;
        println!("{name} by {tune}: {answer}");
        let off = answer["off"].as_f64();
        let off = off.with_context(|| format!("{tune}: {answer}"))?;
        ensure!(off <= TOLERANCE, "{tune} is off by {off}");
        let kernels = answer["kernels"].as_array().context("kernels")?;
        let named = |name: &str| kernels.iter().any(|kernel| kernel["kernel"] == name);
        match tune {
            "on" => ensure!(!kernels.is_empty(), "no kernels"),
            "off" => ensure!(named("direct") && !named("grouped"), "{kernels:?}"),
            name => ensure!(named(name), "{kernels:?}"),
        }
    }
    let is_kept = "caches.open('pix2pix-kernels-1').then((store) => store.keys()).then((keys) => keys.length === 1)";
    page.browser.wait_until(is_kept, PATIENCE)
}

#[test]
fn every_generator_equals_pytorch_on_the_cpu() -> Result<()> {
    every_generator_equals_pytorch("cpu")
}

#[test]
fn a_tensor_that_does_not_fit_is_refused_and_the_model_goes_on() -> Result<()> {
    let home = tempfile::tempdir()?;
    let folder = home.path().join("gray");
    import("unet_128_gray_in", "running", &folder)?;
    let site = Site::start("/", &[("gray", &folder)])?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    for (count, shape) in [
        (
            128 * 128 - 1,
            json!({ "channels": 1, "height": 128, "width": 128 }),
        ),
        (
            3 * 128 * 128,
            json!({ "channels": 3, "height": 128, "width": 128 }),
        ),
        (
            128 * 100,
            json!({ "channels": 1, "height": 128, "width": 100 }),
        ),
        (0, json!({ "channels": 1, "height": 0, "width": 128 })),
        (
            128 * 128,
            json!({ "channels": 1, "height": 128.5, "width": 128 }),
        ),
        (128 * 128, json!({ "height": 128, "width": 128 })),
    ] {
        let arguments = json!({ "model": "gray", "count": count, "shape": shape });
        let answer = ask(&mut page, "refused", &arguments)?;
        ensure!(answer["code"] == "input-size", "{shape}: {answer}");
        ensure!(answer["count"] == 3 * 128 * 128, "{shape}: {answer}");
    }
    Ok(())
}

const IN_THE_PAGE: &str = r"
  const load = async (model, backend, tune) => {
    const { Pix2Pix } = await import(new URL('pix2pix.js', location.href));
    return Pix2Pix.create(`models/${model}/manifest.json`, { backend, tune });
  };
  const compare = async ({ model, output, backend, tune }) => {
    const file = await (await fetch(`models/${model}/reference.safetensors`)).arrayBuffer();
    const start = 8 + Number(new DataView(file).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.slice(8, start)));
    const valuesOf = (name) => {
      const [from, to] = header[name].data_offsets;
      return new Float32Array(file.slice(start + from, start + to));
    };
    const pix2pix = await load(model, backend, tune);
    const [batch, channels, height, width] = header.input.shape;
    const found = await pix2pix.runTensor(valuesOf('input'), { batch, channels, height, width });
    const expected = valuesOf(output);
    const off = expected.reduce((worst, value, at) => Math.max(worst, Math.abs(value - found[at])), 0);
    pix2pix.dispose();
    const { backend: used, kernels } = pix2pix;
    return { backend: used, kernels, count: found.length, expected: expected.length, off };
  };
  const refused = async ({ model, count, shape }) => {
    const pix2pix = await load(model, 'cpu');
    const tried = pix2pix.runTensor(new Float32Array(count), shape);
    const code = await tried.then(() => 'taken', (error) => error.code);
    const fits = { channels: 1, height: 128, width: 128 };
    const answer = await pix2pix.runTensor(new Float32Array(128 * 128), fits);
    pix2pix.dispose();
    return { code, count: answer.length };
  }";
