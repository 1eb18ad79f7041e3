//! What the page opens with: a sample and what became of it, before anything of a model is loaded; and
//! the cards, which show the same.

use std::fs;
use std::io::Cursor;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use tests::browser::{Browser, Graphics};
use tests::mock::{MODEL, Mock};
use tests::net_log::NetLog;
use tests::page::Page;
use tests::pictures;
use tests::site::{Fault, Site};
use xtask::workspace;

const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes of a picture that comes before anybody asks for anything.
const SMALL: u64 = 30_000;
/// Nothing like what the played model makes of anything.
const PICTURE: [u8; 3] = [200, 30, 90];
/// A line from left to right, and one from top to bottom that comes later.
const DRAWING: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 128 128' width='128' height='128' \
    fill='none' stroke='#000' stroke-width='6'><path d='M10 64H118'/><g id='later'><path d='M64 10V118'/></g></svg>";

/// Ends when a second has gone by without a request.
const UNTIL_QUIET: &str = "new Promise((resolve) => {
  let timer = setTimeout(resolve, 1000);
  new PerformanceObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(resolve, 1000);
  }).observe({ type: 'resource' });
})";

fn png(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// A page whose only model opens with a sample.
fn site(mock: &Mock, sample: (&str, Vec<u8>)) -> Result<Site> {
    let (name, bytes) = sample;
    let entry =
        json!({ "manifest": format!("{MODEL}/manifest.json"), "title": "Played", "opening": name });
    let inside = |path: &str| format!("models/{MODEL}/{path}");
    let picture = png(&RgbImage::from_pixel(128, 128, Rgb(PICTURE)))?;
    let mut files = vec![
        (
            "models/index.json".to_owned(),
            json!({ "models": [entry] }).to_string().into_bytes(),
        ),
        (inside(name), bytes),
    ];
    for shown in ["opening", "thumbnail", "sheet"] {
        files.push((inside(&format!("pictures/{shown}.webp")), picture.clone()));
    }
    mock.site()?.with_files(&files)
}

fn open(site: &Site) -> Result<Page> {
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    Ok(page)
}

/// Requests for a model or for the program that runs it.
fn loads(site: &Site) -> usize {
    let requests = site.requests();
    let of_model = |path: &&String| path.ends_with("weights.bin") || path.ends_with(".wasm");
    requests.iter().filter(of_model).count()
}

/// The colour of a canvas, in shares of its sides.
fn colour(page: &mut Page, canvas: &str, across: f64, down: f64) -> Result<Value> {
    page.browser.evaluate(&format!(
        "(() => {{ const canvas = document.querySelector('{canvas}');
          const at = [canvas.width * {across}, canvas.height * {down}].map(Math.floor);
          return [...canvas.getContext('2d').getImageData(...at, 1, 1).data].slice(0, 3); }})()"
    ))
}

#[test]
fn a_photo_model_opens_with_a_sample_beside_its_picture_and_nothing_is_loaded() -> Result<()> {
    let scene = pictures::scene(128, 128, 3);
    let site = site(&Mock::photo(), ("samples/scene.png", png(&scene)?))?;
    let mut page = open(&site)?;
    assert_eq!(
        colour(&mut page, "#before", 0.5, 0.25)?,
        json!(scene.get_pixel(64, 32).0)
    );
    assert_eq!(colour(&mut page, "#result", 0.5, 0.5)?, json!(PICTURE));
    let shown = "['#picture', '#handle', '#another', '#keep', '#invitation'].map((selector) =>
        !document.querySelector(selector).closest('[hidden]'))";
    assert_eq!(
        page.browser.evaluate(shown)?,
        json!([true, true, true, false, false])
    );
    assert_eq!(loads(&site), 0);
    // The visitor's own photo takes its place.
    let path = page.browser.scratch().join("photo.png");
    let photo = pictures::scene(96, 64, 8);
    pictures::save(&photo, &path)?;
    let result = page.translate(&path)?;
    assert_eq!(result.dimensions(), (96, 64));
    assert_eq!(
        result.get_pixel(5, 5).0[0],
        255 - photo.get_pixel(5, 5).0[0]
    );
    assert_eq!(
        page.browser
            .evaluate("document.querySelector('#another').textContent")?,
        "Another photo"
    );
    Ok(())
}

#[test]
fn another_back_end_or_mode_does_not_take_the_sample_away() -> Result<()> {
    let scene = pictures::scene(128, 128, 3);
    let site = site(&Mock::photo(), ("samples/scene.png", png(&scene)?))?;
    let mut page = open(&site)?;
    let is_shown = "!document.querySelector('#result').hidden
        && getComputedStyle(document.querySelector('#stage')).display !== 'none'
        && document.body.dataset.mode === 'photo'";
    page.click("#backends input[value=auto]")?;
    page.wait_for(is_shown)?;
    page.click("#modes input[value=webcam]")?;
    page.wait_for("!document.querySelector('#camera').hidden")?;
    assert_eq!(page.browser.evaluate(is_shown)?, false);
    page.click("#modes input[value=photo]")?;
    page.wait_for(is_shown)?;
    assert_eq!(colour(&mut page, "#result", 0.5, 0.5)?, json!(PICTURE));
    assert_eq!(loads(&site), 0);
    Ok(())
}

#[test]
fn a_begun_drawing_completes_itself_at_the_first_touch_and_is_translated() -> Result<()> {
    let site = site(&Mock::lines(), ("samples/cross.svg", DRAWING.into()))?;
    let mut page = open(&site)?;
    let (black, white) = (json!([0, 0, 0]), json!([255, 255, 255]));
    assert_eq!(colour(&mut page, ".drawing", 0.25, 0.5)?, black);
    assert_eq!(colour(&mut page, ".drawing", 0.5, 0.25)?, white);
    assert_eq!(
        colour(&mut page, ".sheet:last-child canvas", 0.5, 0.5)?,
        json!(PICTURE)
    );
    assert_eq!(
        page.browser
            .evaluate("document.querySelector('.line-width input').value")?,
        "6"
    );
    assert_eq!(loads(&site), 0);
    let touched = page.place_of(".drawing")?.point(0.2, 0.2);
    page.browser.draw_line("mouse", &[touched])?;
    page.wait_for(
        "document.body.dataset.state === 'done' && !document.querySelector('.draw').hasAttribute('data-busy')
         && document.querySelector('[aria-label=Undo]').disabled === false",
    )?;
    let result = page.result()?;
    let at = |x: u32, y: u32| result.get_pixel(x, y).0[0];
    assert_eq!(
        at(64, 32),
        255,
        "the played model inverts the stroke that was missing"
    );
    assert_eq!(at(64, 110), 255, "down to its end");
    // A tap leaves no dot.
    assert_eq!(colour(&mut page, ".drawing", 0.2, 0.2)?, white);
    Ok(())
}

#[test]
fn a_drawing_that_is_cleared_is_not_completed() -> Result<()> {
    let site = site(&Mock::lines(), ("samples/cross.svg", DRAWING.into()))?;
    let mut page = open(&site)?;
    page.click("[aria-label=Clear]")?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    let place = page.place_of(".drawing")?;
    page.browser
        .draw_line("mouse", &[place.point(0.2, 0.2), place.point(0.3, 0.2)])?;
    page.wait_for("document.querySelector('[aria-label=Undo]').disabled === false")?;
    page.browser
        .evaluate("new Promise((resolve) => setTimeout(resolve, 1500))")?;
    assert_eq!(colour(&mut page, ".drawing", 0.25, 0.2)?, json!([0, 0, 0]));
    assert_eq!(
        colour(&mut page, ".drawing", 0.5, 0.25)?,
        json!([255, 255, 255])
    );
    Ok(())
}

#[test]
fn pictures_that_are_missing_leave_the_page_as_it_is_without_them() -> Result<()> {
    let scene = pictures::scene(128, 128, 3);
    let site = site(&Mock::photo(), ("samples/scene.png", png(&scene)?))?;
    site.spoil(
        &format!("models/{MODEL}/pictures/opening.webp"),
        Fault::Missing,
    );
    let mut page = open(&site)?;
    assert_eq!(page.state()?, "empty");
    assert_eq!(page.message()?, "");
    let invited = "!document.querySelector('#invitation').hidden";
    assert_eq!(page.browser.evaluate(invited)?, true);
    Ok(())
}

#[test]
fn a_card_shows_input_and_output_and_keeps_figures_and_samples_behind_its_details() -> Result<()> {
    let scene = pictures::scene(128, 128, 3);
    let mock = Mock::photo().with("/training/metrics", json!({}));
    let site = site(&mock, ("samples/scene.png", png(&scene)?))?;
    let mut page = open(&site)?;
    page.wait_for("document.querySelector('.card label img').complete")?;
    let asked = |what: &str| site.requests().iter().any(|path| path.ends_with(what));
    ensure!(asked("pictures/thumbnail.webp") && !asked("pictures/sheet.webp"));
    let is_seen = "document.querySelector('.card-facts').checkVisibility()";
    assert_eq!(page.browser.evaluate(is_seen)?, false);
    page.click(".card summary")?;
    page.wait_for(is_seen)?;
    page.wait_for(
        "document.querySelector('.card details img').complete
        && document.querySelector('.card details img').naturalWidth === 128",
    )?;
    ensure!(asked("pictures/sheet.webp"));
    tests::axe::ensure_accessible(&mut page.browser, "a card with its details")
}

#[test]
fn every_model_of_the_gallery_has_small_pictures_and_a_sample_to_open_with() -> Result<()> {
    let models = workspace::www().join("models");
    let index: Value = serde_json::from_str(&fs::read_to_string(models.join("index.json"))?)?;
    for entry in index["models"].as_array().context("a list")? {
        let text = |name: &str| {
            entry[name]
                .as_str()
                .with_context(|| format!("{name} of {entry}"))
        };
        let folder = models.join(text("manifest")?).with_file_name("");
        ensure!(
            !text("title")?.is_empty() && !text("summary")?.is_empty(),
            "{entry}"
        );
        ensure!(folder.join(text("opening")?).is_file(), "{entry}");
        let readme = fs::read_to_string(folder.join("README.md"))?;
        for part in [
            "## Training",
            "## Results",
            "## Limits",
            "## Licence",
            "\ntrainer train ",
        ] {
            ensure!(readme.contains(part), "README.md of {entry} lacks {part:?}");
        }
        for picture in ["opening", "thumbnail", "sheet"] {
            let path = folder.join(format!("pictures/{picture}.webp"));
            let bytes = fs::metadata(&path)
                .with_context(|| path.display().to_string())?
                .len();
            ensure!(
                bytes > 0 && bytes <= SMALL,
                "{}: {bytes} bytes",
                path.display()
            );
        }
    }
    Ok(())
}

#[test]
fn a_card_opens_all_that_its_readme_says_and_markup_in_it_is_text() -> Result<()> {
    let readme = "# Title\n\n## Training\n\n| | |\n|---|---|\n| data | 3 photos, [credits](CREDITS.tsv) |\n\n\
        ```sh\ntrainer train\n```\n\n## Limits\n\n<img src=x onerror=alert(1)> with `code` and\n\
        [bad](javascript:alert).\n";
    let files = [(format!("models/{MODEL}/README.md"), readme.into())];
    let site = Mock::photo().site()?.with_files(&files)?;
    let mut page = open(&site)?;
    page.click(".card summary")?;
    page.click(".card details button")?;
    let found = "(() => { const all = (tag) => [...document.querySelectorAll(`#about-text ${tag}`)];
        return [all('h3').map((title) => title.textContent), all('pre')[0]?.textContent, all('img').length,
          all('a').map(({ href, target }) => [href, target]), all('td').length, all('p')[0]?.textContent]; })()";
    page.wait_for("document.querySelector('#about-text h3') !== null")?;
    assert_eq!(
        page.browser.evaluate(found)?,
        json!([
            ["Training", "Limits"],
            "trainer train",
            0,
            [[site.url(&format!("models/{MODEL}/CREDITS.tsv")), "_blank"]],
            2,
            "<img src=x onerror=alert(1)> with code and bad."
        ])
    );
    tests::axe::ensure_accessible(&mut page.browser, "about a model")?;
    page.click("#about-close")?;
    // A model whose folder has none.
    site.spoil(&format!("models/{MODEL}/README.md"), Fault::Missing);
    page.click(".card details button")?;
    page.wait_for(
        "document.querySelector('#about-text').textContent.includes('folder has no README.md.')",
    )?;
    let name = "document.querySelector('.card details button').ariaLabel";
    assert_eq!(
        page.browser.evaluate(name)?,
        "Data, limits, training of played"
    );
    Ok(())
}

#[test]
fn escape_in_a_dialog_closes_it_and_does_not_cancel_the_work_behind_it() -> Result<()> {
    let files = [(format!("models/{MODEL}/README.md"), "## Training\n".into())];
    let site = Mock::photo()
        .play("delay", 1500)
        .site()?
        .with_files(&files)?;
    let mut page = open(&site)?;
    page.click(".card summary")?;
    page.click(".card details button")?;
    page.wait_for("document.querySelector('#about-text h3') !== null")?;
    let path = page.browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(96, 64, 8), &path)?;
    page.browser.choose_file("#file-input", &path)?;
    page.wait_for("document.body.dataset.state === 'working'")?;
    page.browser.press_key("Escape", 0)?;
    page.wait_for(
        "!document.querySelector('#about-dialog').open
         && ['done', 'ready'].includes(document.body.dataset.state)",
    )?;
    assert_eq!(page.state()?, "done");
    Ok(())
}

/// Ensures that a page asks for few files before anybody touches it, one of which is `script`.
fn ensure_few_requests(path: &str, language: &str, script: &str, is_there: &str) -> Result<()> {
    let log = NetLog::new()?;
    let site = Site::shipped()?;
    let mut browser = Browser::start_with(Graphics::None, &[&log.flag(), language])?;
    browser.go_to(&site.url(path))?;
    let is_complete = format!(
        "{is_there} && document.readyState === 'complete'
         && [...document.images].every(({{ complete, loading }}) => complete || loading === 'lazy')"
    );
    browser.wait_until(&is_complete, PATIENCE)?;
    // What comes a little later counts as well.
    browser.evaluate(UNTIL_QUIET)?;
    drop(browser); // which completes the log
    let requests = log.requests()?;
    let addresses = requests
        .iter()
        .filter_map(|request| request["url"].as_str());
    let ours: Vec<_> = addresses
        .filter_map(|url| url.strip_prefix(&site.url("")))
        .collect();
    ensure!(ours.contains(&script), "the log misses files: {ours:?}");
    ensure!(ours.len() <= 20, "{} requests: {ours:#?}", ours.len());
    Ok(())
}

#[test]
fn the_page_asks_for_at_most_twenty_files_before_anybody_touches_it() -> Result<()> {
    ensure_few_requests(
        "",
        "--accept-lang=en",
        "page/app.js",
        "document.body !== null && !('starting' in document.body.dataset)",
    )
}

#[test]
fn a_page_with_widgets_asks_for_at_most_twenty_files_before_anybody_touches_it() -> Result<()> {
    let is_there = "[...document.querySelectorAll('pix2pix-widget')].every((widget) =>
        widget.shadowRoot?.querySelector('.cover img')?.naturalWidth > 0)";
    ensure_few_requests(
        "embed.html",
        "--accept-lang=de",
        "pix2pix-widget.js",
        is_there,
    )
}
