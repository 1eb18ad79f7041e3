//! Milliseconds for a picture in the browser, as JSON lines: 256 × 256 with one worker, and on the
//! CPU 1024 × 1024 with all. On the back ends named, or on all.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::browser::{Browser, Graphics};
use tests::site::Site;
use tests::trainer;

const BASES: [u32; 3] = [16, 32, 64];
const BACKENDS: [&str; 2] = ["cpu", "webgpu"];

/// Software WebGPU compiles shaders for minutes on a small machine.
const PATIENCE: Duration = Duration::from_secs(900);

fn main() -> Result<()> {
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
    let cores = std::thread::available_parallelism()?.get();
    for backend in BACKENDS.into_iter().filter(|backend| wanted(backend)) {
        let runs: &[Run] = match backend {
            "cpu" => &[Run::new(256, 1), Run::new(1024, 1), Run::new(1024, cores)],
            _ => &[Run::new(256, 1)],
        };
        for base in BASES {
            let model = trainer::untrained_model(base)?;
            let mut site = Site::with_model("bench", &model)?;
            if let Some(folder) = &peers {
                site.also_serve("peers/", folder)?;
                let modules = folder.join("node_modules/onnxruntime-web/dist");
                site.also_serve("onnxruntime-web/", &modules)?;
                site = site.with_files(&[("peer.html".to_owned(), PEER_PAGE.into())])?;
                site.isolate();
            }
            for run in runs {
                let Run { side, workers } = *run;
                eprintln!(
                    "Measuring base {base} at {side} × {side} on {backend}, {workers} workers."
                );
                let script = format!("{MEASURE}({}, {side}, {workers})", json!(backend));
                let address = site.url("?backend=cpu");
                println!("{}", measure(&address, base, backend, *run, &script)?);
                if peers.is_some() {
                    let provider = if backend == "cpu" { "wasm" } else { backend };
                    let name = format!("onnxruntime-web {provider}");
                    eprintln!("Measuring the same with {name}.");
                    let arguments = format!("{}, {base}, {side}, {workers}", json!(provider));
                    let script = format!("{MEASURE_PEER}({arguments})");
                    println!(
                        "{}",
                        measure(&site.url("peer.html"), base, &name, *run, &script)?
                    );
                }
            }
        }
    }
    Ok(())
}

/// What is translated, and by how many workers or threads.
#[derive(Clone, Copy)]
struct Run {
    side: u32,
    workers: usize,
}

impl Run {
    const fn new(side: u32, workers: usize) -> Self {
        Self { side, workers }
    }
}

fn measure(address: &str, base: u32, backend: &str, run: Run, script: &str) -> Result<Value> {
    let mut browser = Browser::start(Graphics::WebGpu)?;
    browser.go_to(address)?;
    browser.evaluate(&format!("{script}; true"))?;
    browser.wait_until("window.measured !== undefined", PATIENCE)?;
    let mut row = browser.evaluate("window.measured")?;
    if let Some(error) = row["error"].as_str() {
        anyhow::bail!("base {base} on {backend}: {error}");
    }
    row["base"] = base.into();
    row["backend"] = backend.into();
    row["side"] = run.side.into();
    row["workers"] = run.workers.into();
    Ok(row)
}

/// Where the other runtime is at home; threads need a page that is isolated from other origins.
const PEER_PAGE: &str = "<!doctype html><title>Measuring</title>";

/// The median of a few runs, after one that compiles and allocates; `first` is from nothing to the
/// end of that one.
const MEASURE: &str = "(async (backend, side, workers) => {
  try {
    const started = performance.now();
    const { Pix2Pix } = await import('./pix2pix.js');
    const model = await Pix2Pix.create('models/bench/manifest.json', { backend, workers });
    await model.run(new ImageData(side, side));
    const first = performance.now() - started;
    const times = [];
    for (let run = 0; run < 5; run++) {
      const begun = performance.now();
      await model.run(new ImageData(side, side));
      times.push(performance.now() - begun);
    }
    times.sort((left, right) => left - right);
    window.measured = { milliseconds: times[2], first, adapter: model.adapter ?? null };
  } catch (error) {
    window.measured = { error: String(error) };
  }
})";

/// The same of onnxruntime-web, with as many threads.
const MEASURE_PEER: &str = "(async (provider, base, side, threads) => {
  try {
    const started = performance.now();
    const bundle = provider === 'wasm' ? 'ort.wasm.bundle.min.mjs' : 'ort.webgpu.bundle.min.mjs';
    const ort = await import(`./onnxruntime-web/${bundle}`);
    if (threads > 1 && !crossOriginIsolated) throw new Error('There are no threads here.');
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = new URL('./onnxruntime-web/', location.href).href;
    const model = `./peers/unet_256-${base}-${side}.onnx`;
    const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
    const x = new ort.Tensor('float32', new Float32Array(3 * side * side), [1, 3, side, side]);
    const times = [];
    let first = 0;
    for (let run = 0; run < 6; run++) {
      const begun = performance.now();
      const { y } = await session.run({ x });
      await y.getData();
      if (run > 0) times.push(performance.now() - begun);
      else first = performance.now() - started;
    }
    times.sort((left, right) => left - right);
    window.measured = { milliseconds: times[2], first, adapter: null };
  } catch (error) {
    window.measured = { error: String(error) };
  }
})";
