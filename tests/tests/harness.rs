//! Whether the tests' own tools do what the other tests rely on.

use anyhow::Result;
use server::{Reply, Server};
use tests::browser::{Browser, Graphics};

const ADAPTER: &str =
    "navigator.gpu?.requestAdapter().then((adapter) => adapter !== null) ?? false";

fn blank_page() -> Result<Server> {
    Server::start(0, |_| {
        Reply::ok("text/html", b"<!doctype html><title>blank</title>".to_vec())
    })
}

#[test]
fn the_browser_computes_webgpu_in_software_when_told_to() -> Result<()> {
    let server = blank_page()?;
    let mut browser = Browser::start(Graphics::WebGpu)?;
    browser.go_to(&format!("{}/", server.url()))?;
    assert_eq!(browser.evaluate(ADAPTER)?, true);
    Ok(())
}

#[test]
fn the_browser_has_no_webgpu_when_not_told_to() -> Result<()> {
    let server = blank_page()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&format!("{}/", server.url()))?;
    assert_eq!(browser.evaluate(ADAPTER)?, false);
    Ok(())
}

#[test]
fn what_a_page_throws_reaches_the_test() -> Result<()> {
    let server = blank_page()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&format!("{}/", server.url()))?;
    let error = browser
        .evaluate("missing.thing")
        .map_err(|error| error.to_string());
    assert!(error.is_err_and(|text| text.contains("ReferenceError")));
    Ok(())
}
