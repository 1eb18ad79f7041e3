//! Films: from a file through a model, and of a drawing's strokes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::axe::ensure_accessible;
use tests::browser::Graphics;
use tests::downloads::wait_for_download;
use tests::films::{Film, Seen, drop_files, look_at};
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;

const STATUS: &str = "document.querySelector('#status').textContent";
const CAPTION: &str = "document.querySelector('#caption').textContent";

const COLOURS: [[u8; 3]; 3] = [[220, 30, 30], [30, 200, 40], [20, 40, 230]];

fn three_colours() -> Film {
    Film {
        width: 320,
        height: 160,
        pace: 500,
        tells_its_length: true,
        colours: COLOURS.to_vec(),
    }
}

fn inverted(colours: &[[u8; 3]]) -> Vec<[u8; 3]> {
    let invert = |colour: &[u8; 3]| colour.map(|value| 255 - value);
    colours.iter().map(invert).collect()
}

fn open(mock: &Mock) -> Result<(Page, Site)> {
    let site = mock.site()?;
    let page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    Ok((page, site))
}

fn drop_film(page: &mut Page, film: &Film) -> Result<()> {
    let bytes = film.webm(&mut page.browser)?;
    drop_files(&mut page.browser, &[("walk.webm", "video/webm", &bytes)])
}

/// The file that the page saves when a button is pressed.
fn saved(page: &mut Page, button: &str) -> Result<PathBuf> {
    let folder = page.browser.scratch().join("saved");
    fs::create_dir_all(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.click(button)?;
    wait_for_download(&folder)
}

fn stem(path: &std::path::Path) -> Option<String> {
    path.file_stem()
        .map(|name| name.to_string_lossy().into_owned())
}

#[test]
fn a_film_is_translated_frame_by_frame_and_saved() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    let film = page.browser.scratch().join("walk.webm");
    let bytes = three_colours().webm(&mut page.browser)?;
    fs::write(&film, bytes)?;
    page.browser.choose_file("#file-input", &film)?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))?;
    assert_eq!(
        page.browser.evaluate(CAPTION)?,
        "walk.webm · 256 × 128, scaled down from 320 × 160 · without sound"
    );
    let shown = "(() => {
      const canvas = document.querySelector('#before');
      const [red, green, blue] = canvas.getContext('2d').getImageData(99, 9, 1, 1).data;
      return canvas.width === 256 && blue > 200 && red < 60 && green < 80;
    })()";
    assert_eq!(page.browser.evaluate(shown)?, true);
    ensure_accessible(&mut page.browser, "a translated film")?;
    let path = saved(&mut page, "#retry")?;
    assert_eq!(stem(&path).as_deref(), Some("walk-played-film"));
    page.wait_for(&format!(
        "{STATUS}.startsWith('Saved as walk-played-film.')"
    ))?;
    let seen = look_at(&mut page.browser, &path, &[(0.5, 0.5)])?;
    assert_eq!((seen.width, seen.height), (1024, 512));
    seen.ensure_order(0, &inverted(&COLOURS))
}

#[test]
fn frames_of_a_film_are_encoded_and_not_recorded_and_stand_at_their_times() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    page.browser.evaluate("delete window.MediaRecorder")?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))?;
    let path = saved(&mut page, "#retry")?;
    assert_eq!(path.extension().and_then(|end| end.to_str()), Some("mp4"));
    let seen = look_at(&mut page.browser, &path, &[(0.5, 0.5)])?;
    assert_eq!((seen.width, seen.height), (1024, 512));
    assert_eq!(seen.milliseconds, Some(1500));
    seen.ensure_order(0, &inverted(&COLOURS))?;
    // Twenty looks a second: each colour is there for half of one.
    let halves = seen.looks.chunks(10).map(|looks| Seen {
        looks: looks.to_vec(),
        ..seen.clone()
    });
    for (half, colour) in halves.zip(inverted(&COLOURS)) {
        half.ensure_order(0, &[colour])?;
    }
    Ok(())
}

#[test]
fn an_encoder_that_fails_is_named_and_another_try_begins() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    page.browser.evaluate(
        "VideoEncoder.prototype.flush = function () {
           this.close();
           return Promise.reject(new DOMException('It was told to fail.', 'EncodingError'));
         }",
    )?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))?;
    page.click("#retry")?;
    page.wait_for(&format!(
        "{STATUS} === 'The browser stopped encoding the film (It was told to fail.). Try again.'"
    ))?;
    let again = "document.querySelector('#retry').textContent";
    assert_eq!(page.browser.evaluate(again)?, "Try again");
    Ok(())
}

#[test]
fn a_film_that_does_not_tell_its_length_is_translated_to_its_end() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    let film = Film {
        tells_its_length: false,
        ..three_colours()
    };
    drop_film(&mut page, &film)?;
    // Its last frame begins after a second: nobody knows how long it is shown.
    page.wait_for(&format!("{STATUS}.endsWith(' frames translated.')"))?;
    let status = page.browser.evaluate(STATUS)?;
    let status = status.as_str().unwrap_or_default();
    let count = status.split(' ').rev().nth(2).unwrap_or_default();
    let count: u32 = count.parse()?;
    ensure!((30..=45).contains(&count), "{status}");
    let path = saved(&mut page, "#retry")?;
    let seen = look_at(&mut page.browser, &path, &[(0.5, 0.5)])?;
    let first = inverted(&COLOURS);
    seen.ensure_order(0, &first[..if count > 31 { 3 } else { 2 }])
}

#[test]
fn a_film_that_is_cancelled_keeps_the_frames_that_are_done() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo().play("delay", 400))?;
    let film = Film {
        pace: 40,
        colours: COLOURS.repeat(10),
        ..three_colours()
    };
    drop_film(&mut page, &film)?;
    page.wait_for(&format!("{STATUS} === 'Frame 3 of 36'"))?;
    page.click("#cancel")?;
    page.wait_for(&format!(
        "/^Cancelled. [2-9] of 36 frames translated.$/.test({STATUS})"
    ))?;
    let path = saved(&mut page, "#retry")?;
    let seen = look_at(&mut page.browser, &path, &[(0.5, 0.5)])?;
    ensure!(!seen.looks.is_empty());
    // And a photo takes its place.
    let site = Mock::photo().site()?;
    let mut page = Page::open_in(page.browser, &site.url("?backend=cpu"))?;
    let photo = page.browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(64, 64, 7), &photo)?;
    page.translate(&photo)?;
    Ok(())
}

#[test]
fn of_a_long_film_the_first_minute_is_translated_and_the_page_says_so() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo().play("delay", 300))?;
    let film = Film {
        pace: 10_000,
        colours: COLOURS.repeat(3),
        ..three_colours()
    };
    drop_film(&mut page, &film)?;
    page.wait_for(&format!("/^Frame .* of 1,800$/.test({STATUS})"))?;
    let caption = page.browser.evaluate(CAPTION)?;
    ensure!(
        caption
            .as_str()
            .is_some_and(|text| text.ends_with(" · the first 60 of 90 seconds · without sound")),
        "{caption}"
    );
    // A photo ends it.
    let photo = page.browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(64, 64, 7), &photo)?;
    assert_eq!(page.translate(&photo)?.dimensions(), (64, 64));
    Ok(())
}

#[test]
fn a_film_that_cannot_be_translated_is_refused_in_a_sentence() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    let sound = silence();
    let refusals: [(&str, &[u8], &str); 2] = [
        (
            "noise.mp4",
            b"no film",
            "is not a film that this browser can read",
        ),
        ("voice.webm", &sound, "has no pictures, only sound"),
    ];
    for (name, bytes, sentence) in refusals {
        drop_files(&mut page.browser, &[(name, "video/mp4", bytes)])?;
        page.wait_for(&format!(
            "document.querySelector('#message').textContent.startsWith('“{name}” {sentence}')"
        ))?;
        assert_eq!(page.error_code()?, "input-size");
    }
    drop_film(&mut page, &three_colours())?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))
}

#[test]
fn a_film_whose_element_tells_of_encryption_is_refused() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    page.browser.evaluate(
        "(() => {
           const create = document.createElement.bind(document);
           document.createElement = (name) => {
             const made = create(name);
             if (name === 'video') setTimeout(() => made.dispatchEvent(new Event('encrypted')));
             return made;
           };
         })()",
    )?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for("document.querySelector('#message').textContent.includes('is encrypted')")
}

#[test]
fn a_browser_that_makes_no_films_says_so_before_it_translates_one() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    page.browser
        .evaluate("delete window.VideoEncoder; delete window.MediaRecorder")?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for("document.querySelector('#message').textContent.includes('records no films')")?;
    assert_eq!(
        page.browser
            .evaluate("document.querySelector('#load').textContent")?,
        "Load model"
    );
    Ok(())
}

#[test]
fn a_film_is_recorded_only_while_the_page_is_seen() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    page.browser.evaluate(
        "(() => {
           delete window.VideoEncoder;
           window.MediaRecorder = class extends window.MediaRecorder {
             constructor(...all) { super(...all); window.recorder = this; }
           };
           window.hide = (isHidden) => {
             Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
             document.dispatchEvent(new Event('visibilitychange'));
           };
         })()",
    )?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))?;
    page.browser.evaluate(
        "document.querySelector('#status').textContent = '';
         new MutationObserver(() => {
           if (!document.querySelector('#status').textContent.startsWith('Recording the film: 1')) return;
           if (window.wasHidden) return;
           window.wasHidden = true;
           hide(true);
         }).observe(document.querySelector('#status'), { childList: true });",
    )?;
    let folder = page.browser.scratch().join("saved");
    fs::create_dir_all(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    page.browser
        .call_browser("Browser.setDownloadBehavior", behaviour)?;
    page.click("#retry")?;
    page.wait_for("window.wasHidden === true && window.recorder.state === 'paused'")?;
    page.browser.evaluate("hide(false)")?;
    let path = wait_for_download(&folder)?;
    let seen = look_at(&mut page.browser, &path, &[(0.5, 0.5)])?;
    seen.ensure_order(0, &inverted(&COLOURS))
}

#[test]
fn a_model_that_takes_drawings_says_that_it_takes_no_films() -> Result<()> {
    let (mut page, _site) = open(&Mock::lines())?;
    drop_film(&mut page, &three_colours())?;
    page.wait_for(
        "document.querySelector('#message').textContent.startsWith('This model takes drawings.')",
    )
}

#[test]
fn of_several_films_the_first_is_translated_and_the_page_says_so() -> Result<()> {
    let (mut page, _site) = open(&Mock::photo())?;
    let film = three_colours().webm(&mut page.browser)?;
    let files: [(&str, &str, &[u8]); 2] = [
        ("one.webm", "video/webm", &film),
        ("two.webm", "video/webm", &film),
    ];
    drop_files(&mut page.browser, &files)?;
    page.wait_for(&format!("{STATUS}.endsWith(' 45 frames translated.')"))?;
    page.wait_for(&format!(
        "{CAPTION}.startsWith('one.webm ') && {CAPTION}.endsWith('the first of 2 files')"
    ))
}

#[test]
fn a_drawing_becomes_a_film_of_its_strokes_and_what_became_of_them() -> Result<()> {
    let (mut page, _site) = open(&Mock::labels())?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    let hidden = "document.querySelector('#film').hidden";
    assert_eq!(page.browser.evaluate(hidden)?, true);
    let place = page.place_of(".drawing")?;
    let mut rectangle = |label: &str, from: (f64, f64), to: (f64, f64)| -> Result<()> {
        page.click(".tool-set input[value=rectangle]")?;
        page.click(&format!(".palette input[value={label}]"))?;
        let ends = [place.point(from.0, from.1), place.point(to.0, to.1)];
        page.browser.draw_line("mouse", &ends)?;
        page.wait_for("document.body.dataset.state === 'done'")
    };
    rectangle("wall", (0.0, 0.0), (0.5, 1.0))?;
    rectangle("window", (0.5, 0.0), (1.0, 1.0))?;
    rectangle("wall", (0.5, 0.0), (1.0, 1.0))?;
    page.click(".tool[aria-label=Undo]")?;
    page.wait_for(&format!(
        "document.body.dataset.state === 'done' && !{hidden}"
    ))?;
    ensure_accessible(&mut page.browser, "a drawing that can be saved as a film")?;
    let path = saved(&mut page, "#film")?;
    assert_eq!(stem(&path).as_deref(), Some("drawing-played-film"));
    page.wait_for(&format!(
        "{STATUS}.startsWith('Saved as drawing-played-film.') && !document.querySelector('#draw').inert"
    ))?;
    let places = [(0.1, 0.5), (0.4, 0.5), (0.6, 0.5), (0.9, 0.5)];
    let seen = look_at(&mut page.browser, &path, &places)?;
    assert_eq!((seen.width, seen.height), (1056, 512));
    let (ground, wall, window) = ([0, 0, 170], [10, 200, 30], [250, 120, 5]);
    seen.ensure_order(0, &[ground, wall])?;
    // What was undone is not in it.
    seen.ensure_order(1, &[ground, window])?;
    seen.ensure_order(2, &inverted(&[ground, wall]))?;
    seen.ensure_order(3, &inverted(&[ground, window]))
}

#[test]
fn a_line_grows_in_the_film_of_a_drawing_whose_picture_is_the_latest() -> Result<()> {
    // So slow that the drawing is ahead of its picture when the film begins.
    let (mut page, _site) = open(&Mock::labels().play("delay", 150))?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    let place = page.place_of(".drawing")?;
    let line: Vec<_> = (0..20)
        .map(|step| place.point(0.05 + 0.9 * f64::from(step) / 19.0, 0.5))
        .collect();
    page.browser.draw_line("mouse", &line)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let path = saved(&mut page, "#film")?;
    page.wait_for(&format!("{STATUS}.startsWith('Saved as ')"))?;
    assert_eq!(
        page.result()?.get_pixel(118, 64).0,
        [245, 55, 225, 255],
        "the end of the line"
    );
    let seen = look_at(&mut page.browser, &path, &[(0.1, 0.5), (0.4, 0.5)])?;
    let begins = |place: usize| {
        let mut looks = seen.looks.iter();
        let is_ground = |colour: &[u8; 3]| colour[2] > 120 && colour[1] < 60;
        looks.position(|look| look.get(place).is_some_and(|colour| !is_ground(colour)))
    };
    let (left, right) = (begins(0), begins(1));
    ensure!(
        left.is_some() && right.is_some() && left < right,
        "{left:?} {right:?}"
    );
    Ok(())
}

/// A tenth of a second of silence, as a WAV file.
fn silence() -> Vec<u8> {
    let samples = vec![128_u8; 800];
    let length = samples.len() as u32;
    [
        b"RIFF".as_slice(),
        &(36 + length).to_le_bytes(),
        b"WAVEfmt ",
        &16_u32.to_le_bytes(),
        &[1, 0, 1, 0],
        &8000_u32.to_le_bytes(),
        &8000_u32.to_le_bytes(),
        &[1, 0, 8, 0],
        b"data",
        &length.to_le_bytes(),
        &samples,
    ]
    .concat()
}
