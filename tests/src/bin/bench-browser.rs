//! Milliseconds for one 256×256 picture in the browser, as JSON lines: on the back ends named, or
//! on all.

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
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |backend: &&&str| named.is_empty() || named.iter().any(|name| name == **backend);
    for base in BASES {
        let model = trainer::untrained_model(base)?;
        let site = Site::with_model("bench", &model)?;
        for backend in BACKENDS.iter().filter(wanted) {
            eprintln!("Measuring base {base} on {backend} in the browser.");
            println!("{}", measure(&site, base, backend)?);
        }
    }
    Ok(())
}

fn measure(site: &Site, base: u32, backend: &str) -> Result<Value> {
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::WebGpu)?;
    let start = format!("{MEASURE}({}); true", json!(backend));
    page.browser.evaluate(&start)?;
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
