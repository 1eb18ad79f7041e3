//! The pages in the visitor's language.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;
use tests::site::{Fault, Site};
use tests::texts;

const PATIENCE: Duration = Duration::from_secs(600);
const GERMAN: &str = "--accept-lang=de-AT,en";
const SETTLED: &str = "['done', 'error'].includes(document.body.dataset.state)";

/// What a page says with letters outside of the marks, and is no name, no unit and no code of an error.
const UNTRANSLATED: &str = r"(() => {
  const said = SAID;
  const named = /\((P|E|R)\)|\b(CPU|WebGPU|L1|PSNR|dB|ms|s|px|kB|MB|MIT|OR|Apache-2\.0|CC BY(-SA)? \d|\w+\.png|\w+\.txt)\b/g;
  return said.filter((text) => /\p{L}/u.test(text.replace(/⟦[^⟧]*⟧/g, ' ').replace(named, '')));
})()";

/// All that a page says.
const SAID: &str = r"(() => {
  const said = [document.title];
  for (const element of document.querySelectorAll('body, body *')) {
    if (element.closest('script, style, noscript, svg, textarea, code, pre, #language')) continue;
    for (const name of ['title', 'aria-label', 'aria-valuetext', 'alt']) said.push(element.getAttribute(name) ?? '');
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
  }
  return said;
})()";

fn german() -> Result<Browser> {
    Browser::start_with(Graphics::None, &[GERMAN])
}

fn text(browser: &mut Browser, selector: &str) -> Result<String> {
    let value = browser.evaluate(&format!("document.querySelector('{selector}').textContent"))?;
    Ok(value.as_str().context("text")?.trim().to_owned())
}

/// The German texts with marks around all that the translation itself says.
fn marked() -> Result<(String, Vec<u8>)> {
    let mut texts = texts::translations()?;
    let german = texts.remove("de").context("German")?;
    let marked: Map<_, _> = german
        .into_iter()
        .map(|(english, translation)| (english, mark(translation)))
        .collect();
    let json = Value::Object(marked).to_string().into_bytes();
    Ok(("view/languages/de.json".to_owned(), json))
}

fn mark(translation: Value) -> Value {
    match translation {
        Value::Object(forms) => forms
            .into_iter()
            .map(|(category, form)| (category, mark(form)))
            .collect(),
        other => {
            let text = other.as_str().unwrap_or_default();
            let places = text.replace('{', "⟧{").replace('}', "}⟦");
            json!(format!("⟦{places}⟧"))
        }
    }
}

/// Chooses another language in the page, whose texts are there.
fn switch(browser: &mut Browser, code: &str) -> Result<()> {
    browser
        .evaluate(&format!(
            "new Promise((resolve) => {{
               const choice = document.querySelector('#language');
               choice.value = '{code}';
               choice.dispatchEvent(new Event('change'));
               setTimeout(resolve);
             }})"
        ))
        .map(drop)
}

/// All that is shown is in German, and in English once that is chosen, and in German again.
fn ensure_translated(browser: &mut Browser, state: &str) -> Result<()> {
    ensure_german(browser, state)?;
    switch(browser, "en")?;
    let rest = format!("{SAID}.filter((text) => text.includes('⟦'))");
    let rest = browser.evaluate(&rest)?;
    ensure!(
        rest.as_array().is_some_and(Vec::is_empty),
        "{state} stays German: {rest}"
    );
    switch(browser, "de")?;
    ensure_german(browser, &format!("{state}, once more"))
}

fn ensure_german(browser: &mut Browser, state: &str) -> Result<()> {
    let rest = browser.evaluate(&UNTRANSLATED.replace("SAID", SAID))?;
    ensure!(
        rest.as_array().is_some_and(Vec::is_empty),
        "{state}: {rest}"
    );
    let marks = browser.evaluate("document.body.textContent.split('⟦').length")?;
    ensure!(marks.as_u64() > Some(20), "{state}: {marks} marks");
    Ok(())
}

#[test]
fn every_language_has_every_text_with_its_places_and_none_that_nobody_shows() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut browser = Browser::start(Graphics::None)?;
    let shown = texts::shown(&mut browser, &site)?;
    ensure!(shown.len() > 400, "only {} texts", shown.len());
    let languages = texts::translations()?;
    ensure!(languages.contains_key("de"));
    for (code, translations) in &languages {
        let missing: Vec<_> = shown
            .iter()
            .filter(|text| !translations.contains_key(*text))
            .collect();
        ensure!(missing.is_empty(), "{code} lacks {missing:#?}");
        for (english, translation) in translations {
            ensure!(shown.contains(english), "{code}: nobody shows “{english}”");
            let forms = texts::forms(translation);
            ensure!(!forms.is_empty(), "{code}: “{english}” has no text");
            ensure!(
                translation.is_string() || translation["other"].is_string(),
                "{code}: “{english}” has no form for other counts"
            );
            for form in forms {
                let (here, there) = (texts::places(form), texts::places(english));
                ensure!(
                    here == there || (translation.is_object() && here.is_subset(&there)),
                    "{code}: “{form}” has other places than “{english}”"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_german_browser_gets_the_page_in_german_and_the_switch_is_kept() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open_in(german()?, &site.url(""))?;
    let heading = |page: &mut Page| text(&mut page.browser, ".pledge");
    assert_eq!(heading(&mut page)?, "Dein Foto bleibt auf dieser Seite");
    let language = "document.documentElement.lang";
    assert_eq!(page.browser.evaluate(language)?, "de");
    for (code, pledge) in [
        ("en", "Your photo never leaves this page"),
        ("de", "Dein Foto bleibt auf dieser Seite"),
    ] {
        switch(&mut page.browser, code)?;
        page.wait_for(&format!(
            "document.querySelector('.pledge').textContent === '{pledge}'"
        ))?;
        page = Page::open_in(page.browser, &site.url("?"))?;
        assert_eq!(heading(&mut page)?, pledge, "after a reload");
        assert_eq!(page.browser.evaluate(language)?, code);
    }
    page = Page::open_in(page.browser, &site.url("?lang=en"))?;
    assert_eq!(heading(&mut page)?, "Your photo never leaves this page");
    page = Page::open_in(page.browser, &site.url("?lang=xx"))?;
    assert_eq!(heading(&mut page)?, "Dein Foto bleibt auf dieser Seite");
    page.wait_for("document.querySelector('#status').textContent.includes('lang „xx“')")?;
    Ok(())
}

#[test]
fn another_language_takes_away_neither_a_photo_nor_a_message_nor_a_batch() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let folder = page.browser.scratch().to_owned();
    let photo = folder.join("photo.png");
    pictures::save(&pictures::scene(1200, 100, 7), &photo)?;
    let result = page.translate(&photo)?;
    page.browser
        .evaluate("document.querySelector('#language').focus()")?;
    switch(&mut page.browser, "de")?;
    let says = |selector: &str, start: &str| {
        format!("document.querySelector('{selector}').textContent.startsWith('{start}')")
    };
    page.wait_for(&says("#status", "Fertig in "))?;
    assert_eq!(
        text(&mut page.browser, "#caption")?,
        "photo.png · 1.200 × 100"
    );
    assert_eq!(text(&mut page.browser, "#another")?, "Anderes Foto");
    assert_eq!(page.result()?, result);
    let focused = "document.activeElement.id";
    assert_eq!(page.browser.evaluate(focused)?, "language");
    let manifest = "(async () => { const { href } = document.querySelector('link[rel=manifest]');
        const { lang, name } = await (await fetch(href)).json(); return [lang, name]; })()";
    assert_eq!(
        page.browser.evaluate(manifest)?,
        json!(["de", "pix2pix: aus Bildern werden Bilder"])
    );
    let letter = folder.join("letter.png");
    std::fs::write(&letter, "This is no picture.")?;
    page.submit(&letter)?;
    switch(&mut page.browser, "en")?;
    page.wait_for(&says(
        "#message",
        "“letter.png” is not a picture that this browser",
    ))?;
    page.browser
        .choose_files("#file-input", &[&photo, &letter])?;
    page.wait_for(&says("#retry", "Save them as .zip"))?;
    switch(&mut page.browser, "de")?;
    page.wait_for(&says(
        "#caption",
        "Ausgelassen: „letter.png“ kann dieser Browser",
    ))?;
    ensure!(text(&mut page.browser, "#status")?.ends_with(" 1 von 2 Fotos umgewandelt."));
    page.click("#retry")?;
    page.wait_for(&says("#status", "Gespeichert als played-results.zip."))?;
    switch(&mut page.browser, "en")?;
    page.wait_for(&says("#status", "Saved as played-results.zip."))
}

#[test]
fn another_language_takes_away_no_pairs() -> Result<()> {
    let mut browser = Browser::start(Graphics::None)?;
    let site = Mock::photo().site()?;
    browser.go_to(&site.url("teach.html"))?;
    browser.wait_until("window.pix2pixTeach?.isReady === true", PATIENCE)?;
    let draw = "document.querySelector('[name=source][value=draw]').click();
        for (const time of [1, 2]) document.querySelector('#add-pair').click();";
    browser.evaluate(draw)?;
    assert_eq!(text(&mut browser, "#count")?, "2 pairs");
    switch(&mut browser, "de")?;
    browser.wait_until(
        "document.querySelector('#count').textContent === '2 Paare'",
        PATIENCE,
    )?;
    let names = "[...document.querySelectorAll('#pairs button')].map((one) => one.ariaLabel)";
    assert_eq!(
        browser.evaluate(names)?,
        json!(["Zeichnung 1 entfernen", "Zeichnung 2 entfernen"])
    );
    assert_eq!(browser.evaluate("window.pix2pixTeach.pairs.length")?, 2);
    Ok(())
}

#[test]
fn where_the_texts_do_not_come_the_language_stays() -> Result<()> {
    let site = Mock::photo().site()?;
    site.spoil("view/languages/de.json", Fault::Missing);
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    switch(&mut page.browser, "de")?;
    page.wait_for("document.querySelector('#language').value === 'en'")?;
    assert_eq!(
        page.browser.evaluate("document.documentElement.lang")?,
        "en"
    );
    Ok(())
}

#[test]
fn a_model_of_this_machine_is_described_in_german() -> Result<()> {
    let models =
        json!({ "models": [{ "manifest": "played/manifest.json", "folder": "/home/me/runs" }] });
    let list = (
        "models/index.json".to_owned(),
        models.to_string().into_bytes(),
    );
    let site = Mock::photo().site()?.with_files(&[list])?;
    let mut page = Page::open_in(german()?, &site.url(""))?;
    assert_eq!(
        text(&mut page.browser, ".card label span")?,
        "Das Modell in /home/me/runs."
    );
    Ok(())
}

#[test]
fn the_example_of_a_page_with_widgets_speaks_german_with_them() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("embed.html"))?;
    let says = |heading: &str, button: &str| {
        format!(
            "document.querySelector('h1').textContent === '{heading}'
             && [...document.querySelectorAll('pix2pix-widget')].every((widget) =>
               widget.shadowRoot?.querySelector('.cover button')?.textContent === '{button}')"
        )
    };
    browser.wait_until(&says("A model in the middle of a text", "Try it"), PATIENCE)?;
    switch(&mut browser, "de")?;
    browser.wait_until(&says("Ein Modell mitten im Text", "Ausprobieren"), PATIENCE)
}

#[test]
fn an_english_browser_asks_for_no_other_texts() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    assert_eq!(
        page.browser.evaluate("document.documentElement.lang")?,
        "en"
    );
    let asked = site.requests();
    ensure!(
        !asked.iter().any(|path| path.contains("languages")),
        "{asked:?}"
    );
    Ok(())
}

#[test]
fn a_photo_and_a_mistake_are_answered_in_german() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open_in(german()?, &site.url("?backend=cpu"))?;
    let folder = page.browser.scratch().to_owned();
    let (photo, letter) = (folder.join("foto.png"), folder.join("brief.png"));
    pictures::save(&pictures::scene(1200, 100, 7), &photo)?;
    std::fs::write(&letter, "This is no picture.")?;
    page.translate(&photo)?;
    let status = text(&mut page.browser, "#status")?;
    ensure!(status.starts_with("Fertig in "), "{status}");
    let caption = text(&mut page.browser, "#caption")?;
    ensure!(caption.contains("1.200 × 100"), "{caption}");
    assert_eq!(page.backend_reason()?, "Die CPU ist ausgewählt.");
    page.submit(&letter)?;
    let message = page.message()?;
    ensure!(
        message.starts_with("„brief.png“ kann dieser Browser nicht als Bild lesen."),
        "{message}"
    );
    Ok(())
}

#[test]
fn an_error_that_exists_in_english_only_begins_with_a_german_sentence() -> Result<()> {
    let site = Mock::photo().play("fail", json!(["weights"])).site()?;
    let mut page = Page::open_in(german()?, &site.url("?backend=cpu"))?;
    let photo = page.browser.scratch().join("foto.png");
    pictures::save(&pictures::scene(100, 100, 7), &photo)?;
    page.submit(&photo)?;
    let (code, message) = (page.error_code()?, page.message()?);
    assert_eq!(code, "weights", "{message}");
    ensure!(
        message.starts_with("Die Gewichte passen nicht zum Modell. (It was told"),
        "{message}"
    );
    Ok(())
}

#[test]
fn nothing_on_the_front_page_stays_english() -> Result<()> {
    let site = Site::shipped()?.with_files(&[marked()?])?;
    let mut page = Page::open_in(german()?, &site.url("?backend=cpu&model=flowers-deblur"))?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    ensure_translated(&mut page.browser, "empty")?;
    let photo = page.browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(128, 128, 7), &photo)?;
    page.translate(&photo)?;
    ensure_translated(&mut page.browser, "a photo with its result")?;
    page.click("#share")?;
    page.wait_for("document.querySelector('#share-preview').naturalWidth > 0")?;
    ensure_translated(&mut page.browser, "sharing")?;
    page.click("#share-close")?;
    let letter = page.browser.scratch().join("letter.txt");
    std::fs::write(&letter, "This is no picture.")?;
    page.submit(&letter)?;
    ensure_translated(&mut page.browser, "an error")?;
    page = Page::open_in(page.browser, &site.url("?model=facades"))?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    page.wait_for("document.querySelector('.palette') !== null")?;
    ensure_translated(&mut page.browser, "a drawing")?;
    page = Page::open_in(page.browser, &site.url("?way=webcam"))?;
    page.wait_for("!('starting' in document.body.dataset)")?;
    ensure_translated(&mut page.browser, "the camera")
}

#[test]
fn nothing_on_the_page_for_teaching_stays_english() -> Result<()> {
    let site = Site::shipped()?.with_files(&[marked()?])?;
    let mut browser = german()?;
    browser.go_to(&site.url("teach.html"))?;
    browser.wait_until("window.pix2pixTeach?.isReady === true", PATIENCE)?;
    browser.wait_until("document.querySelector('#from').length > 3", PATIENCE)?;
    ensure_translated(&mut browser, "before")?;
    for source in ["photos", "files", "draw", "ready"] {
        browser.evaluate(&format!(
            "document.querySelector('[name=source][value={source}]').click()"
        ))?;
        ensure_translated(&mut browser, source)?;
    }
    browser.evaluate("document.querySelector('#teach').click()")?;
    let learned = "window.pix2pixTeach.training?.stepsMade >= 20 \
                   && document.querySelector('#reading').textContent !== ''";
    browser.wait_until(learned, PATIENCE)?;
    ensure_translated(&mut browser, "while it learns")?;
    browser.evaluate("document.querySelector('#pause').click()")?;
    browser.wait_until("document.body.dataset.state === 'paused'", PATIENCE)?;
    ensure_translated(&mut browser, "paused")
}

#[test]
fn nothing_on_the_page_that_measures_stays_english() -> Result<()> {
    let mock = Mock::photo().with("/title", json!("Sharpen flowers"));
    let site = mock.site()?.with_files(&[marked()?])?;
    let mut browser = german()?;
    browser.go_to(&site.url("bench.html"))?;
    browser.wait_until(
        "document.querySelector('#measure').disabled === false",
        PATIENCE,
    )?;
    // The list of models on a played site names them by their folders.
    browser.evaluate("document.querySelector('#model').hidden = true; document.querySelector('#model').textContent = ''")?;
    ensure_translated(&mut browser, "before")?;
    let options = "document.querySelector('#model').innerHTML = '<option selected></option>'";
    browser.evaluate(options)?;
    browser.evaluate("document.querySelector('#measure').click()")?;
    browser.wait_until(SETTLED, PATIENCE)?;
    ensure_translated(&mut browser, "after")
}

#[test]
fn german_words_fit_into_every_window() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = german()?;
    let ready = [
        ("?model=facades", "!('starting' in document.body.dataset)"),
        ("teach.html", "window.pix2pixTeach?.isReady === true"),
        (
            "bench.html",
            "document.querySelector('#measure').disabled === false",
        ),
    ];
    // What lies beside the window, and buttons whose words do not fit into them.
    let outside = "[...document.querySelectorAll('.button, .tool, label > span, select')]
        .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
        .map((one) => one.textContent)
        .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])";
    let photo = browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(128, 128, 7), &photo)?;
    for (width, height) in [(320, 600), (390, 844), (820, 1180), (1440, 900)] {
        browser.set_window(width, height, width < 800)?;
        browser.go_to(&site.url("?model=flowers-deblur&backend=cpu"))?;
        browser.wait_until("!('starting' in document.body.dataset)", PATIENCE)?;
        browser.choose_file("#file-input", &photo)?;
        browser.wait_until(SETTLED, PATIENCE)?;
        let wide = browser.evaluate(outside)?;
        ensure!(
            wide.as_array().is_some_and(Vec::is_empty),
            "{width} with a result: {wide}"
        );
        for (address, expression) in ready {
            browser.go_to(&site.url(address))?;
            browser.wait_until(expression, PATIENCE)?;
            let wide = browser.evaluate(outside)?;
            ensure!(
                wide.as_array().is_some_and(Vec::is_empty),
                "{width} {address}: {wide}"
            );
        }
    }
    Ok(())
}

#[test]
fn each_widget_speaks_the_language_of_the_text_around_it_and_follows_it() -> Result<()> {
    let widget = |attributes: &str| {
        format!(
            "<div {attributes}><pix2pix-widget src=models/played/manifest.json backend=cpu mode=draw></pix2pix-widget></div>"
        )
    };
    let host = format!(
        "<!doctype html><html lang=de><meta charset=utf-8><title>Host</title>\
         <script type=module src=pix2pix-widget.js></script>{}{}{}",
        widget("lang=en"),
        widget("lang=de-CH"),
        widget("")
    );
    let host = ("host.html".to_owned(), host.into_bytes());
    let site = Mock::lines().site()?.with_files(&[host])?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("host.html"))?;
    let said = "[...document.querySelectorAll('pix2pix-widget')].map(({ shadowRoot }) =>
        ['figcaption', '.status', '[aria-label=Undo], [aria-label=Rückgängig]'].map((part) => {
          const found = shadowRoot?.querySelector(part);
          return found?.ariaLabel ?? found?.textContent;
        }).join(', ')).join('; ')";
    let english = "Your drawing, Draw., Undo";
    let german = "Deine Zeichnung, Zeichne., Rückgängig";
    let says = |words: [&str; 3]| format!("{said} === '{}'", words.join("; "));
    browser.wait_until(&says([english, german, german]), PATIENCE)?;
    let change = "document.querySelector('div').lang = 'de'; document.documentElement.lang = 'en'";
    browser.evaluate(change)?;
    browser.wait_until(&says([german, german, english]), PATIENCE)
}
