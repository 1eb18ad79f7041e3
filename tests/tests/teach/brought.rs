//! What visitors bring to a lesson: too much, what cannot be used, a model, a picture for a drawing.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const PAIRS: &str = "window.pix2pixTeach.pairs.length";

fn said(browser: &mut Browser, words: &str) -> Result<()> {
    let words = Value::from(words);
    let said = format!("document.querySelector('#problems').textContent.includes({words})");
    browser
        .wait_until(&said, PATIENCE)
        .with_context(|| text(browser, "#problems").unwrap_or_default())
}

fn packed(files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default())?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[test]
fn of_more_photos_than_fit_into_memory_the_first_are_taken() -> Result<()> {
    const MOST: usize = 500;
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    click(&mut browser, "#sources [value=photos]")?;
    let first = browser.scratch().join("0.png");
    pictures::save(&pictures::scene(16, 16, 1), &first)?;
    let copies: Vec<_> = (0..=MOST)
        .map(|number| browser.scratch().join(format!("{number}.png")))
        .collect();
    for copy in &copies[1..] {
        fs::copy(&first, copy)?;
    }
    browser.choose_files("#file-input", &copies)?;
    said(
        &mut browser,
        "There are 501 photos: the first 500 are taken.",
    )?;
    assert_eq!(browser.evaluate(PAIRS)?, MOST);
    browser.choose_files("#file-input", &copies[..2])?;
    said(
        &mut browser,
        "More than 500 pairs do not fit into memory: 2 are left out.",
    )?;
    assert_eq!(browser.evaluate(PAIRS)?, MOST);
    Ok(())
}

#[test]
fn a_picture_of_100_megapixels_and_a_bomb_in_a_zip_are_named_and_the_rest_is_taken() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let folder = browser.scratch().join("pairs");
    let whole = fs::read(&combined(&folder, 1)?[0])?;
    let bomb = vec![0; 60 << 20];
    let archive = folder.join("pairs.zip");
    fs::write(
        &archive,
        packed(&[("bomb.png", bomb), ("whole.png", whole)])?,
    )?;
    let huge = folder.join("huge.png");
    image::GrayImage::new(14_200, 7_100).save(&huge)?;
    click(&mut browser, "#sources [value=files]")?;
    browser.choose_files("#file-input", &[archive, huge])?;
    said(
        &mut browser,
        "bomb.png would unpack to more than 64 times its size",
    )?;
    said(&mut browser, "7,100 pixels (101 million)")?;
    assert_eq!(browser.evaluate(PAIRS)?, 1);
    Ok(())
}

#[test]
fn a_model_folder_from_the_trainer_in_a_zip_is_taught_further() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let model = trainer::tiny_model()?;
    let manifest = fs::read(model.join("manifest.json"))?;
    let name = serde_json::from_slice::<Value>(&manifest)?["name"].clone();
    let weights = tests::site::weights_path(model)?;
    let bytes = fs::read(model.join(&weights))?;
    let weights = format!("export/{weights}");
    let archive = browser.scratch().join("model.zip");
    let files = [
        ("export/manifest.json", manifest),
        (weights.as_str(), bytes),
    ];
    fs::write(&archive, packed(&files)?)?;
    browser.choose_file("#file-input", &archive)?;
    let chosen = "document.querySelector('#from').selectedOptions[0].textContent";
    browser.wait_until(&format!("{chosen} === {name}"), PATIENCE)?;
    let status = text(&mut browser, "#status")?;
    ensure!(status.starts_with("It begins with"), "{status}");
    // The pairs are still those that were there.
    assert_eq!(browser.evaluate(PAIRS)?, 27);
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 2)?;
    let learns =
        "(({ generator, task }) => [generator.base, task])(window.pix2pixTeach.training.manifest)";
    assert_eq!(browser.evaluate(learns)?, json!([4, "deblur"]));
    Ok(())
}

#[test]
fn a_picture_may_be_the_target_of_a_drawing() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    click(&mut browser, "#sources [value=draw]")?;
    let picture = browser.scratch().join("blue.png");
    RgbImage::from_pixel(300, 200, Rgb([0, 0, 255])).save(&picture)?;
    browser.choose_file("#target-input", &picture)?;
    let middle = "(() => { const canvas = document.querySelector('#draw .sheet:last-child canvas'); \
                  return [...canvas.getContext('2d').getImageData(143, 143, 1, 1).data].join(); })()";
    browser.wait_until(&format!("{middle} === '0,0,255,255'"), PATIENCE)?;
    click(&mut browser, "#add-pair")?;
    let corners = "(({ input, target }) => [input, target].map(({ data }) => [...data.slice(0, 3)]))(window.pix2pixTeach.pairs[0])";
    assert_eq!(
        browser.evaluate(corners)?,
        json!([[255, 255, 255], [0, 0, 255]])
    );
    Ok(())
}

#[test]
fn a_page_that_nobody_sees_any_more_keeps_the_training_at_once() -> Result<()> {
    let site = Site::shipped()?;
    // For the page's clock no time passes: it does not keep by itself.
    let mut browser = open_after(&site, "performance.now = () => 1;")?;
    click(&mut browser, "[name=base][value='8']")?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 5)?;
    ensure!(text(&mut browser, "#kept")? == "Up to step 0");
    let hide = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }); \
                document.dispatchEvent(new Event('visibilitychange'))";
    browser.evaluate(hide)?;
    let kept = "Number(/[0-9]+/.exec(document.querySelector('#kept').textContent)) >= 5";
    browser.wait_until(kept, PATIENCE)
}
