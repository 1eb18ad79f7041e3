//! The trainings inside the book.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::axe::ensure_accessible;
use tests::browser::{Browser, Graphics};
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(600);

/// The book's page with the experiments, before any was asked for.
fn open(site: &Site) -> Result<Browser> {
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("book/how-it-works.html"))?;
    let built = "[...document.querySelectorAll('pix2pix-experiment')]\
                 .filter(({ state, shadowRoot }) => state === 'idle' && shadowRoot).length === 3";
    browser.wait_until(built, PATIENCE)?;
    Ok(browser)
}

fn element(name: &str) -> String {
    format!("document.querySelector('pix2pix-experiment[name={name}]')")
}

/// Presses the button with these words.
fn press(browser: &mut Browser, name: &str, words: &str) -> Result<()> {
    let element = element(name);
    let pressed = format!(
        "[...{element}.shadowRoot.querySelectorAll('button')]\
         .find(({{ textContent, hidden }}) => textContent === '{words}' && !hidden).click()"
    );
    browser.evaluate(&pressed).map(drop)
}

/// Runs an experiment until its measures show what it claims, or to its end; then ends it.
fn run(name: &str, claim: &str) -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    press(&mut browser, name, "Run it")?;
    let element = element(name);
    let shows =
        format!("(({{ measures }}) => Object.keys(measures).length > 0 && ({claim}))({element})");
    let over = format!("['done', 'error'].includes({element}.state)");
    browser.wait_until(&format!("{shows} || {over}"), PATIENCE)?;
    let measures = browser.evaluate(&format!("{element}.measures"))?;
    ensure!(browser.evaluate(&shows)? == true, "{name}: {measures}");
    // What was measured is on the page, beside pictures that are none of them empty.
    let root = format!("{element}.shadowRoot");
    let said = browser.evaluate(&format!("{root}.querySelector('.measured').textContent"))?;
    let said = said.as_str().context("a sentence")?;
    ensure!(said.starts_with("Step ") && said.contains('%'), "{said}");
    let empty = format!(
        "[...{root}.querySelectorAll('canvas')].filter((canvas) => \
         new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size < 3).length"
    );
    assert_eq!(browser.evaluate(&empty)?, 0, "{name}");
    let console = browser.console();
    ensure!(console.is_empty(), "{name}: {console:?}");
    Ok(())
}

#[test]
fn l1_alone_leaves_out_the_stripes_that_a_discriminator_asks_for() -> Result<()> {
    run(
        "l1-alone",
        "measures.both > 0.45 && measures.alone < measures.both / 2",
    )
}

#[test]
fn the_map_of_the_discriminator_tells_a_target_from_an_output() -> Result<()> {
    // netD has 14 × 14 logits for 128 × 128 pixels.
    run(
        "patches",
        "measures.patches === 196 && measures.target > measures.output + 0.3",
    )
}

#[test]
fn three_pairs_are_learned_by_heart_and_twenty_four_are_not() -> Result<()> {
    run(
        "few-pairs",
        "measures.few.seen < measures.few.unseen / 1.5 && measures.more.unseen < measures.few.unseen / 2",
    )
}

#[test]
fn nothing_is_loaded_before_the_click_and_a_run_pauses_goes_on_and_ends() -> Result<()> {
    // Without the book's widgets, which have workers of their own.
    let page = "<!doctype html><html lang=en><meta charset=utf-8><title>Page</title>\
                <script type=module src=experiment/experiment.js></script><main><h1>Page</h1>\
                <pix2pix-experiment name=patches></pix2pix-experiment></main>";
    let page = ("page.html".to_owned(), page.as_bytes().to_vec());
    let site = Site::shipped()?.with_files(&[page])?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&site.url("page.html"))?;
    let element = element("patches");
    browser.wait_until(&format!("{element}.state === 'idle'"), PATIENCE)?;
    let is_of_training =
        |path: &String| path.contains("pkg/training") || path.contains("training-worker");
    let requests = site.requests();
    ensure!(!requests.iter().any(is_of_training), "{requests:?}");
    assert_eq!(browser.workers()?, 0);
    ensure_accessible(&mut browser, "an experiment that nobody has asked for")?;

    let measured = format!("{element}.shadowRoot.querySelector('.measured').textContent");
    press(&mut browser, "patches", "Run it")?;
    browser.wait_until(&format!("{measured} !== ''"), PATIENCE)?;
    press(&mut browser, "patches", "Pause")?;
    browser.wait_until(&format!("{element}.state === 'paused'"), PATIENCE)?;
    let at_pause = browser.evaluate(&measured)?;
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(browser.evaluate(&measured)?, at_pause);
    ensure_accessible(&mut browser, "a paused experiment")?;
    press(&mut browser, "patches", "Go on")?;
    browser.wait_until(&format!("{measured} !== {at_pause}"), PATIENCE)?;
    press(&mut browser, "patches", "End it")?;
    browser.wait_for_workers(0)?;
    assert_eq!(browser.evaluate(&format!("{element}.state"))?, "idle");
    Ok(())
}

#[test]
fn what_cannot_be_loaded_is_said_and_can_be_tried_again() -> Result<()> {
    let mut site = Site::shipped()?;
    let mut browser = open(&site)?;
    site.go_offline();
    press(&mut browser, "patches", "Run it")?;
    let element = element("patches");
    browser.wait_until(&format!("{element}.state === 'error'"), PATIENCE)?;
    let said = format!("{element}.shadowRoot.querySelector('[role=status]').textContent");
    let said = browser.evaluate(&said)?;
    ensure!(
        said.as_str()
            .is_some_and(|said| said.contains("could not be loaded")),
        "{said}"
    );
    site.go_online()?;
    press(&mut browser, "patches", "Run it again")?;
    browser.wait_until(&format!("{element}.state === 'running'"), PATIENCE)
}
