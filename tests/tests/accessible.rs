//! What axe-core says of the pages, in each of their states, in light and dark.

use anyhow::{Context, Result, ensure};
use tests::axe::ensure_accessible;
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::{Fault, Site};

const MODEL: &str = "models/played/manifest.json";

fn picture(page: &Page) -> Result<std::path::PathBuf> {
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(96, 64, 7), &path)?;
    Ok(path)
}

/// Waits until so many widgets of the page are in this state.
fn wait_for_widgets(browser: &mut Browser, count: usize, state: &str) -> Result<()> {
    let there = format!(
        "[...document.querySelectorAll('pix2pix-widget')].filter((widget) => {{
           const root = widget.shadowRoot?.querySelector('.root');
           if (root?.dataset.state === 'empty') widget.scrollIntoView();
           return root?.dataset.state === '{state}' && 'styled' in root.dataset;
         }}).length === {count}"
    );
    browser.wait_until(&there, std::time::Duration::from_secs(600))
}

#[test]
fn what_axe_finds_fails_a_test() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    let faults = "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=page/icons/favicon.svg>')";
    page.browser.evaluate(faults)?;
    let outcome = ensure_accessible(&mut page.browser, "faulty");
    ensure!(outcome.is_err_and(|error| error.to_string().contains("image-alt")));
    Ok(())
}

#[test]
fn the_page_is_accessible_before_and_after_a_translation() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.card-facts dd') !== null")?;
    ensure_accessible(&mut page.browser, "empty")?;
    let picture = picture(&page)?;
    page.translate(&picture)?;
    page.wait_for("!document.querySelector('#view-bar').hidden")?;
    ensure_accessible(&mut page.browser, "done")?;
    page.click("#layouts input[value=side]")?;
    ensure_accessible(&mut page.browser, "side by side")?;
    page.click("#modes input[value=webcam]")?;
    page.wait_for("!document.querySelector('#camera').hidden")?;
    ensure_accessible(&mut page.browser, "webcam")
}

/// The contrast of the text of each chosen control and its ground, in pairs with its words.
const CONTRASTS: &str = "(hovered) => {
  const light = (colour) => {
    const context = new OffscreenCanvas(1, 1).getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const { color, backgroundColor } = getComputedStyle(hovered);
  const [dark, bright] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}";

#[test]
fn what_is_chosen_stays_legible_under_the_mouse() -> Result<()> {
    let site = Mock::labels().site_beside(&[("photos", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    page.click("#machine summary")?;
    for scheme in ["light", "dark"] {
        page.browser
            .set_media(&[("prefers-color-scheme", scheme)])?;
        for control in ["#modes", "#backends", ".tool-set", ".palette"] {
            let chosen = format!("{control} :checked + span");
            let middle = page.place_of(&chosen)?.point(0.5, 0.5);
            page.browser.move_mouse(middle)?;
            page.wait_for(&format!(
                "document.querySelector('{chosen}').closest('label').matches(':hover')"
            ))?;
            let contrast = format!("({CONTRASTS})(document.querySelector('{chosen}'))");
            let contrast = page.browser.evaluate(&contrast)?;
            ensure!(
                contrast.as_f64().is_some_and(|contrast| contrast >= 4.5),
                "{control}, {scheme}: {contrast}"
            );
        }
    }
    Ok(())
}

#[test]
fn in_forced_colours_what_is_chosen_does_not_look_like_what_is_not() -> Result<()> {
    let site = Mock::labels().site_beside(&[("photos", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.palette input') !== null")?;
    page.browser.set_media(&[("forced-colors", "active")])?;
    page.wait_for("matchMedia('(forced-colors: active)').matches")?;
    for (control, shown) in [
        ("#modes", "input + span"),
        ("#backends", "input + span"),
        (".tool-set", "input + span"),
        (".palette", "input + span"),
        ("#models", ".card"),
    ] {
        let looks = format!(
            "[...document.querySelectorAll('{control} {shown}')].map((one) => {{
               const {{ color, backgroundColor, borderColor, outlineStyle }} = getComputedStyle(one);
               const chosen = (one.matches('.card') ? one : one.parentElement).querySelector('input').checked;
               // What is transparent shows the window's own colour.
               const ground = backgroundColor.replace(/rgba\\((.*), 0\\)/, 'rgb($1)');
               return [chosen, [color, ground, borderColor, outlineStyle].join()];
             }})"
        );
        let looks = page.browser.evaluate(&looks)?;
        let looks = looks.as_array().context("a list")?;
        let (chosen, others): (Vec<_>, Vec<_>) = looks.iter().partition(|look| look[0] == true);
        ensure!(
            chosen.len() == 1 && !others.is_empty(),
            "{control}: {looks:?}"
        );
        let is_alike = others.iter().any(|other| other[1] == chosen[0][1]);
        ensure!(!is_alike, "{control}: {looks:?}");
    }
    // Colours to choose from keep their colour.
    let swatch = "getComputedStyle(document.querySelector('.swatch')).backgroundColor";
    assert_eq!(page.browser.evaluate(swatch)?, "rgb(0, 0, 170)");
    Ok(())
}

#[test]
fn keys_keep_their_place_and_escape_cancels() -> Result<()> {
    let slow = Mock::photo().play("delay", 3_600_000);
    let site = slow.site_beside(&[("other", &slow)])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelector('.card-facts dd') !== null")?;
    let focus = "document.activeElement.value ?? document.activeElement.id";
    page.browser
        .evaluate("document.querySelector('#models input[value=played]').focus()")?;
    for chosen in ["other", "played"] {
        page.browser.press_key("ArrowDown", 0)?;
        page.wait_for(&format!(
            "document.querySelector('#models :checked').value === '{chosen}'"
        ))?;
        assert_eq!(page.browser.evaluate(focus)?, chosen);
    }
    let picture = picture(&page)?;
    page.browser.choose_file("#file-input", &picture)?;
    page.wait_for("document.body.dataset.state === 'working'")?;
    page.browser.press_key("Escape", 0)?;
    page.wait_for("document.querySelector('#status').textContent === 'Cancelled.'")?;
    // A button that goes does not take the focus with it.
    page.click("#retry")?;
    page.wait_for("document.body.dataset.state === 'working'")?;
    page.browser
        .evaluate("document.querySelector('#cancel').focus()")?;
    page.click("#cancel")?;
    page.wait_for("document.querySelector('#status').textContent === 'Cancelled.'")?;
    let is_somewhere = "document.activeElement !== document.body";
    assert_eq!(page.browser.evaluate(is_somewhere)?, true);
    Ok(())
}

#[test]
fn the_page_is_accessible_while_it_works_and_when_something_went_wrong() -> Result<()> {
    let site = Mock::photo().play("delay", 3_600_000).site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page)?;
    page.browser.choose_file("#file-input", &picture)?;
    page.wait_for("document.body.dataset.state === 'working'")?;
    ensure_accessible(&mut page.browser, "working")?;
    page.click("#cancel")?;
    let site = Mock::photo().site()?;
    site.spoil("models/played/weights.bin", Fault::Missing);
    let mut page = Page::open_in(page.browser, &site.url("?backend=cpu"))?;
    page.submit(&picture)?;
    assert_eq!(page.error_code()?, "fetch");
    ensure_accessible(&mut page.browser, "error")
}

#[test]
fn drawing_is_accessible() -> Result<()> {
    for mock in [Mock::labels(), Mock::lines()] {
        let site = mock.site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        page.wait_for("document.querySelector('.draw-bar input') !== null")?;
        ensure_accessible(&mut page.browser, "an empty drawing")?;
        let place = page.place_of(".drawing")?;
        let line = [place.point(0.2, 0.5), place.point(0.8, 0.5)];
        page.browser.draw_line("mouse", &line)?;
        page.wait_for("document.body.dataset.state === 'done'")?;
        ensure_accessible(&mut page.browser, "a drawing")?;
    }
    Ok(())
}

#[test]
fn widgets_are_accessible_in_the_page_of_the_example() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("embed.html"))?;
    wait_for_widgets(&mut browser, 2, "empty")?;
    let press = "document.querySelectorAll('pix2pix-widget').forEach((widget) =>
        widget.shadowRoot.querySelector('.cover button').click())";
    browser.evaluate(press)?;
    wait_for_widgets(&mut browser, 1, "done")?;
    wait_for_widgets(&mut browser, 1, "ready")?;
    ensure_accessible(&mut browser, "embed.html")
}

#[test]
fn a_drawing_widget_and_one_that_failed_are_accessible() -> Result<()> {
    let page = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Host</title>\
         <meta name=color-scheme content='light dark'>\
         <script type=module src=pix2pix-widget.js></script></head>\
         <body><main><h1>Host</h1><pix2pix-widget src={MODEL} backend=cpu mode=draw></pix2pix-widget>\
         <pix2pix-widget src=models/missing.json backend=cpu alt='Another'></pix2pix-widget></main></body></html>"
    );
    let files = [("host.html".to_owned(), page.into_bytes())];
    let site = Mock::labels().site()?.with_files(&files)?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("host.html"))?;
    wait_for_widgets(&mut browser, 1, "ready")?;
    wait_for_widgets(&mut browser, 1, "error")?;
    ensure_accessible(&mut browser, "widgets")
}
