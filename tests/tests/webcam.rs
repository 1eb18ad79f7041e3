//! The camera: translated live, and off as soon as nobody looks.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::browser::{Browser, Graphics};
use tests::downloads::wait_for_download;
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
    // It may have been about to start.
    page.wait_for(&format!("!{IS_ON}"))
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
fn a_film_of_before_and_after_is_saved_also_when_the_camera_goes_off() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    let folder = page.browser.scratch().join("saved");
    std::fs::create_dir(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.click("#record")?;
    page.wait_for("document.querySelector('#status').textContent.startsWith('Recording, 1 s.')")?;
    page.click("#stop")?;
    let film = wait_for_download(&folder)?;
    let name = film.file_stem().map(|name| name.to_string_lossy());
    assert_eq!(name.as_deref(), Some("webcam-played-film"));
    let hidden = "document.querySelector('#record').hidden";
    assert_eq!(page.browser.evaluate(hidden)?, true);
    // The page's own policy shows no films.
    page.browser.go_to("about:blank")?;
    let bytes = std::fs::read(&film)?;
    page.browser.evaluate(&format!(
        "(async () => {{
           const video = document.createElement('video');
           video.src = URL.createObjectURL(new Blob([new Uint8Array({bytes:?})]));
           video.muted = true;
           await video.play();
           await new Promise((resolve) => setTimeout(resolve, 300));
           const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
           const context = canvas.getContext('2d');
           context.drawImage(video, 0, 0);
           const at = (x) => context.getImageData(x, 256, 1, 1).data;
           window.film = {{ width: canvas.width, height: canvas.height, sums: [] }};
           for (let x = 20; x < 500; x += 20) window.film.sums.push(at(x)[1] + at(x + 520)[1]);
         }})()"
    ))?;
    let film = page.browser.evaluate("window.film")?;
    assert_eq!(
        (&film["width"], &film["height"]),
        (&json!(1032), &json!(512))
    );
    // The played model inverts; films are compressed, edges most.
    let sums = film["sums"].as_array().into_iter().flatten();
    let inverted = sums.filter(|sum| sum.as_f64().is_some_and(|sum| (sum - 255.0).abs() < 30.0));
    ensure!(inverted.count() > 16, "{film}");
    Ok(())
}

#[test]
fn a_film_that_ended_by_itself_is_saved_as_well() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    page.browser.evaluate(
        "window.MediaRecorder = class extends window.MediaRecorder {
           constructor(...all) { super(...all); window.recorder = this; }
         }; null",
    )?;
    page.click("#record")?;
    page.wait_for("document.querySelector('#status').textContent.startsWith('Recording, 1 s.')")?;
    page.browser.evaluate("window.recorder.stop()")?;
    page.click("#record")?;
    page.wait_for(
        "document.querySelector('#caption').textContent.startsWith('Saved as webcam-played-film.')",
    )?;
    page.wait_for(
        "window.recorder.stream.getTracks().every(({ readyState }) => readyState === 'ended')",
    )
}

#[test]
fn a_browser_that_records_no_films_says_so() -> Result<()> {
    let (mut page, _site) = with_camera_on()?;
    page.browser.evaluate("delete window.MediaRecorder")?;
    page.click("#record")?;
    page.wait_for("document.querySelector('#caption').textContent.includes('records no films')")?;
    assert_eq!(page.browser.evaluate(IS_ON)?, true);
    Ok(())
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
