//! axe-core, which looks for what keeps people from using a page.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use xtask::tools;

use crate::browser::Browser;

/// On a busy machine axe takes longer than an answer of the browser may.
const PATIENCE: Duration = Duration::from_secs(600);

/// Fails on anything that axe objects to, in light and in dark colours; `state` says what is shown.
///
/// # Errors
/// A violation, or axe does not run.
pub fn ensure_accessible(browser: &mut Browser, state: &str) -> Result<()> {
    let source = tools::ensure_npm_packages()?.join("axe-core/axe.min.js");
    let source =
        fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    browser.evaluate(&format!("{source}; undefined"))?;
    for scheme in ["light", "dark"] {
        show_in(browser, scheme)?;
        browser.evaluate(RUN)?;
        browser.wait_until("window.foundByAxe !== null", PATIENCE)?;
        let found = browser.evaluate("window.foundByAxe")?;
        let violations = found["violations"].as_array().context("a list")?;
        let lines: Vec<_> = violations.iter().filter_map(Value::as_str).collect();
        if !lines.is_empty() {
            bail!("{state}, {scheme}:\n{}", lines.join("\n"));
        }
        ensure!(
            found["passes"].as_u64().is_some_and(|passes| passes > 10),
            "{state}, {scheme}: axe looked at next to nothing: {found}"
        );
    }
    Ok(())
}

/// Colours that are on their way to others would be judged halfway.
fn show_in(browser: &mut Browser, scheme: &str) -> Result<()> {
    browser.set_media(&[
        ("prefers-color-scheme", scheme),
        ("prefers-reduced-motion", "reduce"),
    ])?;
    let is_shown = format!("matchMedia('(prefers-color-scheme: {scheme})').matches");
    browser.wait_until(&is_shown, PATIENCE)
}

const RUN: &str =
    "window.foundByAxe = null;
axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => { window.foundByAxe = {
  passes: passes.length,
  violations: violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id} (${help}) at ${target.flat().join(' ')}: ${failureSummary.replaceAll('\\n', ' ')}`)),
}; }, (error) => { window.foundByAxe = { violations: [String(error)], passes: 0 }; });
undefined";
