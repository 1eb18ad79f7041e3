//! Memory of the graphics device, counted where the browser hands it out.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::{Browser, Graphics};
use tests::site::Site;
use tests::trainer;
use xtask::workspace;

/// WebGPU in software on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Before the worker's script: counts bytes of buffers that are created and not destroyed, and
/// tells them to who asks.
const COUNT: &str = r"
let liveBytes = 0;
const counted = new Map();
const { createBuffer } = GPUDevice.prototype;
GPUDevice.prototype.createBuffer = function (descriptor) {
  const buffer = createBuffer.call(this, descriptor);
  counted.set(buffer, descriptor.size);
  liveBytes += descriptor.size;
  return buffer;
};
const { destroy } = GPUBuffer.prototype;
GPUBuffer.prototype.destroy = function () {
  liveBytes -= counted.get(this) ?? 0;
  counted.delete(this);
  destroy.call(this);
};
const bytesAsked = new BroadcastChannel('bytes-asked');
const bytesTold = new BroadcastChannel('bytes-told');
bytesAsked.onmessage = () => bytesTold.postMessage(liveBytes);
";

/// Bytes after each of so many images, whose sizes take turns.
const TRANSLATE: &str = r"(async (sizes, count) => {
  const asked = new BroadcastChannel('bytes-asked');
  const told = new BroadcastChannel('bytes-told');
  const liveBytes = () =>
    new Promise((resolve) => {
      told.onmessage = ({ data }) => resolve(data);
      asked.postMessage('');
    });
  const bytes = [];
  for (let index = 0; index < count; index++) {
    const [width, height] = sizes[index % sizes.length];
    await window.model.run(new ImageData(width, height));
    bytes.push(await liveBytes());
  }
  return bytes;
})";

/// Memory in use after each image.
fn bytes_after(browser: &mut Browser, sizes: &str, count: usize) -> Result<Vec<u64>> {
    let work = format!(
        "window.bytes = undefined; void {TRANSLATE}({sizes}, {count})\
         .then((bytes) => {{ window.bytes = bytes; }}, (error) => {{ window.bytes = String(error); }})"
    );
    browser.evaluate(&work)?;
    browser.wait_until("window.bytes !== undefined", PATIENCE)?;
    let answer = browser.evaluate("window.bytes")?;
    let bytes = answer.as_array().with_context(|| answer.to_string())?;
    let bytes = bytes.iter().map(Value::as_u64);
    bytes.collect::<Option<_>>().context("numbers of bytes")
}

#[test]
fn frames_and_changes_of_size_leave_the_memory_of_the_device_as_it_was() -> Result<()> {
    let worker = fs::read_to_string(workspace::www().join("runtime/worker.js"))?;
    let counting = (
        "runtime/worker.js".to_owned(),
        format!("{COUNT}{worker}").into(),
    );
    let site = Site::with_model("tiny", trainer::tiny_model()?)?.with_files(&[counting])?;
    let mut browser = Browser::start(Graphics::WebGpu)?;
    browser.go_to(&site.url("?backend=cpu"))?;
    browser.evaluate(
        "import('./pix2pix.js').then(async ({ Pix2Pix }) => {
           const address = 'models/tiny/manifest.json';
           window.model = await Pix2Pix.create(address, { backend: 'webgpu' });
         })",
    )?;
    browser.wait_until("window.model !== undefined", PATIENCE)?;

    let first = bytes_after(&mut browser, "[[256, 256]]", 1)?[0];
    ensure!(first > 1 << 20, "{first} bytes are no model");
    let frames = bytes_after(&mut browser, "[[256, 256]]", 100)?;
    ensure!(
        frames.iter().all(|bytes| *bytes == first),
        "{first}, then {frames:?}"
    );

    let sizes = "[[256, 256], [512, 256], [300, 700], [256, 768], [512, 512]]";
    let changes = bytes_after(&mut browser, sizes, 20)?;
    let (round, rest) = changes.split_at(10);
    ensure!(
        rest.chunks(5).all(|turn| turn == &round[5..]),
        "{changes:?}"
    );
    // Two sizes of feature maps at a time, not five.
    let most = rest.iter().max().copied().unwrap_or_default();
    ensure!(most < 8 * first, "{changes:?}");
    Ok(())
}
