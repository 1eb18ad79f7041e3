//! The installed page takes what other programs share with it and open with it.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use image::ImageFormat;
use serde_json::{Value, json};
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;
use xtask::workspace;

const KEPT: &str = "document.body.dataset.offline === 'ready'";
const SETTLED: &str = "['done', 'error'].includes(document.body.dataset.state)";

fn web_manifest() -> Result<Value> {
    let path = workspace::dist().join("manifest.webmanifest");
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

/// A page of another program that shares files as the web manifest says.
fn sharing_page() -> Result<Vec<u8>> {
    let manifest = web_manifest()?;
    let target = &manifest["share_target"];
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    let page = format!(
        r#"<!doctype html><form action="{}" method="{}" enctype="{}"><input type="file" name="{}" multiple></form>"#,
        text(&target["action"])?,
        text(&target["method"])?,
        text(&target["enctype"])?,
        text(&target["params"]["files"][0]["name"])?,
    );
    Ok(page.into_bytes())
}

/// A site whose page has been used once, so that its service worker is in control.
fn used_page(site: &Site) -> Result<Page> {
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let photo = photo(&page.browser, "first.png", 3)?;
    page.translate(&photo)?;
    page.wait_for(KEPT)?;
    Ok(page)
}

fn photo(browser: &Browser, name: &str, seed: u32) -> Result<PathBuf> {
    let path = browser.scratch().join(name);
    pictures::save(&pictures::scene(60, 40, seed), &path)?;
    Ok(path)
}

/// Shares files from another page; waits until the page has them.
fn share(page: Page, site: &Site, files: &[PathBuf]) -> Result<Page> {
    let mut browser = page.browser;
    browser.go_to(&site.url("sharing.html"))?;
    browser.choose_files("input", files)?;
    browser.evaluate("document.querySelector('form').submit()")?;
    let mut page = Page { browser };
    page.wait_for("window.pix2pixDemo !== undefined && location.search !== '?shared'")?;
    page.wait_for(SETTLED)?;
    Ok(page)
}

#[test]
fn a_photo_that_another_program_shares_is_translated_and_kept_no_longer() -> Result<()> {
    let files = [("sharing.html".to_owned(), sharing_page()?)];
    let site = Mock::photo().site()?.with_files(&files)?;
    let page = used_page(&site)?;
    let shared = photo(&page.browser, "größe & form.png", 8)?;
    // The server knows no POST: what comes has come from the service worker.
    let mut page = share(page, &site, &[shared])?;
    let result = page.result()?;
    let before = pictures::scene(60, 40, 8);
    let mut pixels = result.pixels().zip(before.pixels());
    ensure!(pixels.all(|(after, before)| after.0[..3] == before.0.map(|value| 255 - value)));
    let caption = "document.querySelector('#caption').textContent";
    assert_eq!(
        page.browser.evaluate(caption)?,
        "größe & form.png · 60 × 40"
    );
    assert_eq!(page.browser.evaluate("location.search")?, "");
    let kept = "caches.has('pix2pix-shared-1')";
    assert_eq!(page.browser.evaluate(kept)?, false);
    Ok(())
}

#[test]
fn several_photos_that_another_program_shares_become_an_archive() -> Result<()> {
    let files = [("sharing.html".to_owned(), sharing_page()?)];
    let site = Mock::photo().site()?.with_files(&files)?;
    let page = used_page(&site)?;
    let shared = [
        photo(&page.browser, "a.png", 1)?,
        photo(&page.browser, "b.png", 2)?,
    ];
    let mut page = share(page, &site, &shared)?;
    let status = "document.querySelector('#status').textContent.endsWith(' 2 photos translated.')";
    page.wait_for(status)
}

#[test]
fn a_share_without_files_is_told_in_a_sentence() -> Result<()> {
    let files = [("sharing.html".to_owned(), sharing_page()?)];
    let site = Mock::photo().site()?.with_files(&files)?;
    let page = used_page(&site)?;
    let mut browser = page.browser;
    browser.go_to(&site.url("sharing.html"))?;
    browser.evaluate("document.querySelector('input').remove()")?;
    browser.evaluate("document.querySelector('form').submit()")?;
    let mut page = Page { browser };
    page.wait_for(
        "document.querySelector('#message')?.textContent.startsWith('What was shared with this page did not arrive.')",
    )
}

/// Chromium gives a launch queue only to pages that are installed on a desktop.
#[test]
fn a_photo_opened_with_the_page_reaches_a_model_for_photos_through_a_stub_of_the_launch_queue()
-> Result<()> {
    let site = Mock::lines().site_beside(&[("photos", &Mock::photo())])?;
    let mut browser = Browser::start(Graphics::None)?;
    let mut png = Cursor::new(Vec::new());
    pictures::scene(60, 40, 8).write_to(&mut png, ImageFormat::Png)?;
    let stub = format!(
        "Object.defineProperty(window, 'launchQueue', {{ value: {{
           setConsumer(consume) {{
             const file = new File([new Uint8Array({:?})], 'opened.png', {{ type: 'image/png' }});
             consume({{ files: [{{ getFile: async () => file }}] }});
           }},
         }} }})",
        png.into_inner()
    );
    browser.call(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({ "source": stub }),
    )?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    page.wait_for(SETTLED)?;
    assert_eq!(page.result()?.dimensions(), (60, 40));
    assert_eq!(
        page.browser.evaluate("document.body.dataset.mode")?,
        "photo"
    );
    Ok(())
}

#[test]
fn the_web_manifest_names_the_files_that_the_page_opens() -> Result<()> {
    let manifest = web_manifest()?;
    let handled = manifest["file_handlers"][0]["accept"]
        .as_object()
        .context("types of files")?;
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    let accepted = page
        .browser
        .evaluate("document.querySelector('#file-input').accept")?;
    let accepted = accepted.as_str().context("a list")?;
    for kind in accepted
        .split(',')
        .filter(|kind| kind.starts_with("image/"))
    {
        ensure!(
            kind.ends_with("/*") || handled.contains_key(kind),
            "{kind} is missing in {handled:?}"
        );
    }
    Ok(())
}
