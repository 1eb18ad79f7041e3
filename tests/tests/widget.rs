//! `<pix2pix-widget>` in pages that know nothing of it.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(60);
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
                      connect-src 'self'; img-src 'self' blob:; style-src 'self'";
const MODEL: &str = "models/played/manifest.json";

/// A page under a strict policy with `body`; what happens in it is kept in `window.heard`.
struct Host {
    browser: Browser,
    site: Site,
}

impl Host {
    fn open(mock: &Mock, body: &str) -> Result<Self> {
        let page = format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8>\
             <meta http-equiv=Content-Security-Policy content=\"{POLICY}\">\
             <title>Host</title><link rel=stylesheet href=pix2pix-widget.css><script src=heard.js></script>\
             <script type=module src=pix2pix-widget.js></script></head>\
             <body><main><h1>Host</h1>{body}<p id=below>Below</p></main></body></html>"
        );
        let files = [
            ("host.html".to_owned(), page.into_bytes()),
            ("heard.js".to_owned(), HEARD.as_bytes().to_vec()),
        ];
        let site = mock.site()?.with_files(&files)?;
        let mut browser = Browser::start(Graphics::None)?;
        browser.go_to(&site.url("host.html"))?;
        Ok(Self { browser, site })
    }

    fn wait(&mut self, expression: &str) -> Result<()> {
        let outcome = self.browser.wait_until(expression, PATIENCE);
        outcome.map_err(|error| {
            let heard = self.browser.evaluate("JSON.stringify(window.heard)");
            error.context(format!(
                "heard {heard:?}; console {:?}",
                self.browser.console()
            ))
        })
    }

    fn wait_for_event(&mut self, kind: &str, count: usize) -> Result<()> {
        self.wait(&format!(
            "window.heard.filter(([type]) => type === '{kind}').length >= {count}"
        ))
    }

    fn requests_of(&self, end: &str) -> usize {
        let requests = self.site.requests();
        requests.iter().filter(|path| path.ends_with(end)).count()
    }
}

/// Notes events, shifts of the layout and breaches of the policy.
const HEARD: &str = "window.heard = []; window.shift = 0; window.breaches = [];
  for (const type of ['ready', 'progress', 'result', 'error']) {
    document.addEventListener(type, (event) => {
      if (event.target.localName === 'pix2pix-widget') window.heard.push([type, { ...event.detail, imageData: null }]);
    }, true);
  }
  document.addEventListener('securitypolicyviolation', (event) => window.breaches.push(event.blockedURI));
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shift += entry.value; }))
    .observe({ type: 'layout-shift', buffered: true });
  document.addEventListener('readystatechange', () => {
    window.belowAtFirst ??= document.querySelector('#below').getBoundingClientRect().top;
  });";

fn widget(attributes: &str) -> String {
    format!("<pix2pix-widget src={MODEL} backend=cpu {attributes}>Fallback</pix2pix-widget>")
}

/// A widget that translates a picture of the page.
fn comparing(attributes: &str) -> String {
    format!(
        "<pix2pix-widget src={MODEL} backend=cpu mode=compare {attributes}>\
         <img slot=picture src=page/icons/favicon.svg width=64 height=64 alt=''></pix2pix-widget>"
    )
}

#[test]
fn with_loading_click_nothing_but_the_poster_comes_before_the_reader_asks() -> Result<()> {
    let poster = "loading=click poster=page/icons/favicon.svg";
    let mut host = Host::open(&Mock::photo(), &comparing(poster))?;
    let shown = "(() => { const image = document.querySelector('pix2pix-widget').shadowRoot.querySelector('.cover img');
        return image?.complete && image.naturalWidth > 0; })()";
    host.wait(shown)?;
    tests::axe::ensure_accessible(&mut host.browser, "a widget that waits for a click")?;
    assert_eq!(host.requests_of("manifest.json"), 0);
    let press = "document.querySelector('pix2pix-widget').shadowRoot.querySelector('.cover button').click()";
    host.browser.evaluate(press)?;
    host.wait_for_event("result", 1)?;
    assert_eq!(
        host.browser.evaluate(&format!("{shown} ?? null"))?,
        json!(null)
    );
    Ok(())
}

#[test]
fn under_the_cover_no_key_reaches_anything_and_the_caption_is_seen() -> Result<()> {
    let body = format!(
        "<pix2pix-widget src={MODEL} backend=cpu mode=draw loading=click>\
         <p slot=caption id=caption>Caption</p></pix2pix-widget>"
    );
    let mut host = Host::open(&Mock::labels(), &body)?;
    let root = "document.querySelector('pix2pix-widget').shadowRoot";
    host.wait(&format!(
        "'styled' in {root}.querySelector('.root').dataset && {root}.querySelector('.cover') !== null"
    ))?;
    let seen = "(() => { const caption = document.querySelector('#caption');
      caption.scrollIntoView({ block: 'center', behavior: 'instant' });
      const { left, top, height } = caption.getBoundingClientRect();
      return document.elementFromPoint(left + 5, top + height / 2) === caption; })()";
    assert_eq!(host.browser.evaluate(seen)?, true);
    // The parts come before the button.
    let reached = format!("{root}.activeElement?.textContent ?? ''");
    host.browser.press_key("Tab", 0)?;
    assert_eq!(host.browser.evaluate(&reached)?, "Try it");
    host.browser
        .evaluate(&format!("{root}.querySelector('.cover button').click()"))?;
    host.wait_for_event("ready", 1)?;
    host.browser.press_key("Tab", 0)?;
    let is_tool = format!("{root}.activeElement?.matches('.draw input') ?? false");
    assert_eq!(host.browser.evaluate(&is_tool)?, true);
    Ok(())
}

#[test]
fn the_example_page_loads_no_model_before_a_click() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("embed.html"))?;
    let covered = "[...document.querySelectorAll('pix2pix-widget')].every((widget) =>
        widget.shadowRoot?.querySelector('.cover img')?.naturalWidth > 0)";
    browser.wait_until(covered, PATIENCE)?;
    let requests = site.requests();
    let of_model = |path: &&String| path.ends_with("manifest.json") || path.ends_with(".wasm");
    ensure!(!requests.iter().any(|path| of_model(&path)), "{requests:?}");
    Ok(())
}

#[test]
fn a_widget_translates_the_pages_own_picture_under_a_strict_policy() -> Result<()> {
    let mut host = Host::open(&Mock::photo(), &comparing("alt='A mark'"))?;
    host.wait_for_event("result", 1)?;
    host.wait_for_event("ready", 1)?;
    let ready = "window.heard.find(([type]) => type === 'ready')[1]";
    let ready = host.browser.evaluate(ready)?;
    assert_eq!(ready["backend"], "cpu");
    ensure!(!ready["backendReason"].as_str().unwrap_or("").is_empty());
    assert_eq!(host.browser.evaluate("window.breaches.join()")?, "");
    let label =
        "document.querySelector('pix2pix-widget').shadowRoot.querySelector('.root').ariaLabel";
    assert_eq!(host.browser.evaluate(label)?, "A mark");
    let console = host.browser.console().join("\n");
    ensure!(!console.contains("Content Security Policy"), "{console}");
    Ok(())
}

#[test]
fn of_a_large_picture_a_widget_shows_finished_rows_while_the_others_are_computed() -> Result<()> {
    let mut host = Host::open(&Mock::photo().play("delay", 300), &widget("mode=photo"))?;
    host.wait_for_event("ready", 1)?;
    host.browser.evaluate(
        "void (async () => {
           const canvas = new OffscreenCanvas(2600, 2000);
           canvas.getContext('2d').fillRect(0, 0, 2600, 2000);
           document.querySelector('pix2pix-widget').open(await canvas.convertToBlob());
         })()",
    )?;
    let arriving = "'arriving' in document.querySelector('pix2pix-widget').shadowRoot.querySelector('.picture').dataset";
    host.wait(arriving)?;
    assert_eq!(
        host.browser
            .evaluate("window.heard.some(([type]) => type === 'result')")?,
        false
    );
    host.wait_for_event("result", 1)?;
    assert_eq!(host.browser.evaluate(arriving)?, false);
    Ok(())
}

#[test]
fn nothing_moves_while_widgets_come() -> Result<()> {
    for mode in ["photo", "compare", "draw"] {
        let mock = if mode == "draw" {
            Mock::labels()
        } else {
            Mock::photo()
        };
        let body = format!("<pix2pix-widget src={MODEL} backend=cpu mode={mode}></pix2pix-widget>");
        let mut host = Host::open(&mock, &body)?;
        let below = "document.querySelector('#below').getBoundingClientRect().top";
        let before = host.browser.evaluate("window.belowAtFirst")?;
        host.wait_for_event(if mode == "compare" { "error" } else { "ready" }, 1)?;
        let styled = "'styled' in document.querySelector('pix2pix-widget').shadowRoot.querySelector('.root').dataset";
        host.wait(styled)?;
        assert_eq!(host.browser.evaluate(below)?, before, "{mode}");
        let shift = host.browser.evaluate("window.shift")?.as_f64();
        ensure!(shift.is_some_and(|shift| shift < 0.01), "{mode}: {shift:?}");
    }
    Ok(())
}

#[test]
fn a_lazy_widget_asks_for_nothing_until_it_is_near() -> Result<()> {
    let gap = "<svg width=10 height=8000></svg>";
    let body = format!("{gap}{}", widget("loading=lazy"));
    let mut host = Host::open(&Mock::photo(), &body)?;
    host.wait("customElements.get('pix2pix-widget') !== undefined")?;
    // Long enough for a widget that would not wait: the one at once needs less.
    let soon = "new Promise((resolve) => setTimeout(() => resolve(true), 500))";
    host.browser.evaluate(soon)?;
    assert_eq!(host.requests_of("manifest.json"), 0);
    assert_eq!(host.browser.workers()?, 0);
    let scroll = "document.querySelector('pix2pix-widget').scrollIntoView()";
    host.browser.evaluate(scroll)?;
    host.wait_for_event("ready", 1)?;
    assert_eq!(host.requests_of("manifest.json"), 1);
    Ok(())
}

#[test]
fn widgets_of_one_model_share_its_download_and_its_worker() -> Result<()> {
    let body = [comparing(""), comparing(""), widget("mode=photo")].concat();
    let mut host = Host::open(&Mock::photo().play("delay", 100), &body)?;
    host.wait_for_event("ready", 3)?;
    host.wait_for_event("result", 2)?;
    assert_eq!(host.requests_of("weights.bin"), 1);
    assert_eq!(host.browser.workers()?, 1);
    host.browser
        .evaluate("document.querySelector('pix2pix-widget').remove()")?;
    host.browser.evaluate(
        "document.querySelectorAll('pix2pix-widget')[1].open(new Blob(['no picture']))",
    )?;
    host.wait_for_event("error", 1)?;
    assert_eq!(host.browser.workers()?, 1);
    Ok(())
}

#[test]
fn removing_a_widget_in_the_middle_of_its_work_frees_the_worker() -> Result<()> {
    let mock = Mock::photo().play("busy", 600_000);
    let mut host = Host::open(&mock, &comparing(""))?;
    host.wait_for_event("ready", 1)?;
    host.browser.wait_for_workers(1)?;
    host.browser
        .evaluate("document.querySelector('pix2pix-widget').remove()")?;
    host.browser.wait_for_workers(0)
}

#[test]
fn moving_a_widget_within_the_page_keeps_its_worker() -> Result<()> {
    let mut host = Host::open(&Mock::photo(), &comparing(""))?;
    host.wait_for_event("result", 1)?;
    host.browser
        .evaluate("document.body.append(document.querySelector('pix2pix-widget'))")?;
    host.browser
        .evaluate("new Promise((resolve) => setTimeout(resolve, 300))")?;
    assert_eq!(host.browser.workers()?, 1);
    assert_eq!(host.requests_of("weights.bin"), 1);
    Ok(())
}

#[test]
fn what_goes_wrong_is_an_event_with_a_code_and_a_sentence_with_a_way_out() -> Result<()> {
    let mock = Mock::photo();
    let mut host = Host::open(&mock, "")?;
    host.site
        .spoil("models/played/weights.bin", tests::site::Fault::Missing);
    let insert = json!(comparing(""));
    host.browser.evaluate(&format!(
        "document.querySelector('main').insertAdjacentHTML('beforeend', {insert})"
    ))?;
    host.wait_for_event("error", 1)?;
    let error = "window.heard.find(([type]) => type === 'error')[1].code";
    assert_eq!(host.browser.evaluate(error)?, "fetch");
    let root = "document.querySelector('pix2pix-widget').shadowRoot";
    let words = format!("{root}.querySelector('[role=status]').textContent.split(' ').length > 4");
    assert_eq!(host.browser.evaluate(&words)?, true);
    host.site.repair();
    host.browser
        .evaluate(&format!("{root}.querySelector('.foot .button').click()"))?;
    host.wait_for_event("result", 1)
}

#[test]
fn an_address_that_is_none_gets_a_sentence_too() -> Result<()> {
    let body = "<pix2pix-widget src='http://[bad/manifest.json'></pix2pix-widget>";
    let mut host = Host::open(&Mock::photo(), body)?;
    host.wait_for_event("error", 1)?;
    let error = "window.heard.find(([type]) => type === 'error')[1]";
    let error = host.browser.evaluate(error)?;
    assert_eq!(error["code"], "fetch");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("http://[bad/manifest.json"), "{message}");
    Ok(())
}

#[test]
fn a_drawing_widget_translates_strokes() -> Result<()> {
    let body = widget("mode=draw");
    let mut host = Host::open(&Mock::labels(), &body)?;
    host.wait_for_event("ready", 1)?;
    let root = "document.querySelector('pix2pix-widget').shadowRoot";
    host.wait(&format!(
        "'styled' in {root}.querySelector('.root').dataset"
    ))?;
    let place = host.browser.evaluate(&format!(
        "(() => {{ const {{ left, top, width, height }} = {root}.querySelector('.drawing').getBoundingClientRect();
         return [left, top, width, height]; }})()"
    ))?;
    let number = |index: usize| place[index].as_f64().unwrap_or_default();
    let at = |x: f64, y: f64| (number(0) + number(2) * x, number(1) + number(3) * y);
    host.browser
        .draw_line("mouse", &[at(0.2, 0.5), at(0.8, 0.5)])?;
    host.wait_for_event("result", 1)?;
    let pixel = format!(
        "{root}.querySelector('canvas[role=img]').getContext('2d').getImageData(64, 64, 1, 1).data.join()"
    );
    // The wall's colour, inverted.
    host.wait(&format!("{pixel} === '245,55,225,255'"))
}

#[test]
fn the_page_of_the_example_keeps_its_own_policy() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("embed.html"))?;
    browser.wait_until(
        "customElements.get('pix2pix-widget') !== undefined",
        PATIENCE,
    )?;
    let blocked = "fetch('https://example.org/').then(() => 'sent', () => 'blocked')";
    assert_eq!(browser.evaluate(blocked)?, "blocked");
    let inline = "document.querySelectorAll('script:not([src]), style, [style], [onclick]').length";
    assert_eq!(browser.evaluate(inline)?, 0);
    Ok(())
}
