//! Several photos at once: one archive of results, whatever is among them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use image::{ImageFormat, RgbImage};
use serde_json::json;
use tests::axe::ensure_accessible;
use tests::browser::Graphics;
use tests::downloads::wait_for_download;
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;

const STATUS: &str = "document.querySelector('#status').textContent";

/// Decodes the first picture from now on when `window.release` is called.
const HOLD_FIRST: &str = "(() => {
  const decode = window.createImageBitmap;
  const released = new Promise((resolve) => { window.release = resolve; });
  window.createImageBitmap = async (...all) => {
    window.createImageBitmap = decode;
    window.isHeld = true;
    await released;
    const bitmap = await decode(...all);
    setTimeout(() => { window.isLate = true; });
    return bitmap;
  };
})()";

/// Photos in a folder of the browser's, of which "broken.jpg" is none.
fn photos(page: &Page, names: &[&str]) -> Result<Vec<PathBuf>> {
    let write = |(seed, name): (usize, &&str)| {
        let path = page.browser.scratch().join(name);
        if *name == "broken.jpg" {
            fs::write(&path, "no photo")?;
        } else {
            pictures::save(&scene(seed)?, &path)?;
        }
        Ok(path)
    };
    names.iter().enumerate().map(write).collect()
}

fn scene(seed: usize) -> Result<RgbImage> {
    Ok(pictures::scene(60, 40, u32::try_from(seed)?))
}

/// The archive that the page offers, by the names in it.
fn archive(page: &mut Page) -> Result<BTreeMap<String, RgbImage>> {
    let folder = page.browser.scratch().join("saved");
    fs::create_dir_all(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.wait_for("document.querySelector('#retry').textContent === 'Save them as .zip'")?;
    page.click("#retry")?;
    let path = wait_for_download(&folder)?;
    ensure!(path.ends_with("played-results.zip"), "{path:?}");
    let mut archive = zip::ZipArchive::new(Cursor::new(fs::read(path)?))?;
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let picture = image::load_from_memory(&bytes)?.into_rgb8();
        found.insert(file.name()?.into_owned(), picture);
    }
    Ok(found)
}

#[test]
fn several_photos_become_one_archive_and_a_bad_one_is_named_and_left_out() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = photos(&page, &["a.png", "broken.jpg", "b.png", "c.jpg"])?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!("{STATUS}.includes('3 of 4 photos translated')"))?;
    let caption = page
        .browser
        .evaluate("document.querySelector('#caption').textContent")?;
    ensure!(
        caption
            .as_str()
            .is_some_and(|text| text.starts_with("Left out: “broken.jpg” is not a picture")),
        "{caption}"
    );
    ensure_accessible(&mut page.browser, "an archive of results")?;
    let found = archive(&mut page)?;
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.png", "b.png", "c.jpg"]);
    for (name, seed) in [("a.png", 0), ("b.png", 2)] {
        let result = found.get(name).context("a result")?;
        let before = scene(seed)?;
        let mut pixels = result.pixels().zip(before.pixels());
        ensure!(
            pixels.all(|(after, before)| after.0 == before.0.map(|value| 255 - value)),
            "{name}"
        );
    }
    Ok(())
}

#[test]
fn a_batch_that_is_cancelled_keeps_what_is_done_and_another_photo_takes_its_place() -> Result<()> {
    let site = Mock::photo().play("delay", 300).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = photos(
        &page,
        &["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"],
    )?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!("{STATUS}.startsWith('Photo 3 of 6')"))?;
    page.click("#cancel")?;
    page.wait_for(&format!(
        "{STATUS} === 'Cancelled. 2 of 6 photos translated.'"
    ))?;
    let names: Vec<_> = archive(&mut page)?.into_keys().collect();
    assert_eq!(names, ["a.png", "b.png"]);
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!("{STATUS}.startsWith('Photo 1 of 6')"))?;
    let result = page.translate(&files[1])?;
    let before = scene(1)?;
    assert_eq!(
        result.get_pixel(0, 0).0[0],
        255 - before.get_pixel(0, 0).0[0]
    );
    Ok(())
}

#[test]
fn photos_of_one_name_get_names_of_their_own_in_the_archive() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let mut png = Cursor::new(Vec::new());
    scene(1)?.write_to(&mut png, ImageFormat::Png)?;
    let drop = format!(
        "(() => {{ const transfer = new DataTransfer();
          for (const name of ['one.png', 'one.png', 'no<na:me.png'])
            transfer.items.add(new File([new Uint8Array({:?})], name, {{ type: 'image/png' }}));
          document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true }})); }})()",
        png.into_inner()
    );
    page.browser.evaluate(&drop)?;
    let names: Vec<_> = archive(&mut page)?.into_keys().collect();
    assert_eq!(names, ["no-na-me.png", "one-2.png", "one.png"]);
    Ok(())
}

#[test]
fn a_photo_of_a_batch_that_was_left_does_not_come_over_the_next_one() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = photos(&page, &["a.png", "b.png"])?;
    let next = page.browser.scratch().join("next.png");
    pictures::save(&pictures::scene(90, 30, 5), &next)?;
    page.browser.evaluate(HOLD_FIRST)?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for("window.isHeld === true")?;
    page.translate(&next)?;
    page.browser.evaluate("window.release()")?;
    page.wait_for("window.isLate === true")?;
    let shown =
        "[document.querySelector('#before').width, document.querySelector('#result').hidden]";
    assert_eq!(page.browser.evaluate(shown)?, json!([90, false]));
    Ok(())
}

#[test]
fn what_is_done_is_offered_also_when_the_next_photo_fails() -> Result<()> {
    let site = Mock::photo().play("fail", json!(["", "weights"])).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = photos(&page, &["a.png", "b.png", "c.png"])?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!(
        "{STATUS} === 'It was told to fail with weights. 1 of 3 photos translated.'"
    ))?;
    let names: Vec<_> = archive(&mut page)?.into_keys().collect();
    assert_eq!(names, ["a.png"]);
    Ok(())
}

#[test]
fn a_batch_that_comes_while_a_photo_is_opened_goes_on_with_another_back_end() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = photos(&page, &["a.png", "b.png"])?;
    page.browser.evaluate(HOLD_FIRST)?;
    page.browser.choose_files("#file-input", &files[..1])?;
    page.wait_for("window.isHeld === true")?;
    page.browser.choose_files("#file-input", &files)?;
    let is_done = format!("{STATUS}.endsWith(' 2 photos translated.')");
    page.wait_for(&is_done)?;
    page.browser.evaluate("window.release()")?;
    page.wait_for("window.isLate === true")?;
    page.browser.evaluate(&format!("{STATUS} = ''"))?;
    page.click("#backends input[value=auto]")?;
    page.wait_for(&is_done)
}

#[test]
fn several_pictures_become_one_archive_also_for_a_drawing_model_and_the_drawing_is_one_step_back()
-> Result<()> {
    let site = Mock::labels().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    page.click(".tool-set input[value=rectangle]")?;
    page.click(".palette input[value=wall]")?;
    let place = page.place_of(".drawing")?;
    let ends = [place.point(0.0, 0.0), place.point(1.0, 1.0)];
    page.browser.draw_line("mouse", &ends)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let files = photos(&page, &["a.png", "broken.jpg", "b.png"])?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!("{STATUS}.includes('2 of 3 photos translated')"))?;
    assert_eq!(
        page.browser
            .evaluate("document.querySelector('#draw').inert")?,
        false
    );
    ensure_accessible(&mut page.browser, "pictures of a drawing model")?;
    let found = archive(&mut page)?;
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.png", "b.png"]);
    for (name, seed) in [("a.png", 0), ("b.png", 2)] {
        let result = found.get(name).context("a result")?;
        assert_eq!(result.dimensions(), (128, 128));
        // Ground above, where the square is larger than the picture; then the picture, inverted.
        assert_eq!(result.get_pixel(0, 0).0, [255, 255, 85], "{name}");
        let before = scene(seed)?;
        let corner = before.get_pixel(59, 20).0.map(|value| 255 - value);
        assert_eq!(result.get_pixel(127, 64).0, corner, "{name}");
    }
    page.click(".tool[aria-label=Undo]")?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    assert_eq!(page.result()?.get_pixel(64, 64).0, [245, 55, 225, 255]);
    Ok(())
}

#[test]
fn pictures_for_a_drawing_model_that_are_cancelled_keep_what_is_done() -> Result<()> {
    let site = Mock::labels().play("delay", 300).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    let files = photos(&page, &["a.png", "b.png", "c.png", "d.png"])?;
    page.browser.choose_files("#file-input", &files)?;
    page.wait_for(&format!("{STATUS}.startsWith('Photo 3 of 4')"))?;
    page.click("#cancel")?;
    page.wait_for(&format!(
        "{STATUS} === 'Cancelled. 2 of 4 photos translated.'"
    ))?;
    let names: Vec<_> = archive(&mut page)?.into_keys().collect();
    assert_eq!(names, ["a.png", "b.png"]);
    Ok(())
}
