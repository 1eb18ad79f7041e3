//! axe-core, which looks for what keeps people from using a page.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use xtask::tools;

use crate::browser::Browser;

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
        let found = browser.evaluate(RUN)?;
        ensure!(
            found["passes"].as_u64().is_some_and(|passes| passes > 10),
            "{state}, {scheme}: axe looked at next to nothing: {found}"
        );
        let violations = found["violations"].as_array().context("a list")?;
        let lines: Vec<_> = violations.iter().filter_map(Value::as_str).collect();
        if !lines.is_empty() {
            bail!("{state}, {scheme}:\n{}", lines.join("\n"));
        }
    }
    Ok(())
}

/// Colours that are on their way to others would be judged halfway.
fn show_in(browser: &mut Browser, scheme: &str) -> Result<()> {
    let features = json!([
        { "name": "prefers-color-scheme", "value": scheme },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]);
    browser.call(
        "Emulation.setEmulatedMedia",
        json!({ "features": features }),
    )?;
    let settled = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";
    browser.evaluate(settled).map(drop)
}

const RUN: &str =
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations, passes }) => ({
  passes: passes.length,
  violations: violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id} (${help}) at ${target.flat().join(' ')}: ${failureSummary.replaceAll('\\n', ' ')}`)),
}))";
