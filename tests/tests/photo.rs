//! Photos: what becomes of them with other models, in other modes, and when they are sharp already.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::browser::Graphics;
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;

const DONE: &str = "document.body.dataset.state === 'done'";

/// A photo in the browser's own folder.
fn photo(page: &Page, width: u32, height: u32) -> Result<PathBuf> {
    let path = page.browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(width, height, 7), &path)?;
    Ok(path)
}

fn text(page: &mut Page, selector: &str) -> Result<String> {
    let text = format!("document.querySelector('{selector}').textContent");
    let text = page.browser.evaluate(&text)?;
    Ok(text.as_str().context("text")?.to_owned())
}

fn sharpening() -> Mock {
    Mock::photo().with("/task", json!("deblur"))
}

#[test]
fn a_sharp_photo_gets_a_word_and_a_soft_copy_of_any_size() -> Result<()> {
    let site = sharpening().play("same", true).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 3000, 2000)?;
    page.submit(&path)?;
    assert_eq!(page.state()?, "done");
    let status = text(&mut page, "#status")?;
    ensure!(status.contains("Hardly anything changed"), "{status}");
    let soft = page.try_again()?;
    assert_eq!(soft.dimensions(), (512, 341));
    let caption = text(&mut page, "#caption")?;
    ensure!(caption.contains("softened, of 3,000 × 2,000"), "{caption}");
    // Without the box, the photo is whole again.
    page.click("#blur")?;
    page.wait_for(&format!(
        "{DONE} && window.pix2pixDemo.resultPixels()?.width === 3000"
    ))?;
    let small = photo(&page, 300, 200)?;
    let sharp = page.translate(&small)?;
    page.click("#blur")?;
    page.wait_for("document.querySelector('#caption').textContent.includes('softened')")?;
    page.wait_for(DONE)?;
    let soft = page.result()?;
    ensure!(pictures::difference(&sharp, &soft)?.mean > 1.0, "no blur");
    Ok(())
}

#[test]
fn a_model_that_restores_photos_offers_a_soft_copy_too() -> Result<()> {
    let restoring = Mock::photo().with("/task", json!("restore"));
    let site = restoring.play("same", true).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 600, 400)?;
    page.submit(&path)?;
    let status = text(&mut page, "#status")?;
    ensure!(status.contains("Hardly anything changed"), "{status}");
    assert_eq!(page.try_again()?.dimensions(), (512, 341));
    Ok(())
}

#[test]
fn a_photo_that_changed_gets_no_such_word() -> Result<()> {
    let site = sharpening().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 300, 200)?;
    page.translate(&path)?;
    let status = text(&mut page, "#status")?;
    ensure!(status.contains("Drag across the picture"), "{status}");
    ensure!(
        page.browser
            .evaluate("document.querySelector('#retry').hidden")?
            == true
    );
    Ok(())
}

#[test]
fn of_a_large_photo_the_page_says_where_to_look() -> Result<()> {
    let site = sharpening().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 1300, 1200)?;
    page.translate(&path)?;
    let status = text(&mut page, "#status")?;
    ensure!(status.contains("zoom in"), "{status}");
    assert_eq!(text(&mut page, "#retry")?, "Try a soft copy");
    Ok(())
}

#[test]
fn a_soft_copy_is_not_taken_along_to_a_model_that_offers_none() -> Result<()> {
    let site = sharpening().site_beside(&[("other", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 300, 200)?;
    let sharp = page.translate(&path)?;
    page.click("#blur")?;
    page.wait_for("document.querySelector('#caption').textContent.includes('softened')")?;
    page.click("#models input[value=other]")?;
    page.wait_for("!document.querySelector('#caption').textContent.includes('softened')")?;
    page.wait_for(DONE)?;
    assert_eq!(pictures::difference(&page.result()?, &sharp)?.max, 0);
    Ok(())
}

#[test]
fn from_a_drawing_back_to_the_photo_everything_is_as_it_was() -> Result<()> {
    let site =
        Mock::photo().site_beside(&[("drawn", &Mock::lines()), ("second", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.click("#models input[value=second]")?;
    let path = photo(&page, 300, 200)?;
    page.translate(&path)?;
    page.click("#modes input[value=draw]")?;
    page.wait_for("document.body.dataset.mode === 'draw'")?;
    assert_eq!(text(&mut page, "#caption")?, "");
    page.click("#modes input[value=photo]")?;
    page.wait_for(&format!("document.body.dataset.mode === 'photo' && {DONE}"))?;
    assert_eq!(text(&mut page, "#caption")?, "photo.png · 300 × 200");
    let model = "document.querySelector('#models :checked').value";
    assert_eq!(page.browser.evaluate(model)?, "second");
    Ok(())
}

#[test]
fn the_picture_among_several_files_goes_onto_the_drawing_board_and_the_page_says_so() -> Result<()>
{
    let site = Mock::lines().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let drop = "(async () => {
      const transfer = new DataTransfer();
      for (const [name, width] of [['notes.txt', 0], ['first.png', 40], ['more.txt', 0]]) {
        const canvas = new OffscreenCanvas(width || 1, 30);
        canvas.getContext('2d');
        transfer.items.add(new File([await canvas.convertToBlob()], name, { type: width ? 'image/png' : 'text/plain' }));
      }
      document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    })()";
    page.browser.evaluate(drop)?;
    page.wait_for(DONE)?;
    let caption = text(&mut page, "#caption")?;
    assert_eq!(caption, "the first of 3 files");
    Ok(())
}

#[test]
fn a_photo_of_one_pixel_is_seen() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = photo(&page, 1, 1)?;
    page.translate(&path)?;
    let place = page.place_of("#picture")?;
    ensure!(place.width >= 100.0 && place.height >= 100.0, "{place:?}");
    Ok(())
}

#[test]
fn formats_that_are_refused_are_not_offered() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let accept = "document.querySelector('#file-input').accept.split(',').join(' ')";
    let accept = page.browser.evaluate(accept)?;
    let accept = accept.as_str().context("text")?;
    ensure!(
        !accept.contains("image/*") && !accept.contains("svg"),
        "{accept}"
    );
    // What is offered can be decoded here, or is no picture.
    for kind in ["png", "jpeg", "webp"] {
        ensure!(accept.contains(kind), "{accept}");
    }
    let path = page.browser.scratch().join("drawing.svg");
    std::fs::write(&path, "<svg xmlns='http://www.w3.org/2000/svg'/>")?;
    page.submit(&path)?;
    let message = page.message()?;
    ensure!(message.contains("PNG, JPEG, WebP"), "{message}");
    Ok(())
}

#[test]
fn a_model_that_sees_no_colours_is_shown_none_before() -> Result<()> {
    let grey = Mock::photo().with(
        "/input",
        json!({ "multiple_of": 128, "mode": "photo", "range": [-1, 1], "encoding": "lightness" }),
    );
    let site = grey.site_beside(&[("coloured", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu&view=side"), Graphics::None)?;
    let path = photo(&page, 300, 200)?;
    page.translate(&path)?;
    for (model, is_grey) in [("played", true), ("coloured", false)] {
        page.click(&format!("#models input[value={model}]"))?;
        page.wait_for(&format!(
            "document.querySelector('#picture').hasAttribute('data-grey') === {is_grey} && {DONE}"
        ))?;
        for (layer, should_be_grey) in [("#before", is_grey), ("#result", false)] {
            let (x, y) = page.place_of(layer)?.point(0.5, 0.2);
            let shown = image::load_from_memory(&page.browser.screenshot()?)?.into_rgb8();
            let [red, green, blue] = shown.get_pixel(x as u32, y as u32).0;
            let spread = red.max(green).max(blue) - red.min(green).min(blue);
            ensure!(
                (spread < 3) == should_be_grey,
                "{model} {layer}: {red} {green} {blue}"
            );
        }
    }
    Ok(())
}
