//! Where things are: on phones, in odd widths, and while the page comes.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::page::Page;
use tests::site::Site;

const PHONE: (u32, u32) = (390, 844);

fn gallery() -> Result<Site> {
    Mock::photo().site_beside(&[("drawn", &Mock::labels())])
}

fn open(site: &Site, query: &str, (width, height): (u32, u32)) -> Result<Page> {
    let mut browser = Browser::start(Graphics::None)?;
    browser.set_window(width, height, width < 800)?;
    let watch = json!({ "source": "window.shift = 0; new PerformanceObserver((list) =>
        list.getEntries().forEach((entry) => { window.shift += entry.value; }))
        .observe({ type: 'layout-shift', buffered: true });" });
    browser.call("Page.addScriptToEvaluateOnNewDocument", watch)?;
    open_in(browser, site, query)
}

fn open_in(browser: Browser, site: &Site, query: &str) -> Result<Page> {
    let mut page = Page::open_in(browser, &site.url(query))?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    Ok(page)
}

#[test]
fn nothing_moves_while_the_page_comes_whatever_its_address_asks_for() -> Result<()> {
    let site = gallery()?;
    for window in [PHONE, (820, 1180), (1440, 900)] {
        let mut page = open(&site, "", window)?;
        for query in ["?", "?model=drawn", "?way=draw", "?way=webcam"] {
            page = open_in(page.browser, &site, query)?;
            page.browser
                .evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))")?;
            let shift = page.browser.evaluate("window.shift")?;
            let shift = shift.as_f64().context("a number")?;
            ensure!(shift < 0.01, "{window:?} {query}: {shift}");
        }
    }
    Ok(())
}

#[test]
fn nothing_is_wider_than_the_window_however_long_a_title() -> Result<()> {
    let endless = "A_title_without_an_end".repeat(5);
    let mock = Mock::labels().with("/title", json!(endless));
    let manifest = (
        "elsewhere/manifest.json".to_owned(),
        mock.manifest().into_bytes(),
    );
    let site = gallery()?.with_files(&[manifest])?;
    for window in [(320, 600), PHONE, (820, 1180), (1440, 900)] {
        let mut page = open(&site, "?model=elsewhere/manifest.json", window)?;
        page.wait_for("document.querySelector('.card:has(:checked) b').textContent.length > 90")?;
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(page.browser.evaluate(fits)?, true, "{window:?}");
        let wide = "[...document.querySelectorAll('.card')].some((card) => card.scrollWidth > card.clientWidth)";
        assert_eq!(page.browser.evaluate(wide)?, false, "{window:?}");
    }
    Ok(())
}

#[test]
fn on_a_phone_drawing_picture_and_palette_share_a_screen() -> Result<()> {
    let site = gallery()?;
    let mut page = open(&site, "?model=drawn", PHONE)?;
    page.place_of(".drawing")?;
    let seen = "(() => {
      const box = (selector) => document.querySelector(selector).getBoundingClientRect();
      document.querySelector('.draw-head').scrollIntoView({ block: 'start', behavior: 'instant' });
      const parts = [box('.draw-head'), box('.drawing'), box('.sheet:last-child canvas'), box('.palette')];
      const colours = [...document.querySelectorAll('.palette .choice')].map((choice) => choice.getBoundingClientRect());
      return {
        bottom: Math.max(...parts.map((part) => part.bottom)), top: Math.min(...parts.map((part) => part.top)),
        target: Math.min(...colours.flatMap(({ width, height }) => [width, height])),
        drawing: parts[1].width,
      };
    })()";
    let seen = page.browser.evaluate(seen)?;
    let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
    ensure!(number("top") >= 0.0 && number("bottom") <= 844.0, "{seen}");
    ensure!(
        number("target") >= 44.0 && number("drawing") >= 200.0,
        "{seen}"
    );
    Ok(())
}

#[test]
fn on_a_phone_what_a_tap_changes_comes_into_view() -> Result<()> {
    let site = gallery()?;
    let mut page = open(&site, "?backend=cpu", PHONE)?;
    page.browser
        .set_media(&[("prefers-reduced-motion", "reduce")])?;
    let in_view = |selector: &str| {
        format!(
            "(({{ top, bottom }}) => bottom > top && top >= -1 && bottom <= innerHeight + 1)
             (document.querySelector('{selector}').getBoundingClientRect())"
        )
    };
    for (model, shown) in [("drawn", ".drawing"), ("played", "#stage")] {
        let card = format!("#models label:has([value={model}])");
        let middle = page.place_of(&card)?.point(0.5, 0.3);
        ensure!(
            page.browser.evaluate(&in_view(shown))? == false,
            "{shown} is in view before"
        );
        page.browser.tap(middle)?;
        page.wait_for(&in_view(shown))?;
    }
    // Fingers neither drop nor paste.
    let hint = "getComputedStyle(document.querySelector('#invitation .hint')).display";
    page.wait_for("matchMedia('(hover: none)').matches")?;
    assert_eq!(page.browser.evaluate(hint)?, "none");
    Ok(())
}

#[test]
fn the_views_buttons_do_not_cover_the_picture() -> Result<()> {
    let site = gallery()?;
    for window in [PHONE, (820, 1180), (1440, 900)] {
        let mut page = open(&site, "?backend=cpu", window)?;
        let path = page.browser.scratch().join("photo.png");
        tests::pictures::save(&tests::pictures::scene(600, 600, 7), &path)?;
        page.translate(&path)?;
        page.wait_for("!document.querySelector('#view-bar').hidden")?;
        let apart = "(() => { const [bar, stage] = ['#view-bar', '#stage'].map((selector) =>
            document.querySelector(selector).getBoundingClientRect());
          return bar.height > 40 && (bar.bottom <= stage.top || bar.top >= stage.bottom); })()";
        assert_eq!(page.browser.evaluate(apart)?, true, "{window:?}");
    }
    Ok(())
}
