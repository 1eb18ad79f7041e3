//! Several of the page's workers share one picture.

use std::path::Path;

use anyhow::{Result, ensure};
use tests::browser::Graphics;
use tests::mock::Mock;
use tests::page::Page;
use tests::site::{Fault, Site};
use tests::trainer;

fn open() -> Result<(Page, Site)> {
    open_with(trainer::tiny_model()?)
}

fn open_with(model: &Path) -> Result<(Page, Site)> {
    let site = Site::with_model("tiny", model)?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.browser.evaluate(PREPARE)?;
    Ok((page, site))
}

/// Translates the same pictures with models that may have so many workers.
const PREPARE: &str = "(async () => {
  const { Pix2Pix } = await import('./pix2pix.js');
  window.load = (workers) => Pix2Pix.create('models/tiny/manifest.json', { backend: 'cpu', workers });
  window.picture = (width, height) => {
    const picture = new ImageData(width, height);
    for (let at = 0; at < picture.data.length; at++) {
      picture.data[at] = 127 + 120 * Math.sin(at * 0.013 + (at % 4) + at / width / 90);
    }
    return picture;
  };
})()";

#[test]
fn workers_that_share_a_picture_give_every_byte_that_one_gives() -> Result<()> {
    let (mut page, _site) = open()?;
    for (width, height) in [(256, 256), (300, 517), (1024, 300)] {
        let alike = page.browser.evaluate(&format!(
            "(async (width, height) => {{
               const results = [];
               for (const workers of [1, 2, 3]) {{
                 const model = await load(workers);
                 results.push((await model.run(picture(width, height))).data);
                 // Small pictures are shared where a large one has brought the workers together.
                 await model.run(picture(512, 512));
                 results.push((await model.run(picture(width, height))).data);
                 model.dispose();
               }}
               const colours = new Set(results[0]).size;
               const [first, ...others] = results;
               const same = others.every((other) => other.every((byte, at) => byte === first[at]));
               return colours > 20 && same && first.length === width * height * 4;
             }})({width}, {height})"
        ))?;
        assert_eq!(alike, true, "{width} × {height}");
    }
    page.browser.wait_for_workers(0)
}

#[test]
fn a_picture_of_a_resnet_is_shared_as_well() -> Result<()> {
    let (mut page, _site) = open_with(&trainer::untrained_resnet()?)?;
    let run = "load(WORKERS).then(async (model) => { window.model = model; \
               return (await model.run(picture(530, 518))).data; })";
    let alone = run.replace("WORKERS", "1");
    page.browser.evaluate(&format!(
        "{alone}.then((data) => {{ window.alone = data; model.dispose(); }})"
    ))?;
    let shared = run.replace("WORKERS", "2");
    let alike = page.browser.evaluate(&format!(
        "{shared}.then((data) => new Set(data).size > 20 && data.every((byte, at) => byte === alone[at]))"
    ))?;
    assert_eq!(alike, true);
    assert_eq!(page.browser.workers()?, 2);
    page.browser.evaluate("model.dispose()")?;
    page.browser.wait_for_workers(0)
}

#[test]
fn workers_stay_for_the_next_picture_and_then_rest() -> Result<()> {
    let (mut page, _site) = open()?;
    page.browser
        .evaluate("load(3).then((model) => { window.model = model; return model.run(picture(512, 512)); }).then(() => true)")?;
    assert_eq!(page.browser.workers()?, 3);
    page.browser.wait_for_workers(1)?;
    // One small picture is done before anyone else could begin; after it come more.
    let small = "model.run(picture(256, 256)).then(({ width }) => width)";
    page.browser
        .evaluate("new Promise((resolve) => setTimeout(resolve, 2100))")?;
    assert_eq!(page.browser.evaluate(small)?, 256);
    assert_eq!(page.browser.workers()?, 1);
    assert_eq!(page.browser.evaluate(small)?, 256);
    page.browser.wait_for_workers(3)?;
    assert_eq!(page.browser.evaluate(small)?, 256);
    page.browser.evaluate("model.dispose()")?;
    page.browser.wait_for_workers(0)
}

#[test]
fn a_shared_picture_is_cancelled_at_once_and_the_next_one_is_done() -> Result<()> {
    let (mut page, _site) = open()?;
    for pause in [0, 1, 5, 20, 60] {
        let outcome = page.browser.evaluate(&format!(
            "(async (pause) => {{
               const model = await load(3);
               const wanted = (await model.run(picture(512, 512))).data;
               const stopping = new AbortController();
               const stopped = model.run(picture(512, 512), {{ signal: stopping.signal }}).catch(({{ code }}) => code);
               setTimeout(() => stopping.abort(), pause);
               const code = await stopped;
               const again = (await model.run(picture(512, 512))).data;
               model.dispose();
               const same = again.every((byte, at) => byte === wanted[at]);
               return same ? code.data?.length ?? code : 'another picture';
             }})({pause})"
        ))?;
        ensure!(
            outcome == "aborted" || outcome == 512 * 512 * 4,
            "after {pause} ms: {outcome}"
        );
    }
    page.browser.wait_for_workers(0)
}

#[test]
fn where_no_other_worker_starts_one_does_it_all() -> Result<()> {
    for (what, side, tile) in [("in one piece", 512, 0), ("in tiles", 512, 256)] {
        let (mut page, site) = open()?;
        let run = format!("model.run(picture({side}, {side}), {{ tile: {tile} }})");
        page.browser.evaluate(&format!(
            "load(1).then(async (model) => {{ window.wanted = (await {run}).data; model.dispose(); }})"
        ))?;
        page.browser
            .evaluate("load(3).then((model) => { window.model = model; })")?;
        site.spoil("runtime/worker.js", Fault::Missing);
        let same = page.browser.evaluate(&format!(
            "{run}.then(({{ data }}) => data.every((byte, at) => byte === wanted[at]))"
        ))?;
        assert_eq!(same, true, "{what}");
        page.browser.wait_for_workers(1)?;
        // It does not try again and again.
        assert_eq!(
            page.browser
                .evaluate(&format!("{run}.then(({{ width }}) => width)"))?,
            side
        );
    }
    Ok(())
}

#[test]
fn small_pictures_are_shared_only_where_that_is_faster() -> Result<()> {
    for (delay, is_shared) in [(20, true), (400, false)] {
        let mock = Mock::photo()
            .play("delay", 100)
            .play("sharers", 2)
            .play("sharedDelay", delay);
        let site = mock.site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        page.browser
            .evaluate(&PREPARE.replace("models/tiny", "models/played"))?;
        page.browser
            .evaluate("load(2).then((model) => { window.model = model; })")?;
        // Those that two workers share are sevens: the third, once both are there.
        let run = "model.run(picture(128, 128)).then(({ data }) => data[0] === 7)";
        page.browser.evaluate(run)?;
        page.browser.evaluate(run)?;
        page.wait_for(run)?;
        for _ in 0..4 {
            page.browser.evaluate(run)?;
        }
        assert_eq!(page.browser.evaluate(run)?, is_shared, "{delay} ms");
    }
    Ok(())
}

#[test]
fn a_model_without_shares_does_the_picture_alone() -> Result<()> {
    let (mut page, _site) = open()?;
    for workers in ["0", "1.5", "'many'"] {
        let code =
            format!("load({workers}).catch(({{ code, message }}) => `${{code}}: ${{message}}`)");
        let message = page.browser.evaluate(&code)?;
        let message = message.as_str().unwrap_or_default();
        ensure!(message.contains("number of workers"), "{message}");
    }
    page.browser
        .evaluate("load(1).then((model) => model.run(picture(512, 512))).then(() => true)")?;
    assert_eq!(page.browser.workers()?, 1);
    Ok(())
}
