//! The built page in a real browser, against the trainer's own results.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Graphics;
use tests::page::Page;
use tests::pictures::{self, ensure_alike, ensure_detailed};
use tests::site::{Fault, Site, weights_path};
use tests::trainer;

const TINY: &str = "tiny";

fn tiny_site() -> Result<Site> {
    Site::with_model(TINY, trainer::tiny_model()?)
}

/// Draws a picture into the browser's own folder, where it may read.
fn picture(page: &Page, width: u32, height: u32) -> Result<PathBuf> {
    let path = page.browser.scratch().join("picture.png");
    pictures::save(&pictures::scene(width, height, 7), &path)?;
    Ok(path)
}

fn agrees_with_the_trainer(backend: &str, width: u32, height: u32) -> Result<()> {
    let site = tiny_site()?;
    let mut page = Page::open(&site.url(&format!("?backend={backend}")), Graphics::WebGpu)?;
    let picture = picture(&page, width, height)?;
    let translated = page.translate(&picture)?;
    assert_eq!(page.backend()?, backend);
    assert!(!page.backend_reason()?.is_empty());
    ensure_detailed(&translated)?;
    ensure_alike(
        &translated,
        &trainer::translate(trainer::tiny_model()?, &picture)?,
    )
}

#[test]
fn a_photo_is_translated_on_the_cpu_as_the_trainer_does_it() -> Result<()> {
    agrees_with_the_trainer("cpu", 256, 256)
}

#[test]
fn a_photo_is_translated_on_webgpu_as_the_trainer_does_it() -> Result<()> {
    agrees_with_the_trainer("webgpu", 256, 256)
}

#[test]
fn a_photo_whose_sides_do_not_fit_the_network_keeps_its_size() -> Result<()> {
    agrees_with_the_trainer("cpu", 300, 200)?;
    agrees_with_the_trainer("webgpu", 300, 200)
}

#[test]
fn every_model_that_ships_with_the_page_works_on_both_backends() -> Result<()> {
    for name in shipped_models()? {
        let folder = xtask::workspace::dist().join("models").join(&name);
        for backend in ["cpu", "webgpu"] {
            let site = Site::shipped()?;
            let url = site.url(&format!("?model={name}&backend={backend}"));
            let mut page = Page::open(&url, Graphics::WebGpu)?;
            let input = match starting_drawing(&folder)? {
                Some(drawing) => {
                    page.wait_for("document.querySelector('.tool-set') !== null")?;
                    let readable = page.browser.scratch().join("drawing.png");
                    fs::copy(drawing, &readable)?;
                    readable
                }
                None => picture(&page, 256, 256)?,
            };
            let translated = page.translate(&input)?;
            assert_eq!(page.backend()?, backend);
            ensure_detailed(&translated)?;
            ensure_alike(&translated, &trainer::translate(&folder, &input)?)?;
        }
    }
    Ok(())
}

#[test]
fn burn_is_asked_for_in_the_address_and_translates_as_our_own_kernels_and_shaders_do() -> Result<()>
{
    let site = Site::shipped()?;
    for (backend, module) in [("cpu", "training"), ("webgpu", "training-webgpu")] {
        let translate = |engine: &str| {
            let settings = format!("?model=flowers-colorize&backend={backend}{engine}");
            let mut page = Page::open(&site.url(&settings), Graphics::WebGpu)?;
            let photo = picture(&page, 128, 128)?;
            let translated = page.translate(&photo)?;
            assert_eq!(page.backend()?, backend);
            let names_burn = "document.querySelector('#backend').textContent.includes('burn')";
            assert_eq!(page.browser.evaluate(names_burn)?, !engine.is_empty());
            Ok::<_, anyhow::Error>(translated)
        };
        let loads_burn = || {
            let path = format!("/pkg/{module}/web_bg.wasm");
            site.requests().contains(&path)
        };
        let own = translate("")?;
        ensure!(!loads_burn());
        let burns = translate("&engine=burn")?;
        ensure!(loads_burn());
        let difference = pictures::difference(&own, &burns)?;
        println!("{backend}: {difference}");
        // A byte may be rounded the other way.
        ensure!(difference.max <= 1, "{backend}: {difference}");
    }
    Ok(())
}

/// What a model that takes drawings offers to begin with.
fn starting_drawing(model: &Path) -> Result<Option<PathBuf>> {
    let manifest: Value = serde_json::from_slice(&fs::read(model.join("manifest.json"))?)?;
    if manifest["input"]["mode"] != "draw" {
        return Ok(None);
    }
    let first = manifest["samples"][0].as_str();
    Ok(Some(model.join(first.context("a drawing to begin with")?)))
}

fn shipped_models() -> Result<Vec<String>> {
    let index = fs::read_to_string(xtask::workspace::dist().join("models/index.json"))?;
    let index: Value = serde_json::from_str(&index)?;
    let names = index["models"].as_array().into_iter().flatten();
    let names = names.filter_map(|model| model["manifest"].as_str()?.split('/').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    ensure!(!names.is_empty(), "the page ships with no model");
    Ok(names)
}

#[test]
fn the_page_works_from_a_sub_path() -> Result<()> {
    let site = Site::start("/some/where/", &[(TINY, trainer::tiny_model()?)])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page, 256, 256)?;
    ensure_detailed(&page.translate(&picture)?)
}

#[test]
fn without_webgpu_the_cpu_does_the_work_and_the_page_says_why() -> Result<()> {
    let site = tiny_site()?;
    let mut page = Page::open(&site.url(""), Graphics::None)?;
    let picture = picture(&page, 256, 256)?;
    page.translate(&picture)?;
    assert_eq!(page.backend()?, "cpu");
    let reason = page.backend_reason()?;
    ensure!(reason.contains("WebGPU"), "the reason is '{reason}'");
    Ok(())
}

#[test]
fn asking_for_webgpu_where_there_is_none_is_an_error_with_a_way_out() -> Result<()> {
    let site = tiny_site()?;
    let mut page = Page::open(&site.url("?backend=webgpu"), Graphics::None)?;
    let picture = picture(&page, 256, 256)?;
    page.submit(&picture)?;
    assert_eq!(page.error_code()?, "no-webgpu");
    page.try_again()?;
    assert_eq!(page.backend()?, "cpu");
    Ok(())
}

#[test]
fn a_webgpu_in_software_is_not_chosen_by_itself() -> Result<()> {
    let site = tiny_site()?;
    let mut page = Page::open(&site.url(""), Graphics::WebGpu)?;
    let picture = picture(&page, 256, 256)?;
    page.translate(&picture)?;
    assert_eq!(page.backend()?, "cpu");
    Ok(())
}

#[test]
fn a_file_that_is_no_picture_gets_a_sentence_and_the_page_goes_on() -> Result<()> {
    let site = tiny_site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let good = picture(&page, 256, 256)?;
    let whole = fs::read(&good)?;
    let files: [(&str, &[u8]); 3] = [
        ("words.png", b"This is no picture."),
        ("empty.jpg", b""),
        ("cut.png", &whole[..40]),
    ];
    for (name, bytes) in files {
        let path = page.browser.scratch().join(name);
        fs::write(&path, bytes)?;
        page.submit(&path)?;
        assert_eq!(page.state()?, "error", "{name}");
        let message = page.message()?;
        ensure!(
            message.split_whitespace().count() > 4,
            "'{message}' is no sentence about {name}"
        );
    }
    ensure_detailed(&page.translate(&good)?)
}

/// The page reports `code` for a model spoiled at `path`, and translates once
/// the model is whole again.
fn recovers_from(fault: Fault, path: &str, codes: &[&str]) -> Result<()> {
    let site = tiny_site()?;
    site.spoil(&format!("models/{TINY}/{path}"), fault);
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page, 256, 256)?;
    page.submit(&picture)?;
    let code = page.error_code()?;
    ensure!(
        codes.contains(&code.as_str()),
        "{fault:?} of {path} gives the code '{code}': {}",
        page.message()?
    );
    site.repair();
    ensure_detailed(&page.try_again()?)
}

#[test]
fn a_missing_manifest_is_reported_and_can_be_tried_again() -> Result<()> {
    recovers_from(Fault::Missing, "manifest.json", &["fetch"])
}

#[test]
fn a_manifest_that_ends_early_is_reported_and_can_be_tried_again() -> Result<()> {
    recovers_from(Fault::Shortened, "manifest.json", &["manifest"])
}

#[test]
fn missing_weights_are_reported_and_can_be_tried_again() -> Result<()> {
    let weights = weights_path(trainer::tiny_model()?)?;
    recovers_from(Fault::Missing, &weights, &["fetch"])
}

#[test]
fn weights_cut_short_are_reported_and_can_be_tried_again() -> Result<()> {
    let weights = weights_path(trainer::tiny_model()?)?;
    recovers_from(Fault::Cut, &weights, &["fetch"])?;
    recovers_from(Fault::Shortened, &weights, &["fetch", "integrity"])
}

#[test]
fn altered_weights_are_refused_and_can_be_tried_again() -> Result<()> {
    let weights = weights_path(trainer::tiny_model()?)?;
    recovers_from(Fault::Altered, &weights, &["integrity"])
}

#[test]
fn a_lost_connection_is_reported_and_does_not_end_the_page() -> Result<()> {
    let mut site = tiny_site()?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    let picture = picture(&page, 256, 256)?;
    site.go_offline();
    page.submit(&picture)?;
    assert_eq!(page.error_code()?, "fetch");
    site.go_online()?;
    ensure_detailed(&page.try_again()?)?;
    site.go_offline();
    // What is loaded stays loaded.
    ensure_detailed(&page.translate(&picture)?)
}
