//! Milliseconds for one 256×256 picture in the browser, as JSON lines: on the back ends named, or
//! on all.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::browser::Graphics;
use tests::page::Page;
use tests::site::Site;
use tests::trainer;

const BASES: [u32; 3] = [16, 32, 64];
const BACKENDS: [&str; 2] = ["cpu", "webgpu"];

/// Software WebGPU compiles shaders for minutes on a small machine.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> ExitCode {
    match measure_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Result<()> {
    let mut named = Vec::new();
    let mut peers = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--peers" => peers = arguments.next().map(PathBuf::from),
            _ => named.push(argument),
        }
    }
    let wanted = |backend: &str| named.is_empty() || named.iter().any(|name| name == backend);
    for backend in BACKENDS.into_iter().filter(|backend| wanted(backend)) {
        for base in BASES {
            let model = trainer::untrained_model(base)?;
            let mut site = Site::with_model("bench", &model)?;
            eprintln!("Measuring base {base} on {backend} in the browser.");
            let script = format!("{MEASURE}({})", json!(backend));
            println!("{}", measure(&site, base, backend, &script)?);
            if let Some(folder) = &peers {
                site.also_serve("peers/", folder)?;
                site.also_serve(
                    "onnxruntime-web/",
                    &folder.join("node_modules/onnxruntime-web/dist"),
                )?;
                let provider = if backend == "cpu" { "wasm" } else { backend };
                let name = format!("onnxruntime-web {provider}");
                eprintln!("Measuring base {base} on {name}.");
                let script = format!("{MEASURE_PEER}({}, {base})", json!(provider));
                println!("{}", measure(&site, base, &name, &script)?);
            }
        }
    }
    Ok(())
}

fn measure(site: &Site, base: u32, backend: &str, script: &str) -> Result<Value> {
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::WebGpu)?;
    page.browser.evaluate(&format!("{script}; true"))?;
    page.browser
        .wait_until("window.measured !== undefined", PATIENCE)?;
    let mut row = page.browser.evaluate("window.measured")?;
    if let Some(error) = row["error"].as_str() {
        anyhow::bail!("base {base} on {backend}: {error}");
    }
    row["base"] = base.into();
    row["backend"] = backend.into();
    Ok(row)
}

/// The median of a few runs, after one that compiles and allocates.
const MEASURE: &str = "(async (backend) => {
  try {
    const { Pix2Pix } = await import('./pix2pix.js');
    const model = await Pix2Pix.create('models/bench/manifest.json', { backend });
    await model.warmUp();
    const times = [];
    for (let run = 0; run < 5; run++) {
      const begun = performance.now();
      await model.run(new ImageData(256, 256));
      times.push(performance.now() - begun);
    }
    times.sort((left, right) => left - right);
    window.measured = { milliseconds: times[2], adapter: model.adapter ?? null };
  } catch (error) {
    window.measured = { error: String(error) };
  }
})";

/// The same of onnxruntime-web, with one thread as here.
const MEASURE_PEER: &str = "(async (provider, base) => {
  try {
    const bundle = provider === 'wasm' ? 'ort.wasm.bundle.min.mjs' : 'ort.webgpu.bundle.min.mjs';
    const ort = await import(`./onnxruntime-web/${bundle}`);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL('./onnxruntime-web/', location.href).href;
    const model = `./peers/unet_256-${base}.onnx`;
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
    const x = new ort.Tensor('float32', new Float32Array(3 * 256 * 256), [1, 3, 256, 256]);
    const times = [];
    for (let run = 0; run < 6; run++) {
      const begun = performance.now();
      const { y } = await session.run({ x });
      await y.getData();
      if (run > 0) times.push(performance.now() - begun);
    }
    times.sort((left, right) => left - right);
    window.measured = { milliseconds: times[2], adapter: null };
  } catch (error) {
    window.measured = { error: String(error) };
  }
})";
