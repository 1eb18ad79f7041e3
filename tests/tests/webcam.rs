//! The camera: translated live, and off as soon as nobody looks.

use anyhow::{Result, ensure};
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::page::Page;
use tests::site::Site;

const FAKE_CAMERA: [&str; 2] = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
];
/// Keeps the camera's stream where the test finds it.
const WATCH_CAMERA: &str = "(() => {
  const media = navigator.mediaDevices;
  const open = media.getUserMedia.bind(media);
  media.getUserMedia = async (wanted) => (window.camera = await open(wanted));
})()";
const IS_ON: &str = "window.camera.getTracks().some((track) => track.readyState === 'live')";
const SHOWS_FRAMES: &str = "Number(document.body.dataset.fps) > 0";

fn with_camera_on() -> Result<(Page, Site)> {
    let site = Mock::photo().play("delay", 20).site()?;
    let browser = Browser::start_with(Graphics::None, &FAKE_CAMERA)?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    page.browser.evaluate(WATCH_CAMERA)?;
    page.click("#modes input[value=webcam]")?;
    page.wait_for("!document.querySelector('#camera').hidden")?;
    page.click("#camera")?;
    page.wait_for(SHOWS_FRAMES)?;
    Ok((page, site))
}

#[test]
fn the_camera_is_translated_frame_by_frame_with_the_frames_counted() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    let status =
        "/^[\\d.]+ frames per second$/.test(document.querySelector('#status').textContent)";
    page.wait_for(status)?;
    // Chromium's fake camera moves, so that frames differ.
    let first = page.result()?;
    let number = "window.pix2pixDemo.resultPixels().data.reduce((sum, value) => sum + value, 0)";
    let before = page.browser.evaluate(number)?;
    page.wait_for(&format!("{number} !== {before}"))?;
    assert_eq!(first.dimensions(), (128, 128));
    let translated = "(() => {
      const canvas = document.querySelector('#before');
      const before = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return window.pix2pixDemo.resultPixels().data.every((value, at) => at % 4 === 3 || value === 255 - before[at]);
    })()";
    assert_eq!(page.browser.evaluate(translated)?, true);
    Ok(())
}

#[test]
fn the_camera_goes_off_when_it_is_stopped_and_when_it_is_left() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    assert_eq!(page.browser.evaluate(IS_ON)?, true);
    page.click("#stop")?;
    assert_eq!(page.browser.evaluate(IS_ON)?, false);
    page.wait_for("!document.querySelector('#retry').hidden")?;
    page.click("#retry")?;
    page.wait_for(IS_ON)?;
    page.click("#modes input[value=photo]")?;
    page.wait_for("document.body.dataset.mode === 'photo'")?;
    assert_eq!(page.browser.evaluate(IS_ON)?, false);
    Ok(())
}

#[test]
fn what_is_saved_is_larger_than_the_film_and_the_note_on_it_stays() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    page.click("#save")?;
    let note = "document.querySelector('#status').textContent === 'Saved as webcam-played.png.'";
    page.wait_for(note)?;
    // The film is over, so that nothing writes over the note.
    assert_eq!(page.browser.evaluate(IS_ON)?, false);
    assert_eq!(page.result()?.dimensions(), (512, 512));
    assert_eq!(page.browser.evaluate(note)?, true);
    page.click("#retry")?;
    page.wait_for(IS_ON)?;
    page.wait_for("window.pix2pixDemo.resultPixels().width === 128")?;
    page.click("#stop")?;
    page.wait_for("document.querySelector('#status').textContent === 'The camera is off.'")?;
    assert_eq!(page.result()?.dimensions(), (512, 512));
    // Another model does not leave the page without a way to go on.
    page.click("#backends input[value=auto]")?;
    page.wait_for("!document.querySelector('#camera').hidden")
}

#[test]
fn without_a_camera_there_is_a_sentence_and_photos_go_on() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.click("#modes input[value=webcam]")?;
    page.wait_for("!document.querySelector('#camera').hidden")?;
    page.click("#camera")?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    assert_eq!(page.error_code()?, "camera");
    ensure!(page.message()?.split_whitespace().count() > 4);
    page.click("#modes input[value=photo]")?;
    let path = page.browser.scratch().join("picture.png");
    tests::pictures::save(&tests::pictures::scene(64, 64, 7), &path)?;
    page.translate(&path)?;
    Ok(())
}
