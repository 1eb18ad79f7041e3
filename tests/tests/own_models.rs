//! Models that the page does not ship: from disk, by address, and bad ones.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tests::browser::Graphics;
use tests::mock::Mock;
use tests::page::Page;
use tests::pictures;

const CHOSEN: &str = "document.querySelector('#models .card:has(:checked) b').textContent";

/// The shipped model has one title, the one from disk another.
fn from_disk() -> Mock {
    Mock::photo().with("/title", json!("From my disk"))
}

fn translates(page: &mut Page) -> Result<()> {
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(96, 64, 7), &path)?;
    let translated = page.translate(&path)?;
    let original = pictures::load(&path)?;
    for (before, after) in original.pixels().zip(translated.pixels()) {
        assert_eq!(before.0[0], 255 - after.0[0]);
    }
    Ok(())
}

fn files_of(mock: &Mock) -> Value {
    let files = mock.files().into_iter();
    files.map(|(name, bytes)| json!([name, bytes])).collect()
}

/// Drops an archive of `files`, deflated or stored.
fn drop_zip(page: &mut Page, files: &Value, deflates: bool, spoils: &str) -> Result<()> {
    let script =
        format!("({DROP_ZIP})({files}, {deflates}, (bytes) => {{ {spoils}; return bytes; }})");
    page.browser.evaluate(&script).map(drop)
}

#[test]
fn a_zip_of_a_model_is_dropped_and_used_without_any_upload() -> Result<()> {
    for deflates in [true, false] {
        let site = Mock::photo().site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        drop_zip(&mut page, &files_of(&from_disk()), deflates, "")?;
        page.wait_for(&format!("{CHOSEN} === 'From my disk'"))?;
        translates(&mut page)?;
        let weights = site.requests();
        let weights = weights.iter().filter(|path| path.ends_with("weights.bin"));
        assert_eq!(weights.count(), 0, "deflated: {deflates}");
    }
    Ok(())
}

#[test]
fn the_files_of_a_model_folder_are_dropped_and_used() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let files = files_of(&from_disk());
    let script = format!(
        "(() => {{ const transfer = new DataTransfer();
          for (const [name, bytes] of {files}) transfer.items.add(new File([new Uint8Array(bytes)], name));
          document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true, cancelable: true }})); }})()"
    );
    page.browser.evaluate(&script)?;
    page.wait_for(&format!("{CHOSEN} === 'From my disk'"))?;
    translates(&mut page)
}

#[test]
fn a_file_of_a_dropped_folder_that_is_too_large_is_not_read() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let script = format!(
        "(() => {{ const transfer = new DataTransfer();
          for (const [name, bytes] of {}) transfer.items.add(new File([new Uint8Array(bytes)], name));
          transfer.items.add(new File(['# Title\\n\\n', 'word '.repeat(20000)], 'README.md'));
          document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true, cancelable: true }})); }})()",
        files_of(&from_disk())
    );
    page.browser.evaluate(&script)?;
    page.wait_for(&format!("{CHOSEN} === 'From my disk'"))?;
    page.click("#models .card:has(:checked) details button")?;
    page.wait_for(
        "document.querySelector('#about-text').textContent.startsWith(
           'README.md has 100,009 bytes: at most 65,536 are read of such a file.')",
    )
}

#[test]
fn a_manifest_and_its_weights_are_enough_without_the_samples_that_it_names() -> Result<()> {
    let mock = from_disk().with("/samples", json!(["samples/one.png"]));
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    drop_zip(&mut page, &files_of(&mock), true, "")?;
    page.wait_for("document.querySelector('#status').textContent === 'The model is here.'")?;
    assert_eq!(
        page.browser
            .evaluate("document.querySelectorAll('#sample-list li').length")?,
        0
    );
    translates(&mut page)
}

#[test]
fn what_an_address_asks_for_in_vain_is_said_and_the_page_goes_on() -> Result<()> {
    let site = Mock::photo().site()?;
    for (query, what) in [
        (
            "model=http://[bad/manifest.json",
            "model “http://[bad/manifest.json”",
        ),
        ("model=nobodys", "model “nobodys”"),
        ("way=constructor", "way “constructor”"),
        ("backend=toString&view=0", "view “0”, backend “toString”"),
    ] {
        let mut page = Page::open(&site.url(&format!("?{query}")), Graphics::None)?;
        let note = format!("document.querySelector('#status').textContent.includes('{what}')");
        page.wait_for(&note)?;
        translates(&mut page)?;
    }
    Ok(())
}

/// As from the system's file manager.
fn drop_from_disk(page: &mut Page, path: &Path) -> Result<()> {
    let (x, y) = page.place_of("#stage")?.point(0.5, 0.5);
    let data = json!({ "items": [], "files": [path], "dragOperationsMask": 1 });
    let drag = |page: &mut Page, kind: &str| {
        let event = json!({ "type": kind, "x": x, "y": y, "data": data });
        page.browser.call("Input.dispatchDragEvent", event)
    };
    page.browser.evaluate(
        "window.isDropped = false; \
         document.addEventListener('drop', () => { window.isDropped = true; }, { once: true })",
    )?;
    // A browser keeps what is dragged from a page that it has not painted yet.
    for _ in 0..600 {
        drag(page, "dragEnter")?;
        drag(page, "dragOver")?;
        let accepted = "document.body.classList.contains('dragging')";
        if page.browser.evaluate(accepted)? == true {
            drag(page, "drop")?;
            if page.browser.evaluate("window.isDropped")? == true {
                return Ok(());
            }
        }
        sleep(Duration::from_millis(100));
    }
    bail!("the page accepts nothing that is dragged over it")
}

#[test]
fn a_model_folder_is_dropped_and_used() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    // Above it lies what belongs to no model.
    let folder = page.browser.scratch().join("dropped");
    fs::create_dir_all(folder.join("model"))?;
    fs::write(folder.join("notes.txt"), "Not of the model.")?;
    for (name, bytes) in from_disk().files() {
        fs::write(folder.join("model").join(name), bytes)?;
    }
    for dropped in [folder.join("model"), folder] {
        page.click("#models input[value=played]")?;
        page.wait_for(&format!("{CHOSEN} === 'played'"))?;
        drop_from_disk(&mut page, &dropped)?;
        page.wait_for(&format!("{CHOSEN} === 'From my disk'"))?;
        translates(&mut page)?;
    }
    Ok(())
}

#[test]
fn a_folder_without_a_model_gets_a_sentence() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let folder = page.browser.scratch().join("dropped");
    fs::create_dir(&folder)?;
    drop_from_disk(&mut page, &folder)?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    let empty = page.message()?;
    ensure!(empty.contains("folder"), "{empty}");
    fs::write(folder.join("notes.txt"), "Not of a model.")?;
    fs::write(folder.join("more.txt"), "Nor this.")?;
    page.browser
        .evaluate("document.body.dataset.state = 'loading'")?;
    drop_from_disk(&mut page, &folder)?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    assert_eq!(page.error_code()?, "manifest");
    translates(&mut page)
}

#[test]
fn a_bad_archive_gets_a_sentence_and_the_model_before_goes_on() -> Result<()> {
    let good = files_of(&from_disk());
    let no_manifest = json!([["readme.txt", [1, 2, 3]]]);
    let no_weights = json!([["manifest.json", from_disk().manifest().as_bytes()]]);
    let hostile = Mock::photo().with("/weights/0/path", json!("../../etc/passwd"));
    let cases: [(&Value, &str); 6] = [
        (&no_manifest, ""),
        (&no_weights, ""),
        (&files_of(&hostile), ""),
        (&json!([["manifest.json", b"{ no json"]]), ""),
        (&good, "bytes.fill(0, bytes.length - 22)"),
        // The size that the archive's list claims for its first file.
        (
            &good,
            "new DataView(bytes.buffer).setUint32(new DataView(bytes.buffer).getUint32(bytes.length - 6, true) + 24, 5, true)",
        ),
    ];
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    for (index, (files, spoils)) in cases.into_iter().enumerate() {
        page.browser
            .evaluate("document.body.dataset.state = 'loading'")?;
        drop_zip(&mut page, files, true, spoils)?;
        page.wait_for("document.body.dataset.state === 'error'")?;
        assert_eq!(page.error_code()?, "manifest", "case {index}");
        let message = page.message()?;
        ensure!(message.split_whitespace().count() > 6, "{index}: {message}");
    }
    translates(&mut page)
}

#[test]
fn weights_that_unpack_to_more_than_the_manifest_says_are_refused_unpacked() -> Result<()> {
    let manifest = from_disk().manifest();
    let files = json!([
        ["manifest.json", manifest.as_bytes()],
        ["weights.bin", 20 << 20]
    ]);
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.browser.evaluate(COUNT_UNPACKED)?;
    drop_zip(&mut page, &files, true, "")?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    let message = page.message()?;
    ensure!(
        message.contains("20,971,520 bytes") && message.contains("says 16"),
        "{message}"
    );
    // The manifest alone.
    assert_eq!(page.browser.evaluate("window.unpacked")?, 1);
    // Nor where the manifest says so, too.
    let bytes = json!(40 << 20);
    let boasting = from_disk().with("/weights/0/bytes", bytes.clone());
    let files = json!([
        ["manifest.json", boasting.manifest().as_bytes()],
        ["weights.bin", bytes]
    ]);
    page.browser
        .evaluate("document.body.dataset.state = 'loading'")?;
    drop_zip(&mut page, &files, true, "")?;
    page.wait_for("document.body.dataset.state === 'error'")?;
    let message = page.message()?;
    ensure!(message.contains("more than 64 times"), "{message}");
    assert_eq!(page.browser.evaluate("window.unpacked")?, 2);
    translates(&mut page)
}

#[test]
fn of_a_models_samples_a_dozen_small_ones_are_read_each_once() -> Result<()> {
    let names = (0..20_000).map(|index| format!("{}.png", index % 30));
    let mock = from_disk().with("/samples", names.collect());
    let mut files = files_of(&mock);
    let list = files.as_array_mut().context("a list")?;
    // The first is too large for a sample, the others are no pictures.
    list.push(json!(["0.png", 40 << 20]));
    list.extend((1..30).map(|index| json!([format!("{index}.png"), [index]])));
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.browser.evaluate(COUNT_UNPACKED)?;
    drop_zip(&mut page, &files, true, "")?;
    page.wait_for("document.querySelector('#status').textContent === 'The model is here.'")?;
    page.wait_for("document.querySelectorAll('#sample-list li').length === 0")?;
    // Manifest, weights and all samples of the dozen but the large one.
    assert_eq!(page.browser.evaluate("window.unpacked")?, 2 + 11);
    translates(&mut page)
}

const COUNT_UNPACKED: &str = "(() => {
  const Stream = window.DecompressionStream;
  window.unpacked = 0;
  window.DecompressionStream = function (format) { window.unpacked++; return new Stream(format); };
})()";

/// JSON can name half a character, Rust cannot.
#[test]
fn addresses_that_nobody_can_read_do_not_keep_the_page_from_starting() -> Result<()> {
    let mock = Mock::photo().with("/samples", json!(["HALF.png"]));
    let manifest = mock.manifest().replace("HALF", "\\ud800");
    let files = [(
        "models/played/manifest.json".to_owned(),
        manifest.into_bytes(),
    )];
    let site = mock.site()?.with_files(&files)?;
    for query in [
        "?backend=cpu",
        "?backend=cpu&model=x/%E0%A4%A/manifest.json",
    ] {
        let mut page = Page::open(&site.url(query), Graphics::None)?;
        page.wait_for("document.body.dataset.state === 'empty'")?;
        page.click("#models input[value=played]")?;
        translates(&mut page)?;
    }
    Ok(())
}

#[test]
fn colours_that_are_none_reach_no_style() -> Result<()> {
    let palette = json!([
        null,
        { "name": "ground", "color": ["0 0 0); background: url(//example.org/", 1, 2] },
        { "name": "wall", "color": [10, 200, 300] },
        { "name": "window", "color": [250, 120, 5] },
    ]);
    for palette in [palette, json!(null), json!("red")] {
        let site = Mock::labels().with("/input/palette", palette).site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        page.wait_for("document.querySelector('.palette input') !== null")?;
        assert_eq!(page.state()?, "empty", "{}", page.message()?);
        let alike = "[...document.querySelectorAll('.swatch')].every((swatch) =>
            /^--swatch: rgb\\(\\d{1,3} \\d{1,3} \\d{1,3}\\);$/.test(swatch.getAttribute('style')))";
        assert_eq!(page.browser.evaluate(alike)?, true);
    }
    Ok(())
}

#[test]
fn a_drawing_has_a_sane_size_whatever_the_manifest_says() -> Result<()> {
    for multiple in [json!(4096), json!(1_000_000_000), json!(-1), json!("256")] {
        let mock = Mock::lines().with("/input/multiple_of", multiple.clone());
        let site = mock.site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        page.wait_for("document.querySelector('.palette input') !== null")?;
        let side = page
            .browser
            .evaluate("document.querySelector('.drawing').width")?;
        assert_eq!(side, 256, "{multiple}");
    }
    Ok(())
}

#[test]
fn a_manifest_by_its_address_is_used_and_stays_in_the_address() -> Result<()> {
    let mock = from_disk();
    let elsewhere = mock.files().into_iter();
    let elsewhere: Vec<_> = elsewhere
        .map(|(name, bytes)| (format!("elsewhere/{name}"), bytes))
        .collect();
    let site = Mock::photo().site()?.with_files(&elsewhere)?;
    let url = site.url("?backend=cpu&model=elsewhere/manifest.json");
    let mut page = Page::open(&url, Graphics::None)?;
    page.wait_for(&format!("{CHOSEN} === 'From my disk'"))?;
    translates(&mut page)?;
    let requests = site.requests();
    ensure!(requests.contains(&"/elsewhere/weights.bin".to_owned()));
    // The address of a model that the gallery has names that one.
    page.browser
        .go_to(&site.url("?backend=cpu&model=models/played/manifest.json"))?;
    page.wait_for("document.querySelectorAll('#models input').length > 0")?;
    let cards = "document.querySelectorAll('#models input').length";
    assert_eq!(page.browser.evaluate(cards)?, 1);
    Ok(())
}

#[test]
fn a_card_says_what_a_model_is_and_shows_markup_as_text() -> Result<()> {
    let mock = Mock::photo()
        .with("/title", json!("<img src=x onerror=alert(1)>"))
        .with("/license", json!("CC BY 4.0"))
        .with(
            "/training",
            json!({ "dataset": "flowers", "steps": 5000, "play": {}, "metrics": {
                "input": { "psnr": 22.84 }, "output": { "psnr": 24.9 } } }),
        );
    let site = mock.site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    page.wait_for("document.querySelector('.card-facts dd') !== null")?;
    let card = "document.querySelector('.card').textContent";
    let card = page.browser.evaluate(card)?;
    let card = card.as_str().unwrap_or("");
    for part in [
        "flowers, 5,000 steps",
        "24.9 dB PSNR; untouched 22.8",
        "CC BY 4.0",
        "16 bytes",
    ] {
        ensure!(card.contains(part), "no '{part}' in {card}");
    }
    let images = "document.querySelectorAll('.card img').length";
    assert_eq!(page.browser.evaluate(images)?, 0);
    Ok(())
}

#[test]
fn a_picture_is_no_model_however_it_is_dropped() -> Result<()> {
    let site = Mock::photo().site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let path = page.browser.scratch().join("picture.zip.png");
    pictures::save(&pictures::scene(64, 64, 3), &path)?;
    page.translate(&path)?;
    ensure!(fs::metadata(Path::new(&path))?.len() > 0);
    Ok(())
}

const DROP_ZIP: &str = "async (files, deflates, spoil) => {
  const number = (bytes, value) => Array.from({ length: bytes }, (_, at) => (value >>> (8 * at)) & 255);
  const packed = async (bytes) => new Uint8Array(await new Response(
    new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'))).arrayBuffer());
  const body = [];
  const list = [];
  for (const [path, content] of files) {
    const bytes = new Uint8Array(content); // a list, or so many zeros
    const name = [...new TextEncoder().encode('model/' + path)];
    const data = deflates ? await packed(bytes) : bytes;
    const common = [...number(2, 20), ...number(2, 0), ...number(2, deflates ? 8 : 0), ...number(8, 0),
      ...number(4, data.length), ...number(4, bytes.length), ...number(2, name.length), ...number(2, 0)];
    const start = body.length;
    body.push(...number(4, 0x04034b50), ...common, ...name, ...data);
    list.push(...number(4, 0x02014b50), ...number(2, 20), ...common, ...number(10, 0), ...number(4, start), ...name);
  }
  const end = [...number(4, 0x06054b50), ...number(4, 0), ...number(2, files.length), ...number(2, files.length),
    ...number(4, list.length), ...number(4, body.length), ...number(2, 0)];
  const file = new File([spoil(new Uint8Array([...body, ...list, ...end]))], 'model.zip');
  const transfer = new DataTransfer();
  transfer.items.add(file);
  document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
}";
