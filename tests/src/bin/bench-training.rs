//! Milliseconds for a step of training in the browser, as JSON lines: with one worker and with two, and
//! with `--peers FOLDER`, TensorFlow.js out of that folder beside it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tests::browser::{Browser, Graphics};
use tests::site::Site;

/// Base and side.
const NETWORKS: [(u32, u32); 3] = [(8, 128), (16, 128), (16, 256)];
const STEPS: u32 = 31;
/// In software, WebGL takes seconds for a step.
const PEER_STEPS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(600);

const PEER_PAGE: &str = "<!doctype html><title>Measuring</title>\
    <script src='tfjs/tf.min.js'></script><script src='tensorflow.js'></script>";
const PEER: &str = include_str!("../../../xtask/peers/tensorflow.js");

/// The median of the steps after the first.
const MEASURE: &str = "(async (base, size, workers, steps) => {
  const { Training } = await import('./pix2pix-training.js');
  const image = (times) => {
    const pixels = new ImageData(size, size);
    pixels.data.forEach((_, at, data) => { data[at] = at % 4 === 3 ? 255 : (at * times) & 255; });
    return pixels;
  };
  const pairs = [37, 41, 43].map((times) => ({ input: image(times), target: image(times + 16) }));
  const training = await Training.create({ pairs, base, size, loadSize: size, workers });
  const times = [];
  training.addEventListener('step', ({ detail }) => times.push(detail.milliseconds));
  await training.step(steps + 1);
  training.dispose();
  return times.slice(1).sort((one, other) => one - other)[steps >> 1];
})";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let peers = match arguments.next().as_deref() {
        Some("--peers") => arguments.next().map(PathBuf::from),
        _ => None,
    };
    let mut site = Site::shipped()?;
    if let Some(folder) = &peers {
        site.also_serve("tfjs/", &folder.join("node_modules/@tensorflow/tfjs/dist"))?;
        site = site.with_files(&[
            ("peer.html".to_owned(), PEER_PAGE.into()),
            ("tensorflow.js".to_owned(), PEER.into()),
        ])?;
    }
    for (base, side) in NETWORKS {
        let print = |who: &str, workers: u32, milliseconds: f64| {
            let row = serde_json::json!({ "who": who, "base": base, "side": side,
                "workers": workers, "step_ms": milliseconds });
            println!("{row}");
        };
        for workers in [1, 2] {
            let script = format!("{MEASURE}({base}, {side}, {workers}, {STEPS})");
            print("pix2pix", workers, measured(&site, "teach.html", &script)?);
        }
        if peers.is_some() {
            let script = format!("window.measurePeer({base}, {side}, {PEER_STEPS})");
            print("TensorFlow.js", 1, measured(&site, "peer.html", &script)?);
        }
    }
    Ok(())
}

fn measured(site: &Site, page: &str, script: &str) -> Result<f64> {
    let mut browser = Browser::start(Graphics::WebGpu)?;
    browser.go_to(&site.url(page))?;
    browser.evaluate(&format!(
        "void {script}.then((value) => {{ window.measured = value; }}, (error) => {{ window.measured = String(error); }})"
    ))?;
    browser.wait_until("window.measured !== undefined", PATIENCE)?;
    let measured = browser.evaluate("window.measured")?;
    match measured.as_str() {
        Some(error) => bail!("{page}: {error}"),
        None => measured.as_f64().context("a time"),
    }
}
