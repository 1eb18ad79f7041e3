//! `bench.html`, where visitors measure their own machines.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::axe::ensure_accessible;
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::site::{Fault, Site};

const PATIENCE: Duration = Duration::from_secs(600);
const STATE: &str = "document.body.dataset.state";

/// The page, ready to measure.
fn open(site: &Site, graphics: Graphics) -> Result<Browser> {
    let mut browser = Browser::start(graphics)?;
    browser.go_to(&site.url("bench.html"))?;
    browser.wait_until(
        "document.querySelector('#measure').disabled === false",
        PATIENCE,
    )?;
    Ok(browser)
}

fn click(browser: &mut Browser, id: &str) -> Result<()> {
    let press = format!("document.getElementById('{id}').click()");
    browser.evaluate(&press).map(drop)
}

fn text(browser: &mut Browser, selector: &str) -> Result<String> {
    let value = browser.evaluate(&format!("document.querySelector('{selector}').textContent"))?;
    Ok(value.as_str().context("text")?.to_owned())
}

/// Measures to the end; the answer is what the button copies.
fn measure(browser: &mut Browser) -> Result<Value> {
    click(browser, "measure")?;
    let settled = format!("!['working', 'empty'].includes({STATE})");
    let outcome = browser.wait_until(&settled, PATIENCE);
    outcome.with_context(|| format!("{:?}", browser.console()))?;
    let message = text(browser, "#message")?;
    ensure!(browser.evaluate(STATE)? == "done", "{message}");
    browser.wait_until("!document.querySelector('#keep').hidden", PATIENCE)?;
    browser.grant(&["clipboardReadWrite", "clipboardSanitizedWrite"])?;
    click(browser, "copy-json")?;
    browser.wait_until(
        "document.querySelector('#copied').textContent.includes('clipboard')",
        PATIENCE,
    )?;
    let copied = browser.evaluate("navigator.clipboard.readText()")?;
    Ok(serde_json::from_str(copied.as_str().context("text")?)?)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn each_setup_that_there_is_gets_its_figures() -> Result<()> {
    let site = Mock::photo().play("delay", 40).site()?;
    let mut browser = open(&site, Graphics::None)?;
    let cores = browser
        .evaluate("navigator.hardwareConcurrency")?
        .as_u64()
        .unwrap_or(1)
        .min(8);
    let found = measure(&mut browser)?;
    assert_eq!(found["model"]["name"], "played");
    let results = found["results"].as_array().context("results")?;
    let workers = results.iter().map(|result| result["workers"].as_u64());
    let expected = if cores > 1 {
        vec![Some(1), Some(cores)]
    } else {
        vec![Some(1)]
    };
    assert_eq!(workers.collect::<Vec<_>>(), expected);
    for (result, id) in results.iter().zip(["cpu", "pool"]) {
        // The model is played: a picture takes 40 ms, whoever does it.
        let small = &result["small"];
        let (median, fastest) = (number(&small["median"]), number(&small["fastest"]));
        ensure!(
            median >= 40.0 && fastest <= median && median <= number(&small["slowest"]),
            "{result}"
        );
        ensure!(number(&small["runs"]) >= 3.0, "{result}");
        ensure!(
            number(&result["first"]) >= 40.0 && number(&result["load"]) > 0.0,
            "{result}"
        );
        ensure!(number(&result["large"]) >= 40.0, "{result}");
        let figure = text(&mut browser, &format!("#setup-{id} .figure"))?;
        ensure!(
            figure.ends_with(" ms") || figure.ends_with(" s"),
            "{figure}"
        );
    }
    let why = text(&mut browser, "#setup-webgpu .remark")?;
    ensure!(why.contains("no graphics adapter"), "{why}");
    click(&mut browser, "copy-text")?;
    let shown = text(&mut browser, "#text")?;
    browser.wait_until(
        &format!(
            "navigator.clipboard.readText().then((text) => text === {})",
            serde_json::json!(shown)
        ),
        PATIENCE,
    )?;
    ensure!(
        shown.lines().count() == 2 + results.len() && shown.contains("CPU, one worker: 256 × 256 "),
        "{shown}"
    );
    let downloads = site
        .requests()
        .iter()
        .filter(|path| path.ends_with("weights.bin"))
        .count();
    assert_eq!(downloads, 1);
    browser.wait_for_workers(0)?;
    ensure_accessible(&mut browser, "measured")
}

#[test]
fn an_emulated_graphics_card_is_left_out_until_it_is_asked_for() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut browser = open(&site, Graphics::WebGpu)?;
    let has_software = "!document.querySelector('#software-field').hidden";
    browser.wait_until(has_software, PATIENCE)?;
    ensure_accessible(&mut browser, "before measuring")?;
    let found = measure(&mut browser)?;
    let backends = |found: &Value| -> Vec<String> {
        let results = found["results"].as_array().into_iter().flatten();
        results
            .map(|result| result["backend"].as_str().unwrap_or("").to_owned())
            .collect()
    };
    ensure!(!backends(&found).contains(&"webgpu".to_owned()), "{found}");
    ensure!(!site.requests().iter().any(|path| path.contains("/webgpu/")));
    let why = text(&mut browser, "#setup-webgpu .remark")?;
    ensure!(why.contains("Emulated in software"), "{why}");
    click(&mut browser, "software")?;
    browser.evaluate("document.querySelector('#tune').value = 'grouped'")?;
    let found = measure(&mut browser)?;
    let last = found["results"]
        .as_array()
        .and_then(|results| results.last().cloned());
    let last = last.context("a result")?;
    assert_eq!(
        (&last["backend"], &last["isSoftware"]),
        (&"webgpu".into(), &true.into())
    );
    ensure!(
        last["adapter"]
            .as_str()
            .is_some_and(|name| !name.is_empty()),
        "{last}"
    );
    let kernels = serde_json::json!({ "first": "grouped", "last": "direct" });
    assert_eq!(last["kernels"], kernels);
    let row = text(&mut browser, "#setup-webgpu .timings")?;
    ensure!(row.contains("grouped × 1, direct × 1"), "{row}");
    let shown = text(&mut browser, "#text")?;
    ensure!(shown.contains("(emulated in software)"), "{shown}");
    let why = text(&mut browser, "#setup-webgpu .remark")?;
    ensure!(why.contains("says nothing about a graphics card"), "{why}");
    Ok(())
}

#[test]
fn measuring_is_cancelled_at_once() -> Result<()> {
    let site = Mock::photo().play("busy", 600_000).site()?;
    let mut browser = open(&site, Graphics::None)?;
    click(&mut browser, "measure")?;
    browser.wait_until(
        "document.querySelector('#status').textContent.includes('first picture')",
        PATIENCE,
    )?;
    click(&mut browser, "cancel")?;
    browser.wait_until(&format!("{STATE} === 'empty'"), PATIENCE)?;
    assert_eq!(text(&mut browser, "#status")?, "Cancelled.");
    browser.wait_for_workers(0)?;
    let is_ready =
        "!document.querySelector('#measure').disabled && document.querySelector('#keep').hidden";
    assert_eq!(browser.evaluate(is_ready)?, true);
    Ok(())
}

#[test]
fn what_goes_wrong_gets_a_sentence_and_can_be_tried_again() -> Result<()> {
    let site = Mock::photo().site()?;
    site.spoil("models/played/weights.bin", Fault::Missing);
    let mut browser = open(&site, Graphics::None)?;
    click(&mut browser, "measure")?;
    browser.wait_until(&format!("{STATE} === 'error'"), PATIENCE)?;
    assert_eq!(text(&mut browser, "#message code")?, "fetch");
    ensure_accessible(&mut browser, "error")?;
    site.repair();
    measure(&mut browser).map(drop)
}

#[test]
fn the_front_page_leads_to_it_and_the_shipped_model_is_measured() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url(""))?;
    browser.evaluate("document.querySelector('footer a[href=\"bench.html\"]').click()")?;
    browser.wait_until(
        "document.querySelector('#measure')?.disabled === false",
        PATIENCE,
    )?;
    let found = measure(&mut browser)?;
    let sha256 = found["model"]["sha256"].as_str().unwrap_or("");
    ensure!(sha256.len() == 64, "{found}");
    for result in found["results"].as_array().context("results")? {
        ensure!(number(&result["small"]["median"]) > 1.0, "{result}");
        ensure!(
            number(&result["large"]) > number(&result["small"]["median"]),
            "{result}"
        );
    }
    Ok(())
}
