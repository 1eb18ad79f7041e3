//! The dialog "Share": before and after as one picture, links with a sample or a drawing, and HTML for
//! other pages.

use std::fs;
use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use image::ImageFormat;
use serde_json::json;
use tests::axe::ensure_accessible;
use tests::browser::{Browser, Graphics};
use tests::downloads::wait_for_download;
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;

const SIDE: u32 = 96;
const GAP: u32 = 8;

fn png(seed: u32) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    pictures::scene(SIDE, SIDE, seed).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// A site whose model has a sample.
fn site(mock: &Mock) -> Result<Site> {
    let mock = mock.clone().with("/samples", json!(["one.png"]));
    let files = [("models/played/one.png".to_owned(), png(3)?)];
    mock.site()?.with_files(&files)
}

fn open(site: &Site, query: &str) -> Result<Page> {
    let mut page = Page::open(&site.url(query), Graphics::None)?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    page.browser
        .grant(&["clipboardReadWrite", "clipboardSanitizedWrite"])?;
    Ok(page)
}

fn open_dialog(page: &mut Page) -> Result<()> {
    page.wait_for(
        "document.body.dataset.state === 'done' && !document.querySelector('#keep').hidden",
    )?;
    page.click("#share")?;
    page.wait_for("document.querySelector('#share-preview').naturalWidth > 0")
}

/// What a button of the dialog puts into the clipboard.
fn copied(page: &mut Page, button: &str) -> Result<String> {
    page.click(button)?;
    page.wait_for("document.querySelector('#share-status').textContent.includes('clipboard')")?;
    let text = page.browser.evaluate("navigator.clipboard.readText()")?;
    Ok(text.as_str().context("a text")?.to_owned())
}

fn take_sample(page: &mut Page) -> Result<()> {
    page.wait_for("document.querySelector('#sample-list button') !== null")?;
    page.click("#sample-list button")
}

#[test]
fn before_and_after_are_saved_as_one_picture_where_none_can_be_shared() -> Result<()> {
    let site = site(&Mock::photo())?;
    let mut page = open(&site, "?backend=cpu")?;
    take_sample(&mut page)?;
    open_dialog(&mut page)?;
    ensure_accessible(&mut page.browser, "the dialog for sharing")?;
    let folder = page.browser.scratch().join("saved");
    fs::create_dir(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.browser.evaluate("navigator.canShare = undefined")?;
    page.click("#share-picture")?;
    let path = wait_for_download(&folder)?;
    ensure!(path.ends_with("one-played-before-after.png"), "{path:?}");
    let saved = image::open(path)?.into_rgb8();
    assert_eq!(saved.dimensions(), (2 * SIDE + GAP, SIDE));
    let original = pictures::scene(SIDE, SIDE, 3);
    for (x, y, pixel) in original.enumerate_pixels() {
        assert_eq!(saved.get_pixel(x, y), pixel);
        let inverted = pixel.0.map(|value| 255 - value);
        assert_eq!(saved.get_pixel(x + SIDE + GAP, y).0, inverted);
    }
    Ok(())
}

#[test]
fn before_and_after_are_shared_as_a_file_where_the_browser_can() -> Result<()> {
    let site = site(&Mock::photo())?;
    let mut page = open(&site, "?backend=cpu&sample=one.png")?;
    page.browser.evaluate(
        "navigator.canShare = ({ files }) => files?.length === 1;
         navigator.share = async ({ files }) => { window.shared = `${files[0].name} ${files[0].type}`; };",
    )?;
    open_dialog(&mut page)?;
    page.click("#share-picture")?;
    page.wait_for("window.shared === 'one-played-before-after.png image/png'")
}

#[test]
fn a_link_brings_back_the_sample() -> Result<()> {
    let site = site(&Mock::photo())?;
    let mut page = open(&site, "?backend=cpu")?;
    take_sample(&mut page)?;
    open_dialog(&mut page)?;
    let link = copied(&mut page, "#share-link")?;
    assert_eq!(link, site.url("?model=played&backend=cpu&sample=one.png"));
    // Without a clipboard, as on pages without HTTPS, the link is shown.
    page.browser
        .evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")?;
    page.click("#share-link")?;
    page.wait_for(&format!(
        "document.querySelector('#share-status').textContent.endsWith('The link is {link}')"
    ))?;
    let mut page = Page::open_in(page.browser, &link)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    assert_eq!(page.result()?.dimensions(), (SIDE, SIDE));
    let mut page = Page::open_in(page.browser, &site.url("?sample=two.png"))?;
    page.wait_for("document.querySelector('#status').textContent.includes('sample “two.png”')")
}

#[test]
fn a_link_brings_back_a_drawing_on_its_sample_stroke_by_stroke() -> Result<()> {
    let site = site(&Mock::lines())?;
    let mut page = open(&site, "?backend=cpu")?;
    take_sample(&mut page)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let place = page.place_of(".drawing")?;
    page.browser
        .draw_line("mouse", &[place.point(0.1, 0.1), place.point(0.9, 0.1)])?;
    page.click(".tool-set input[value=rectangle]")?;
    page.browser
        .draw_line("mouse", &[place.point(0.3, 0.3), place.point(0.7, 0.8)])?;
    let drawing = "document.querySelector('.drawing').toDataURL()";
    page.wait_for("!document.querySelector('.draw').hasAttribute('data-busy')")?;
    let drawn = page.browser.evaluate(drawing)?;
    open_dialog(&mut page)?;
    let link = copied(&mut page, "#share-link")?;
    ensure!(
        link.contains("sample=one.png#strokes=") && link.len() < 300,
        "{link}"
    );
    // A tab of its own: the drawing is in nothing but the link.
    let mut other = Page::open(&link, Graphics::None)?;
    other.wait_for("document.body.dataset.state === 'done'")?;
    // Points of a link are whole pixels: edges may lie half a pixel beside those that were drawn.
    let again = load(&other.browser.evaluate(drawing)?)?;
    let difference = pictures::difference(&load(&drawn)?, &again)?;
    ensure!(difference.mean < 2.0, "{difference}");
    // Both strokes can be undone, then only the sample is left.
    for _ in 0..2 {
        other.click("[aria-label=Undo]")?;
    }
    let is_sample =
        "document.querySelector('.drawing').getContext('2d').getImageData(64, 13, 1, 1).data[0] > 0
        && !document.querySelector('[aria-label=Undo]').disabled";
    other.wait_for(is_sample)
}

fn load(data_url: &serde_json::Value) -> Result<image::RgbaImage> {
    let (_, data) = data_url
        .as_str()
        .and_then(|url| url.split_once(','))
        .context("a data URL")?;
    let bytes = tests::browser::decode_base64(&json!(data))?;
    Ok(image::load_from_memory(&bytes)?.into_rgba8())
}

#[test]
fn a_drawing_that_is_no_longer_whole_or_was_made_up_is_refused_in_words() -> Result<()> {
    let site = site(&Mock::labels())?;
    let mut browser = Browser::start(Graphics::None)?;
    // A red pencil, which is none of the labels; coordinates beyond the board; a thousand points that are
    // not there; another version; no base64; the beginning of a stroke; a line wider than the slider allows;
    // one that takes longer to paint than anybody waits.
    let there_and_back =
        |count: &str, times| format!("AQAKyB4M{count}AA{}", "gAIA_wEA".repeat(times));
    let too_long = there_and_back("Zw", 51);
    let bad = [
        "AQD_AAAMAQAA",
        "AQAKyB4MAf__fwA",
        "AQAKyB4M6AcAAA",
        "AgAKyB4MAQAA",
        "%00%ff",
        "AQAKyA",
        "AQAKyB4xAQAA",
        too_long.as_str(),
    ];
    for strokes in bad {
        // A page that is there already would only change its hash.
        browser.go_to("about:blank")?;
        let mut page = Page::open_in(
            browser,
            &site.url(&format!("?backend=cpu#strokes={strokes}")),
        )?;
        page.wait_for("document.body.dataset.state === 'error'")
            .with_context(|| strokes.to_owned())?;
        ensure!(page.message()?.contains("damaged"), "{}", page.message()?);
        browser = page.browser;
    }
    // The same stroke in the colour of a label is drawn.
    browser.go_to("about:blank")?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu#strokes=AQAKyB4MAQAA"))?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let colours = "[0, 100].map((at) => document.querySelector('.drawing').getContext('2d')
        .getImageData(at, at, 1, 1).data[1]).join()";
    assert_eq!(page.browser.evaluate(colours)?, "200,0");
    // So is a line of a hundred sides of the board.
    page.browser.go_to("about:blank")?;
    let long = format!("?backend=cpu#strokes={}", there_and_back("ZQ", 50));
    let mut page = Page::open_in(page.browser, &site.url(&long))?;
    page.wait_for(&format!(
        "document.body.dataset.state === 'done' && {colours} === '200,0'"
    ))?;
    // Another link does not draw onto what the tab has kept.
    page.browser.go_to("about:blank")?;
    let other = site.url("?backend=cpu#strokes=AQAKyB4MAcgByAE");
    let mut page = Page::open_in(page.browser, &other)?;
    page.wait_for(&format!("{colours} === '0,200'"))
}

#[test]
fn the_dialog_shows_no_picture_of_an_earlier_opening() -> Result<()> {
    let site = site(&Mock::photo())?;
    let mut page = open(&site, "?backend=cpu")?;
    take_sample(&mut page)?;
    open_dialog(&mut page)?;
    page.click("#share-close")?;
    page.browser.evaluate(
        "(() => { const { convertToBlob } = OffscreenCanvas.prototype;
           OffscreenCanvas.prototype.convertToBlob = async function (...all) {
             await new Promise((resolve) => { window.release = resolve; });
             const blob = await convertToBlob.apply(this, all);
             setTimeout(() => { window.isMade = true; });
             return blob;
           }; })()",
    )?;
    page.click("#share")?;
    page.wait_for("document.querySelector('#share-dialog').open && window.release !== undefined")?;
    let address = "document.querySelector('#share-preview').getAttribute('src')";
    assert_eq!(page.browser.evaluate(address)?, json!(null));
    // Nor does one come that nobody waits for any more.
    page.click("#share-close")?;
    page.browser.evaluate("window.release()")?;
    page.wait_for("window.isMade === true")?;
    assert_eq!(page.browser.evaluate(address)?, json!(null));
    Ok(())
}

#[test]
fn the_html_for_other_pages_shows_this_model() -> Result<()> {
    let site = site(&Mock::lines())?;
    let mut page = open(&site, "?backend=cpu&sample=one.png")?;
    open_dialog(&mut page)?;
    page.click("#share-dialog summary")?;
    ensure_accessible(&mut page.browser, "HTML for other pages")?;
    let html = copied(&mut page, "#embed-copy")?;
    ensure!(
        html.contains(r#"src="pix2pix/models/played/manifest.json" mode="draw""#),
        "{html}"
    );
    // The page's folder itself stands for the copy beside another page.
    let host = format!(
        "<!doctype html><title>Host</title>{}",
        html.replace("pix2pix/", "")
    );
    let site = Mock::lines()
        .site()?
        .with_files(&[("host.html".to_owned(), host.into_bytes())])?;
    let mut browser = page.browser;
    browser.go_to(&site.url("host.html"))?;
    let is_ready = "document.querySelector('pix2pix-widget').shadowRoot?.querySelector('.root').dataset.state === 'ready'";
    browser.wait_until(is_ready, std::time::Duration::from_secs(60))
}

#[test]
fn the_picture_that_programs_show_beside_links_is_there() -> Result<()> {
    let site = Site::shipped()?;
    let mut page = open(&site, "")?;
    let name = "document.querySelector('meta[property=\"og:image\"]').content";
    let name = page.browser.evaluate(name)?;
    let path = xtask::workspace::dist().join(name.as_str().context("an address")?);
    let size = image::image_dimensions(&path).with_context(|| path.display().to_string())?;
    ensure!(size.0 >= 600 && size.1 >= 315, "{size:?}");
    Ok(())
}
