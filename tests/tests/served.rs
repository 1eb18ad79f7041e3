//! `trainer serve`: a model of this machine in the real page.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Graphics;
use tests::page::Page;
use tests::{pictures, trainer};

const CHOSEN: &str = "document.querySelector('#models .card:has(:checked) b').textContent";

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_trained_model_opens_in_the_page_and_makes_what_it_makes_natively() -> Result<()> {
    let model = trainer::tiny_model()?;
    let program = Command::new(trainer::program()?)
        .args(["serve", "--no-open", "--port", "0"])
        .arg(model)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut program = Serving(program);
    let output = program.0.stdout.take().context("a pipe")?;
    let url = BufReader::new(output)
        .lines()
        .next()
        .context("an address")??;
    let mut page = Page::open(&format!("{url}&backend=cpu"), Graphics::None)?;
    let manifest = fs::read(model.join("manifest.json"))?;
    let title = serde_json::from_slice::<Value>(&manifest)?["title"].clone();
    page.wait_for(&format!("{CHOSEN} === {title}"))?;
    let summary = "document.querySelector('#models .card:has(:checked) label span').textContent";
    assert_eq!(
        page.browser.evaluate(summary)?,
        format!("The model in {}.", model.display())
    );
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(256, 256, 7), &path)?;
    let (found, expected) = (page.translate(&path)?, trainer::translate(model, &path)?);
    let pairs = found.as_raw().iter().zip(expected.as_raw());
    let off = pairs.map(|(a, b)| a.abs_diff(*b)).max();
    // Sums in another order may round to the next value.
    ensure!(off <= Some(1), "off by {off:?}");
    Ok(())
}
