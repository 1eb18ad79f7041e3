//! What people take away, and how they look at it before.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use image::ImageFormat;
use serde_json::json;
use tests::browser::{Browser, Graphics};
use tests::downloads::wait_for_download;
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;

const WIDTH: u32 = 300;
const HEIGHT: u32 = 200;

fn with_result(query: &str) -> Result<(Page, Site)> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(query), Graphics::None)?;
    let path = page.browser.scratch().join("my photo.png");
    pictures::save(&pictures::scene(WIDTH, HEIGHT, 7), &path)?;
    page.translate(&path)?;
    Ok((page, site))
}

#[test]
fn each_format_is_saved_at_full_size_under_the_photos_name() -> Result<()> {
    let (mut page, _site) = with_result("?backend=cpu")?;
    let result = page.result()?;
    for (format, end, kind) in [
        ("png", "png", ImageFormat::Png),
        ("jpeg", "jpg", ImageFormat::Jpeg),
        ("webp", "webp", ImageFormat::WebP),
    ] {
        let folder = page.browser.scratch().join(format!("saved-{format}"));
        fs::create_dir(&folder)?;
        let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
        page.browser
            .call_browser("Browser.setDownloadBehavior", behaviour)?;
        let choose = format!("document.querySelector('#format').value = '{format}'");
        page.browser.evaluate(&choose)?;
        page.click("#save")?;
        let path = wait_for_download(&folder)?;
        let name = path.file_name().context("a name")?.to_string_lossy();
        assert_eq!(name, format!("my-photo-played.{end}"));
        let bytes = fs::read(&path)?;
        assert_eq!(image::guess_format(&bytes)?, kind);
        let saved = image::load_from_memory(&bytes)?.into_rgba8();
        assert_eq!(saved.dimensions(), (WIDTH, HEIGHT));
        if format == "png" {
            assert_eq!(pictures::difference(&saved, &result)?.max, 0);
        }
    }
    Ok(())
}

/// Moves the focus on by Tab until it is on what `is_there` asks for.
fn tab_to(page: &mut Page, is_there: &str) -> Result<()> {
    for _ in 0..60 {
        page.browser.press_key("Tab", 0)?;
        let found = format!("document.activeElement.matches('{is_there}')");
        if page.browser.evaluate(&found)? == true {
            return Ok(());
        }
    }
    anyhow::bail!("Tab does not come to {is_there}")
}

/// A site with a sample to take, and a page whose downloads go into a folder.
fn with_sample(browser: Browser) -> Result<(Page, Site, PathBuf)> {
    let mock = Mock::photo().with("/samples", json!(["sample.png"]));
    let mut sample = std::io::Cursor::new(Vec::new());
    pictures::scene(WIDTH, HEIGHT, 7).write_to(&mut sample, ImageFormat::Png)?;
    let files = [("models/played/sample.png".to_owned(), sample.into_inner())];
    let site = mock.site()?.with_files(&files)?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    page.wait_for("document.querySelector('#sample-list button') !== null")?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    let folder = page.browser.scratch().join("saved");
    fs::create_dir(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    Ok((page, site, folder))
}

#[test]
fn keys_alone_lead_from_the_empty_page_to_a_saved_picture() -> Result<()> {
    let (mut page, _site, folder) = with_sample(Browser::start(Graphics::None)?)?;
    tab_to(&mut page, "#sample-list button")?;
    page.browser.press_key("Enter", 0)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    page.wait_for("document.querySelector('#handle').getAttribute('aria-valuenow') === '50'")?;
    // Around the page and into the picture, then on to the buttons below it.
    tab_to(&mut page, "#handle")?;
    page.browser.press_key("ArrowLeft", 0)?;
    let divider = "document.querySelector('#handle').getAttribute('aria-valuenow')";
    assert_eq!(page.browser.evaluate(divider)?, "48");
    tab_to(&mut page, "#save")?;
    page.browser.press_key("Enter", 0)?;
    let saved = image::open(wait_for_download(&folder)?)?;
    assert_eq!((saved.width(), saved.height()), (WIDTH, HEIGHT));
    Ok(())
}

#[test]
fn a_finger_alone_leads_from_the_empty_page_to_a_saved_picture() -> Result<()> {
    let mut browser = Browser::start(Graphics::None)?;
    browser.set_window(390, 844, true)?;
    browser.set_media(&[("prefers-reduced-motion", "reduce")])?;
    let (mut page, _site, folder) = with_sample(browser)?;
    let sample = page.place_of("#sample-list button")?.point(0.5, 0.5);
    page.browser.tap(sample)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    // What came of it is in view, without any scrolling.
    let in_view = "(({ top, bottom }) => top >= -1 && bottom <= innerHeight + 1)
        (document.querySelector('#stage').getBoundingClientRect())";
    page.wait_for(in_view)?;
    let save = page.place_of("#save")?;
    ensure!(save.height >= 44.0, "{save:?}");
    page.browser.tap(save.point(0.5, 0.5))?;
    let saved = image::open(wait_for_download(&folder)?)?;
    assert_eq!((saved.width(), saved.height()), (WIDTH, HEIGHT));
    Ok(())
}

/// Its pixels never come near the page's own thread.
#[test]
fn a_large_photo_is_shown_and_its_result_saved_at_full_size() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu&view=side"), Graphics::None)?;
    let path = page.browser.scratch().join("large.png");
    let scene = pictures::scene(2600, 2000, 7);
    pictures::save(&scene, &path)?;
    page.submit(&path)?;
    assert_eq!(page.state()?, "done");
    for (layer, is_inverted) in [("#before", false), ("#result", true)] {
        let (x, y) = page.place_of(layer)?.point(0.5, 0.9);
        let shown = image::load_from_memory(&page.browser.screenshot()?)?.into_rgb8();
        let shown = shown.get_pixel(x as u32, y as u32).0;
        let original = scene.get_pixel(1300, 1800).0;
        for (shown, original) in shown.into_iter().zip(original) {
            let expected = if is_inverted {
                255 - original
            } else {
                original
            };
            ensure!(
                shown.abs_diff(expected) < 12,
                "{layer}: {shown}, not {expected}"
            );
        }
    }
    let folder = page.browser.scratch().join("saved");
    fs::create_dir(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.click("#save")?;
    let saved = image::open(wait_for_download(&folder)?)?.into_rgb8();
    assert_eq!(saved.dimensions(), scene.dimensions());
    let mut pixels = scene.pixels().zip(saved.pixels());
    ensure!(pixels.all(|(before, after)| before.0.map(|value| 255 - value) == after.0));
    // A small one after it is painted by the page again.
    pictures::save(&pictures::scene(WIDTH, HEIGHT, 7), &path)?;
    let small = page.translate(&path)?;
    assert_eq!(small.dimensions(), (WIDTH, HEIGHT));
    page.browser.wait_for_workers(1)
}

#[test]
fn the_result_is_copied_as_a_picture() -> Result<()> {
    let (mut page, _site) = with_result("?backend=cpu")?;
    page.browser
        .grant(&["clipboardReadWrite", "clipboardSanitizedWrite"])?;
    page.click("#copy")?;
    page.wait_for("document.querySelector('#status').textContent.includes('clipboard')")?;
    let size = "navigator.clipboard.read()
      .then(([item]) => item.getType('image/png')).then(createImageBitmap)
      .then(({ width, height }) => `${width} ${height}`)";
    assert_eq!(
        page.browser.evaluate(size)?,
        format!("{WIDTH} {HEIGHT}").as_str()
    );
    Ok(())
}

#[test]
fn a_shared_link_brings_back_model_and_settings_but_no_picture() -> Result<()> {
    let (mut page, site) = with_result("?backend=cpu")?;
    page.browser
        .grant(&["clipboardReadWrite", "clipboardSanitizedWrite"])?;
    page.click("#layouts input[value=side]")?;
    page.click("#share")?;
    page.wait_for("document.querySelector('#share-dialog').open")?;
    page.click("#share-link")?;
    page.wait_for("document.querySelector('#share-status').textContent.includes('clipboard')")?;
    let link = page.browser.evaluate("navigator.clipboard.readText()")?;
    let link = link.as_str().context("a link")?;
    assert_eq!(link, site.url("?model=played&backend=cpu&view=side"));
    let mut other = Page::open(link, Graphics::None)?;
    let settings = "[document.querySelector('#models input:checked').value,
      document.querySelector('#backends input:checked').value,
      document.querySelector('#layouts input:checked').value].join(' ')";
    assert_eq!(other.browser.evaluate(settings)?, "played cpu side");
    assert_eq!(other.state()?, "empty");
    Ok(())
}

#[test]
fn side_by_side_shows_both_pictures_whole() -> Result<()> {
    let (mut page, _site) = with_result("?backend=cpu&view=side")?;
    let apart = "(() => {
      const [before, after] = [...document.querySelectorAll('.layer')].map((layer) => layer.getBoundingClientRect());
      return (before.right <= after.left || before.bottom <= after.top)
        && before.width === after.width && Math.abs(before.width / before.height - 1.5) < 0.02
        && getComputedStyle(document.querySelector('.layer-after')).clipPath === 'none'
        && document.querySelector('#handle').hidden;
    })()";
    assert_eq!(page.browser.evaluate(apart)?, true);
    Ok(())
}

#[test]
fn buttons_wheel_and_keys_zoom_both_pictures_and_drags_move_them() -> Result<()> {
    let (mut page, _site) = with_result("?backend=cpu")?;
    page.wait_for("document.querySelector('#handle').getAttribute('aria-valuenow') === '50'")?;
    let scale = "[...document.querySelectorAll('.layer canvas')].map((canvas) => {
      const matrix = new DOMMatrix(getComputedStyle(canvas).transform);
      return [matrix.a, matrix.e, matrix.f].map((number) => number.toFixed(1)).join(' ');
    }).join(', ')";
    let place = page.place_of("#picture")?;
    page.click("#zoom-in")?;
    assert_eq!(page.browser.evaluate(scale)?, "1.5 0.0 0.0, 1.5 0.0 0.0");
    let middle = place.point(0.3, 0.5);
    let aside = (middle.0 + 20.0, middle.1 + 10.0);
    page.browser.draw_line("mouse", &[middle, aside])?;
    assert_eq!(
        page.browser.evaluate(scale)?,
        "1.5 20.0 10.0, 1.5 20.0 10.0"
    );
    // The drag moved the picture, not the divider.
    let divider = "document.querySelector('#handle').getAttribute('aria-valuenow')";
    assert_eq!(page.browser.evaluate(divider)?, "50");
    page.browser
        .evaluate("document.querySelector('#picture').focus()")?;
    page.browser.press_key("0", 0)?;
    assert_eq!(page.browser.evaluate(scale)?, "1.0 0.0 0.0, 1.0 0.0 0.0");
    let (x, y) = place.point(0.5, 0.5);
    let wheel = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -100,
        "modifiers": 2 });
    page.browser.call("Input.dispatchMouseEvent", wheel)?;
    page.wait_for("document.querySelector('#picture').hasAttribute('data-zoomed')")
}
