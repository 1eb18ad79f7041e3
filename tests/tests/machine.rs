//! What the page does on machines that fail, are slow, or have several cores.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tests::browser::Graphics;
use tests::mock::{MODEL, Mock};
use tests::page::Page;
use tests::pictures;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(600);

fn open(mock: &Mock, backend: &str) -> Result<(Page, Site)> {
    let site = mock.site()?;
    let url = site.url(&format!("?backend={backend}"));
    Ok((Page::open(&url, Graphics::WebGpu)?, site))
}

fn translate(page: &mut Page, width: u32, height: u32) -> Result<()> {
    let path = page.browser.scratch().join("picture.png");
    let scene = pictures::scene(width, height, 7);
    pictures::save(&scene, &path)?;
    let result = page.translate(&path)?;
    assert_eq!(result.dimensions(), (width, height));
    for (before, after) in scene.pixels().zip(result.pixels()) {
        ensure!(
            (0..3).all(|channel| before.0[channel] == 255 - after.0[channel]),
            "{before:?} became {after:?}"
        );
    }
    Ok(())
}

#[test]
fn of_a_large_photo_finished_rows_are_shown_while_the_others_are_computed() -> Result<()> {
    let mock = Mock::photo().play("delay", 700);
    let (mut page, _site) = open(&mock, "cpu")?;
    let path = page.browser.scratch().join("large.png");
    let scene = pictures::scene(2600, 2000, 7);
    pictures::save(&scene, &path)?;
    page.browser.choose_file("#file-input", &path)?;
    page.wait_for("'arriving' in document.querySelector('#picture').dataset")?;
    // A worker paints so large a canvas: the page cannot read it, but show it.
    let colours = "(() => {
      const canvas = new OffscreenCanvas(1, 2);
      const context = canvas.getContext('2d');
      context.drawImage(document.querySelector('#result'), 100, 100, 1, 1, 0, 0, 1, 1);
      context.drawImage(document.querySelector('#result'), 100, 1900, 1, 1, 0, 1, 1, 1);
      const { data } = context.getImageData(0, 0, 1, 2);
      return [document.body.dataset.state, [...data.slice(0, 3)], data[7]];
    })()";
    let inverted = scene.get_pixel(100, 100).0.map(|value| 255 - value);
    let expected = json!(["working", inverted, 0]);
    page.wait_for(&format!("JSON.stringify({colours}) === '{expected}'"))?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let arriving = "'arriving' in document.querySelector('#picture').dataset";
    assert_eq!(page.browser.evaluate(arriving)?, false);
    Ok(())
}

#[test]
fn where_there_is_no_webgpu_the_way_out_is_auto() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=webgpu"), Graphics::None)?;
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(64, 64, 7), &path)?;
    page.submit(&path)?;
    assert_eq!(page.error_code()?, "no-webgpu");
    page.try_again()?;
    assert_eq!(page.backend()?, "cpu");
    Ok(())
}

#[test]
fn a_lost_device_is_tried_once_more() -> Result<()> {
    let mock = Mock::photo().play("fail", json!(["device-lost"]));
    let (mut page, _site) = open(&mock, "webgpu")?;
    translate(&mut page, 64, 64)?;
    assert_eq!(page.backend()?, "webgpu");
    Ok(())
}

#[test]
fn a_device_that_is_lost_twice_leaves_the_work_to_the_cpu_and_the_page_says_so() -> Result<()> {
    let mock = Mock::photo()
        .play("fail", json!(["device-lost"]))
        .play("failOn", "webgpu");
    let (mut page, _site) = open(&mock, "webgpu")?;
    translate(&mut page, 64, 64)?;
    assert_eq!(page.backend()?, "cpu");
    let reason = page.backend_reason()?;
    ensure!(reason.contains("graphics device"), "{reason}");
    Ok(())
}

#[test]
fn where_memory_runs_out_smaller_tiles_are_tried() -> Result<()> {
    let mock = Mock::photo().play("fail", json!(["out-of-memory"]));
    let (mut page, _site) = open(&mock, "cpu")?;
    translate(&mut page, 700, 600)
}

#[test]
fn a_picture_for_which_there_is_never_enough_memory_gets_a_sentence() -> Result<()> {
    let mock = Mock::photo()
        .play("fail", json!(["out-of-memory"]))
        .play("failOn", "cpu");
    let (mut page, _site) = open(&mock, "cpu")?;
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(64, 64, 7), &path)?;
    page.submit(&path)?;
    assert_eq!(page.error_code()?, "out-of-memory");
    let message = page.message()?;
    ensure!(message.contains("smaller picture"), "{message}");
    Ok(())
}

#[test]
fn an_adapter_in_software_is_named_and_warned_of() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo(), "webgpu")?;
    translate(&mut page, 64, 64)?;
    let reason = page.backend_reason()?;
    ensure!(reason.contains("software"), "{reason}");
    let software = "document.querySelector('#backend').dataset.software";
    assert_eq!(page.browser.evaluate(software)?, "true");
    let adapter = "document.querySelector('#adapter').textContent.length > 0";
    assert_eq!(page.browser.evaluate(adapter)?, true);
    Ok(())
}

#[test]
fn the_backend_is_switched_in_the_page_and_the_photo_translated_anew() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo(), "cpu")?;
    translate(&mut page, 64, 64)?;
    page.click("#backends input[value=webgpu]")?;
    page.wait_for("document.querySelector('#backend').dataset.backend === 'webgpu'")?;
    page.wait_for("document.body.dataset.state === 'done'")
}

#[test]
fn a_photo_of_24_megapixels_is_done_in_tiles_on_every_core_with_progress() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo().play("delay", 30), "cpu")?;
    page.browser.evaluate(
        "window.seen = new Set(); new MutationObserver(() => window.seen.add(document.querySelector('#status').textContent))
          .observe(document.querySelector('#status'), { childList: true, characterData: true, subtree: true })",
    )?;
    let path = page.browser.scratch().join("large.jpg");
    pictures::save(&pictures::scene(6000, 4000, 7), &path)?;
    page.browser
        .evaluate("document.body.dataset.state = 'loading'")?;
    page.browser.choose_file("#file-input", &path)?;
    let cores = page.browser.evaluate("navigator.hardwareConcurrency")?;
    let cores = cores.as_u64().unwrap_or(1).min(8);
    let mut most = 0;
    let deadline = Instant::now() + PATIENCE;
    while page.state()? != "done" {
        ensure!(page.state()? != "error", "{}", page.message()?);
        ensure!(Instant::now() < deadline, "the photo is not done");
        most = most.max(page.browser.workers()?);
    }
    // One worker holds the photo and joins what the others do; one paints.
    assert_eq!(most as u64, cores + 2);
    let size = "(({ width, height }) => `${width} ${height}`)(window.pix2pixDemo.resultPixels())";
    assert_eq!(page.browser.evaluate(size)?, "6000 4000");
    let parts =
        "[...window.seen].filter((text) => /^Translating: \\d+ of 24 parts$/.test(text)).length";
    let parts = page.browser.evaluate(parts)?;
    ensure!(parts.as_u64().is_some_and(|parts| parts > 3), "{parts}");
    // The pool is gone, and its memory with it.
    page.browser.wait_for_workers(2)
}

#[test]
fn a_large_photo_is_cancelled_at_once_and_the_page_goes_on() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo().play("busy", 3000), "cpu")?;
    let path = page.browser.scratch().join("large.jpg");
    pictures::save(&pictures::scene(3000, 2400, 7), &path)?;
    page.browser.choose_file("#file-input", &path)?;
    page.wait_for("/^Translating: /.test(document.querySelector('#status').textContent)")?;
    page.click("#cancel")?;
    page.wait_for(
        "document.body.dataset.state === 'ready' || document.body.dataset.state === 'empty'",
    )?;
    page.wait_for("document.querySelector('#status').textContent === 'Cancelled.'")?;
    // Its painter stays: the photo is still shown.
    page.browser.wait_for_workers(1)?;
    translate(&mut page, 64, 64)
}

/// A browser may leave a worker running if it is ended in the wrong moment.
#[test]
fn no_worker_stays_however_soon_after_a_picture_in_tiles_its_model_goes() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo().play("delay", 5), "cpu")?;
    for pause in [0, 2, 5, 250, 255].repeat(6) {
        let script = format!("({DISPOSE_SOON})('models/{MODEL}/manifest.json', {pause})");
        assert_eq!(page.browser.evaluate(&script)?, 800 * 500 * 4);
    }
    page.browser.wait_for_workers(0)
}

const DISPOSE_SOON: &str = "async (url, pause) => {
  const { Pix2Pix } = await import('./pix2pix.js');
  const model = await Pix2Pix.create(url, { backend: 'cpu' });
  const { data } = await model.run(new ImageData(800, 500), { tile: 256 });
  if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
  model.dispose();
  return data.length;
}";
