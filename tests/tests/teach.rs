//! `teach.html`, where visitors teach a model of their own, and the module that it teaches with.

#[path = "teach/drawn.rs"]
mod drawn;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use image::{Rgb, RgbImage, RgbaImage, imageops};
use serde_json::{Value, json};
use tests::axe::ensure_accessible;
use tests::browser::{Browser, Graphics, decode_base64};
use tests::downloads::wait_for_download;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;
use tests::trainer;

/// A training on a busy machine.
const PATIENCE: Duration = Duration::from_secs(900);
const STATE: &str = "document.body.dataset.state";
/// Functions that [`ask`] calls.
const IN_THE_PAGE: &str = include_str!("teach/in_the_page.js");
/// Side of the squares that samples of 128 are cut out of.
const LOAD_SIZE: u32 = 143;

fn open(site: &Site) -> Result<Browser> {
    let mut browser = Browser::start(Graphics::None)?;
    show(&mut browser, site)?;
    Ok(browser)
}

fn show(browser: &mut Browser, site: &Site) -> Result<()> {
    browser.go_to(&site.url("teach.html"))?;
    browser.wait_until("window.pix2pixTeach?.isReady === true", PATIENCE)
}

/// The page with a lesson that was paused after so many steps or more.
fn paused(site: &Site, step: u64) -> Result<Browser> {
    let mut browser = open(site)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, step)?;
    click(&mut browser, "#pause")?;
    wait_for_state(&mut browser, "paused")?;
    Ok(browser)
}

fn wait_until_kept(browser: &mut Browser) -> Result<()> {
    let kept = "document.querySelector('#kept').textContent === \
                `Up to step ${window.pix2pixTeach.training.stepsMade}`";
    browser.wait_until(kept, PATIENCE)
}

fn click(browser: &mut Browser, selector: &str) -> Result<()> {
    let selector = Value::from(selector);
    let press = format!("document.querySelector({selector}).click()");
    browser.evaluate(&press).map(drop)
}

fn wait_for_state(browser: &mut Browser, state: &str) -> Result<()> {
    let reached = format!("{STATE} === '{state}' || {STATE} === 'error'");
    browser.wait_until(&reached, PATIENCE)?;
    let message = text(browser, "#message")?;
    ensure!(browser.evaluate(STATE)? == state, "{message}");
    Ok(())
}

fn wait_for_step(browser: &mut Browser, step: u64) -> Result<()> {
    let reached =
        format!("window.pix2pixTeach.training?.stepsMade >= {step} || {STATE} === 'error'");
    browser.wait_until(&reached, PATIENCE)
}

fn text(browser: &mut Browser, selector: &str) -> Result<String> {
    let value = browser.evaluate(&format!("document.querySelector('{selector}').innerText"))?;
    Ok(value.as_str().context("text")?.to_owned())
}

/// Calls a function of [`IN_THE_PAGE`] and waits for its answer.
fn ask(browser: &mut Browser, function: &str, arguments: &Value) -> Result<Value> {
    let call = format!(
        "window.answer = undefined; {IN_THE_PAGE} void {function}({arguments})\
         .catch((error) => ({{ error: `${{error.code}}: ${{error.message}}` }}))\
         .then((answer) => {{ window.answer = answer; }})"
    );
    browser.evaluate(&format!("(() => {{ {call} }})()"))?;
    browser.wait_until("window.answer !== undefined", PATIENCE)?;
    let answer = browser.evaluate("window.answer")?;
    ensure!(answer["error"].is_null(), "{answer}");
    Ok(answer)
}

/// Combined pictures of the load size, so that nobody has to scale them.
fn combined(folder: &Path, count: u32) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let save = |index| {
        let target = pictures::scene(LOAD_SIZE, LOAD_SIZE, index);
        let mut picture = RgbImage::new(2 * LOAD_SIZE, LOAD_SIZE);
        let mut input = target.clone();
        imageops::invert(&mut input);
        imageops::replace(&mut picture, &input, 0, 0);
        imageops::replace(&mut picture, &target, i64::from(LOAD_SIZE), 0);
        let path = folder.join(format!("{index}.png"));
        pictures::save(&picture, &path)?;
        Ok(path)
    };
    (0..count).map(save).collect()
}

/// A tenth of the usual learning rate. Adam makes a whole step of a gradient however small it is,
/// in the other direction where rounding gives it the other sign, so that two orders of summing
/// drift apart in proportion to the rate.
const LEARNING_RATE: f64 = 2e-5;

/// Losses of each step, as the native program reports them.
fn native_losses(data: &Path, run: &Path, steps: u32, seed: u32) -> Result<Vec<Value>> {
    trainer::run([
        "train".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--run".as_ref(),
        run.as_os_str(),
        format!("--steps={steps}").as_ref(),
        format!("--seed={seed}").as_ref(),
        "--net-g=unet_128".as_ref(),
        "--size=128".as_ref(),
        "--base=8".as_ref(),
        format!("--lr={LEARNING_RATE}").as_ref(),
        "--device=cpu".as_ref(),
        // Losses are reported as often as checkpoints are made.
        "--checkpoint-every=1".as_ref(),
    ])?;
    let lines = fs::read_to_string(run.join("metrics.jsonl"))?;
    let lines = lines.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let losses = lines.into_iter().filter(|line| line["losses"].is_object());
    Ok(losses.map(|line| line["losses"].clone()).collect())
}

#[test]
fn ten_steps_give_the_losses_that_they_give_natively_and_the_same_bits_after_a_checkpoint()
-> Result<()> {
    const STEPS: u32 = 10;
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    combined(&data.join("train"), 4)?;
    combined(&data.join("val"), 1)?;
    let native = native_losses(&data, &home.path().join("run"), STEPS, 5)?;

    let mut site = Site::shipped()?;
    site.also_serve("pairs/", &data.join("train"))?;
    let mut browser = open(&site)?;
    let arguments = json!({ "count": 4, "steps": STEPS, "seed": 5, "side": LOAD_SIZE,
        "learningRate": LEARNING_RATE });
    let answer = ask(&mut browser, "losses", &arguments)?;
    let in_the_tab = answer["once"].as_array().context("losses")?;
    assert_eq!((native.len(), in_the_tab.len()), (10, 10));
    for (step, (native, tab)) in native.iter().zip(in_the_tab).enumerate() {
        for name in ["G_GAN", "G_L1", "D_real", "D_fake"] {
            let (expected, found) = (native[name].as_f64(), tab[name].as_f64());
            let (expected, found) = expected.zip(found).context("a loss")?;
            // Ten steps move a weight by ten rates at most, and most weights alike.
            let off = (expected - found).abs() / expected.abs().max(1.0);
            ensure!(off < 1e-4, "step {step}, {name}: {found}, not {expected}");
        }
    }
    assert_eq!(answer["once"], answer["again"]);
    Ok(())
}

#[test]
fn teaching_lowers_the_distance_and_pausing_stops() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = paused(&site, 150)?;
    ensure!(text(&mut browser, "#count")? == "24 pairs");
    let steps = "window.pix2pixTeach.training.stepsMade";
    let before = browser.evaluate(steps)?;
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.evaluate(steps)?, before);
    let distance = "((losses) => { const mean = (some) => some.reduce((sum, { G_L1 }) => sum + G_L1, 0) / some.length; \
                    return [mean(losses.slice(0, 10)), mean(losses.slice(-30))]; })(window.pix2pixTeach.training.losses)";
    let distance = browser.evaluate(distance)?;
    let (first, last) = (distance[0].as_f64(), distance[1].as_f64());
    let (first, last) = first.zip(last).context("losses")?;
    ensure!(last < 0.5 * first, "{first} became {last}");
    // All three examples have an output by now.
    let drawn = "[...document.querySelectorAll('#examples canvas:nth-child(2)')].every((canvas) => \
                 canvas.getContext('2d').getImageData(0, 0, 9, 9).data.some((byte) => byte > 0))";
    assert_eq!(browser.evaluate(drawn)?, true);
    ensure!(text(&mut browser, "#reading")?.contains("A pixel is off by"));
    ensure_accessible(&mut browser, "a paused training")
}

#[test]
fn a_reload_goes_on_with_the_same_numbers() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = paused(&site, 5)?;
    wait_until_kept(&mut browser)?;
    let three_more = "(async () => { const { training } = window.pix2pixTeach; const begun = training.losses.length; \
                      for (let step = 0; step < 3; step++) await training.step(); return training.losses.slice(begun); })()";
    let without = browser.evaluate(three_more)?;
    assert_eq!(without.as_array().map(Vec::len), Some(3));
    show(&mut browser, &site)?;
    wait_for_state(&mut browser, "paused")?;
    let with = browser.evaluate(three_more)?;
    assert_eq!(with, without);
    Ok(())
}

#[test]
fn after_a_failure_it_goes_on_from_what_was_kept_in_a_new_worker() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = paused(&site, 5)?;
    wait_until_kept(&mut browser)?;
    let fail = "(() => { const { training } = window.pix2pixTeach; window.failed = training; \
                const error = Object.assign(new Error('It broke.'), { code: 'internal' }); \
                training.dispatchEvent(new CustomEvent('error', { detail: { error } })); \
                return training.stepsMade; })()";
    let step = browser.evaluate(fail)?;
    ensure!(text(&mut browser, "#message")?.contains("It broke."));
    click(&mut browser, "#teach")?;
    browser.wait_until(&format!("{STATE} === 'running'"), PATIENCE)?;
    let again = "(({ training }) => training !== window.failed && training.losses[0].step === 1 \
                 && training.stepsMade)(window.pix2pixTeach)";
    ensure!(browser.evaluate(again)?.as_u64() >= step.as_u64(), "{step}");
    Ok(())
}

#[test]
fn in_forced_colours_the_key_shows_the_colours_of_the_curves() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    browser.set_media(&[("forced-colors", "active")])?;
    browser.wait_until("matchMedia('(forced-colors: active)').matches", PATIENCE)?;
    let colors = "(() => { const style = (...of) => getComputedStyle(document.querySelector(of[0]), of[1]); \
                  const { color, borderTopColor } = style('#curves'); const key = ['.of-distance', '.of-critic']; \
                  return [[color, borderTopColor], key.map((name) => style(name, '::before').backgroundColor)]; })()";
    let colors = browser.evaluate(colors)?;
    ensure!(colors[0] == colors[1], "{colors}");
    ensure!(colors[0][0] != colors[0][1], "{colors}");
    Ok(())
}

#[test]
fn a_saved_model_draws_the_same_on_the_front_page() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = paused(&site, 20)?;
    let folder = browser.scratch().join("saved");
    fs::create_dir(&folder)?;
    let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
    browser.call_browser("Browser.setDownloadBehavior", behaviour)?;
    let picture = RgbImage::from_fn(128, 128, |x, y| {
        let is_line = (x as i32 - 64).pow(2) + (y as i32 - 60).pow(2);
        Rgb([if (900..1100).contains(&is_line) {
            0
        } else {
            255
        }; 3])
    });
    let path = browser.scratch().join("circle.png");
    pictures::save(&picture, &path)?;
    let bytes = fs::read(&path)?;
    let in_the_lesson = ask(&mut browser, "preview", &json!(bytes))?;
    let in_the_lesson = RgbaImage::from_raw(128, 128, decode_base64(&in_the_lesson["data"])?);
    let in_the_lesson = in_the_lesson.context("pixels")?;
    click(&mut browser, "#save")?;
    let archive = wait_for_download(&folder)?;

    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    page.browser.choose_file("#file-input", &archive)?;
    page.wait_for(
        "document.querySelector('#models .card:has(:checked) b').textContent === 'taught'",
    )?;
    // It was taught with drawings: the page offers a board, and takes a picture for it.
    page.wait_for("document.body.dataset.mode === 'draw'")?;
    page.browser.choose_file("#file-input", &path)?;
    page.wait_for("['done', 'error'].includes(document.body.dataset.state)")?;
    let on_the_page = page.result()?;
    let difference = pictures::difference(&in_the_lesson, &on_the_page)?;
    println!("{difference}");
    // The weights are stored in 16 bits: a relative error of 2⁻¹¹ each.
    ensure!(difference.mean < 0.5 && difference.max <= 4, "{difference}");
    Ok(())
}

#[test]
fn one_click_opens_the_model_on_the_front_page_where_it_stays() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 3)?;
    click(&mut browser, "#open")?;
    let chosen =
        "document.querySelector('#models .card:has(:checked) b')?.textContent === 'taught'";
    browser.wait_until(chosen, PATIENCE)?;
    browser.wait_until("document.body.dataset.mode === 'draw'", PATIENCE)?;
    let mut page = Page::open_in(browser, &site.url("?backend=cpu"))?;
    let listed = "[...document.querySelectorAll('#models .card b')].filter((name) => name.textContent === 'taught').length";
    assert_eq!(page.browser.evaluate(listed)?, 1);
    // The lesson is still there, too.
    show(&mut page.browser, &site)?;
    wait_for_state(&mut page.browser, "paused")
}

#[test]
fn what_is_no_pair_is_named_and_the_rest_is_taken() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let folder = browser.scratch().join("pairs");
    let pictures = combined(&folder, 2)?;
    click(&mut browser, "#sources [value=files]")?;
    for path in &pictures {
        browser.choose_file("#file-input", path)?;
        let name = path
            .file_name()
            .context("a name")?
            .to_string_lossy()
            .into_owned();
        let taken = format!("window.pix2pixTeach.pairs.some(({{ name }}) => name === '{name}')");
        browser.wait_until(&taken, PATIENCE)?;
    }
    let notes = folder.join("notes.png");
    fs::write(&notes, "no picture")?;
    let square = folder.join("square.png");
    pictures::save(&pictures::scene(60, 60, 1), &square)?;
    for (path, words) in [
        (&notes, "notes.png is not a picture"),
        (&square, "square.png has 60 × 60 pixels and is no pair"),
    ] {
        browser.choose_file("#file-input", path)?;
        let said = format!("document.querySelector('#problems').textContent.includes('{words}')");
        browser
            .wait_until(&said, PATIENCE)
            .with_context(|| text(&mut browser, "#problems").unwrap_or_default())?;
        ensure!(text(&mut browser, "#count")? == "2 pairs");
    }
    Ok(())
}

#[test]
fn two_folders_in_a_zip_are_pairs_of_the_same_names() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let answer = ask(&mut browser, "folders", &Value::Null)?;
    // Red is the input's colour and blue the target's; folders come in the order of their names.
    let expected = json!([["set/A/1.png", 255, 0], ["set/A/3.jpg", 255, 0]]);
    assert_eq!(answer["pairs"], expected);
    let problems: Vec<_> = answer["problems"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let named = |name: &str| {
        let mut said = problems.iter().filter_map(|problem| problem.as_str());
        said.any(|problem| problem.contains(name))
    };
    ensure!(named("set/A/2.png has no partner"), "{answer}");
    ensure!(
        named("set/B/4.png 40 × 80: both images of a pair"),
        "{answer}"
    );
    assert_eq!(problems.len(), 2);
    Ok(())
}

#[test]
fn one_pair_is_taught_with_a_warning_and_without_storage_that_is_said() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    let forbid = "Object.defineProperty(window, 'indexedDB', \
                  { get() { throw new DOMException('forbidden', 'SecurityError'); } });";
    browser.call("Page.enable", json!({}))?;
    let forbid = json!({ "source": forbid });
    browser.call("Page.addScriptToEvaluateOnNewDocument", forbid)?;
    show(&mut browser, &site)?;
    ensure!(text(&mut browser, "#kept")?.contains("stores nothing"));
    let pictures = combined(&browser.scratch().join("pairs"), 1)?;
    click(&mut browser, "#sources [value=files]")?;
    browser.choose_file("#file-input", &pictures[0])?;
    browser.wait_until("window.pix2pixTeach.pairs.length === 1", PATIENCE)?;
    click(&mut browser, "#teach")?;
    let said = "document.querySelector('#problems').textContent.includes('One pair alone')";
    browser.wait_until(said, PATIENCE)?;
    wait_for_step(&mut browser, 3)
}

#[test]
fn a_shipped_model_begins_as_it_is_and_is_taught_further() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    for name in ["daisies", "flowers-colorize"] {
        let manifest = format!("models/{name}/manifest.json");
        let answer = ask(&mut browser, "further", &json!({ "manifest": manifest }))?;
        println!("{name}: {answer}");
        // The same forward pass of the same weights, but for browsers that multiply and add at
        // once: a byte may be rounded the other way.
        ensure!(answer["before"].as_f64() <= Some(1.0), "{name}: {answer}");
        let modes = answer["modes"].as_array().context("modes")?;
        ensure!(modes.iter().all(|mode| *mode == modes[2]), "{answer}");
        ensure!(answer["after"].as_f64() > Some(1.0), "{name}: {answer}");
        ensure!(
            answer["last"].as_f64() < answer["first"].as_f64(),
            "{name}: {answer}"
        );
    }
    Ok(())
}

#[test]
fn after_one_lesson_the_page_teaches_without_a_network() -> Result<()> {
    let mut site = Site::shipped()?;
    let mut browser = paused(&site, 2)?;
    browser.wait_until("document.body.dataset.offline === 'ready'", PATIENCE)?;
    click(&mut browser, "#again")?;
    wait_for_state(&mut browser, "ready")?;
    site.go_offline();
    browser.set_offline(true)?;
    browser.go_to("about:blank")?;
    show(&mut browser, &site)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 2)?;
    ensure!(browser.evaluate(STATE)? == "running");
    Ok(())
}
