//! `teach.html`, where visitors teach a model of their own, and the module that it teaches with.

#[path = "teach/brought.rs"]
mod brought;
#[path = "teach/drawn.rs"]
mod drawn;
#[path = "teach/on_gpu.rs"]
mod on_gpu;

use std::ffi::OsStr;
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

/// Trains natively, and returns the losses of each step as the program reports them.
fn native_losses(
    (data, run): (&Path, &Path),
    (steps, seed): (u32, u32),
    more: &[&str],
) -> Result<Vec<Value>> {
    let steps = format!("--steps={steps}");
    let seed = format!("--seed={seed}");
    // Losses are reported as often as checkpoints are made.
    let usual = [
        steps.as_str(),
        &seed,
        "--net-g=unet_128",
        "--size=128",
        "--base=8",
        "--checkpoint-every=1",
    ];
    let folders = [
        "train".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--run".as_ref(),
        run.as_os_str(),
    ];
    let flags = usual.iter().chain(more).map(|flag| OsStr::new(*flag));
    trainer::run(folders.into_iter().chain(flags))?;
    let lines = fs::read_to_string(run.join("metrics.jsonl"))?;
    let lines = lines.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let losses = lines.into_iter().filter(|line| line["losses"].is_object());
    Ok(losses.map(|line| line["losses"].clone()).collect())
}

#[test]
fn ten_steps_give_the_losses_that_they_give_natively_and_the_same_bits_after_a_checkpoint()
-> Result<()> {
    let [once, again] = losses_beside_native_ones("cpu", 1, 10)?;
    assert_eq!(once, again);
    Ok(())
}

#[test]
fn workers_learn_as_so_many_native_replicas_do_and_the_same_bits_after_a_checkpoint() -> Result<()>
{
    for (workers, steps) in [(2, 10), (3, 4)] {
        let [once, again] = losses_beside_native_ones("cpu", workers, steps)?;
        assert_eq!(once, again);
    }
    Ok(())
}

/// Ten steps move a weight by ten rates at most, and most weights alike.
const TOLERANCE: f64 = 1e-4;

/// Of a training in the tab, and of one that was resumed half-way, which are close to those of as
/// many native replicas.
fn losses_beside_native_ones(backend: &str, workers: usize, steps: u32) -> Result<[Vec<Value>; 2]> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    combined(&data.join("train"), 4)?;
    combined(&data.join("val"), 1)?;
    let devices = format!("--device={}", vec!["cpu"; workers].join(","));
    let (batch, rate) = (
        format!("--batch={workers}"),
        format!("--lr={LEARNING_RATE}"),
    );
    let run = home.path().join("run");
    let native = native_losses((&data, &run), (steps, 5), &[&devices, &batch, &rate])?;

    let mut site = Site::shipped()?;
    site.also_serve("pairs/", &data.join("train"))?;
    let mut browser = match backend {
        "webgpu" => Browser::start(Graphics::WebGpu)?,
        _ => Browser::start(Graphics::None)?,
    };
    show(&mut browser, &site)?;
    let arguments = json!({ "count": 4, "steps": steps, "seed": 5, "side": LOAD_SIZE,
        "learningRate": LEARNING_RATE, "workers": workers, "backend": backend });
    let answer = ask(&mut browser, "losses", &arguments)?;
    let losses = |name: &str| answer[name].as_array().cloned().context("losses");
    let [once, again] = [losses("once")?, losses("again")?];
    assert_eq!(once.len(), steps as usize);
    ensure_close(&once, &native, TOLERANCE)?;
    Ok([once, again])
}

/// At the usual rate, where Adam knows the size of the gradients already.
#[test]
fn a_native_checkpoint_goes_on_in_the_tab_with_the_losses_that_it_has_natively() -> Result<()> {
    const BEGUN: u32 = 20;
    let home = tempfile::tempdir()?;
    let (data, run) = (home.path().join("data"), home.path().join("run"));
    combined(&data.join("train"), 4)?;
    combined(&data.join("val"), 1)?;
    let folders = (data.as_path(), run.as_path());
    let usual = ["--device=cpu", "--lr-policy=constant"];
    native_losses(folders, (BEGUN, 5), &usual)?;
    let kept = home.path().join("kept");
    fs::rename(run.join(format!("checkpoints/{BEGUN:08}")), &kept)?;
    fs::remove_dir_all(&run)?;
    let native = native_losses(folders, (BEGUN + 10, 5), &usual)?;
    let native = native.get(BEGUN as usize..).context("steps")?;

    let mut site = Site::shipped()?;
    site.also_serve("pairs/", &data.join("train"))?;
    site.also_serve("native/", &kept)?;
    let mut browser = open(&site)?;
    let arguments =
        json!({ "count": 4, "steps": 10, "seed": 5, "side": LOAD_SIZE, "begun": BEGUN });
    let answer = ask(&mut browser, "continued", &arguments)?;
    let in_the_tab = answer["losses"].as_array().context("losses")?;
    ensure_close(in_the_tab, native, 1e-3)
}

fn ensure_close(in_the_tab: &[Value], native: &[Value], tolerance: f64) -> Result<()> {
    assert_eq!(native.len(), in_the_tab.len());
    let mut most = 0f64;
    for (step, (native, tab)) in native.iter().zip(in_the_tab).enumerate() {
        for name in ["G_GAN", "G_L1", "D_real", "D_fake"] {
            let (expected, found) = (native[name].as_f64(), tab[name].as_f64());
            let (expected, found) = expected.zip(found).context("a loss")?;
            let off = (expected - found).abs() / expected.abs().max(1.0);
            most = most.max(off);
            ensure!(
                off < tolerance,
                "step {step}, {name}: {found}, not {expected}"
            );
        }
    }
    println!("losses differ by {most:.1e} at most");
    Ok(())
}

#[test]
fn teaching_lowers_the_distance_and_pausing_stops() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = paused(&site, 150)?;
    ensure!(text(&mut browser, "#count")? == "27 pairs");
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
    let memory = browser.evaluate("window.pix2pixTeach.training.memory")?;
    ensure!(memory.as_u64() > Some(16 << 20), "{memory}");
    ensure!(text(&mut browser, "#memory")?.ends_with("MB"));
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
fn a_worker_that_dies_ends_the_training_with_words_and_what_was_kept_goes_on() -> Result<()> {
    let site = Site::shipped()?;
    // Workers, where the test finds them.
    let watch = "window.workers = []; window.Worker = class extends Worker { \
                 constructor(...of) { super(...of); window.workers.push(this); } };";
    let mut browser = open_after(&site, watch)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 3)?;
    let kept = "document.querySelector('#kept').textContent.startsWith('Up to step')";
    browser.wait_until(kept, PATIENCE)?;
    // A trap in WebAssembly reaches the page as this event, since steps are made in promises.
    let die =
        "window.workers.at(-1).dispatchEvent(new ErrorEvent('error', { message: 'unreachable' }))";
    browser.evaluate(die)?;
    browser.wait_until(&format!("{STATE} === 'error'"), PATIENCE)?;
    ensure!(text(&mut browser, "#message")?.contains("The worker stopped: unreachable"));
    click(&mut browser, "#teach")?;
    browser.wait_until(&format!("{STATE} === 'running'"), PATIENCE)?;
    wait_for_step(&mut browser, 5)
}

#[test]
fn logits_of_a_pair_are_those_that_the_next_step_pays_for() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let answer = ask(&mut browser, "logits", &Value::Null)?;
    // A PatchGAN has 14 × 14 logits for 128 × 128 pixels.
    assert_eq!(answer["size"], json!([14, 14, 196]));
    let [expected, found] = ["paid", "D_real"].map(|name| answer[name].as_f64());
    let (expected, found) = expected.zip(found).context("losses")?;
    // Two orders of summing 196 numbers of 32 bits.
    ensure!((expected - found).abs() < 1e-5 * expected, "{answer}");
    Ok(())
}

#[test]
fn an_error_of_one_worker_is_that_of_the_training() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let answer = ask(&mut browser, "team", &Value::Null)?;
    // Which is what the follower said, though the lead waited for its gradients.
    assert_eq!(answer["message"], "It broke.");
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
fn every_task_makes_pairs_of_photos_and_a_model_that_says_what_it_does() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let answer = ask(&mut browser, "tasks", &Value::Null)?;
    let tasks = answer["tasks"].as_array().context("tasks")?;
    assert_eq!(tasks.len(), 6, "{answer}");
    for task in tasks {
        let name = task["task"].as_str().context("a task")?;
        ensure!(task["spoilt"].as_f64() > Some(0.5), "{task}");
        ensure!(
            task["isSame"] == true && task["areFinite"] == true,
            "{task}"
        );
        let manifest = &task["manifest"];
        assert_eq!(manifest["task"], name);
        let residual = manifest["generator"]["residual"] == true;
        let corrects = ["deblur", "super-resolve", "restore"].contains(&name);
        assert_eq!(residual, corrects, "{manifest}");
        let draws = manifest["input"]["mode"] == "draw";
        assert_eq!(draws, name == "edges", "{manifest}");
        let chroma = manifest["output"]["encoding"] == "chroma";
        assert_eq!(chroma, name == "colorize", "{manifest}");
    }
    Ok(())
}

#[test]
fn photos_are_enough_and_another_task_makes_other_inputs_of_them() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    click(&mut browser, "#sources [value=photos]")?;
    let photo = browser.scratch().join("photo.png");
    pictures::save(&pictures::scene(300, 200, 1), &photo)?;
    browser.choose_file("#file-input", &photo)?;
    browser.wait_until("window.pix2pixTeach.pairs.length === 1", PATIENCE)?;
    let input = "window.pix2pixTeach.pairs[0].input.data";
    // The page begins with colours.
    let is_grey =
        format!("{input}.every((byte, at) => at % 4 === 3 || byte === {input}[at - (at % 4)])");
    assert_eq!(browser.evaluate(&is_grey)?, true);
    let choose = "(() => { const task = document.querySelector('#task'); task.value = 'inpaint'; \
                  task.dispatchEvent(new Event('change')); })()";
    browser.evaluate(choose)?;
    browser.wait_until(&format!("!({is_grey})"), PATIENCE)?;
    click(&mut browser, "#sources [value=files]")?;
    ensure!(text(&mut browser, "#count")? == "No pairs yet");
    click(&mut browser, "#sources [value=photos]")?;
    ensure!(text(&mut browser, "#count")? == "One pair");
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 3)?;
    let task = browser.evaluate("window.pix2pixTeach.training.manifest.task")?;
    assert_eq!(task, "inpaint");
    Ok(())
}

#[test]
fn twenty_pictures_of_the_camera_are_photos_and_then_it_is_off() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open_with_camera(&site)?;
    click(&mut browser, "#sources [value=photos]")?;
    click(&mut browser, "#camera")?;
    browser.wait_until("window.pix2pixTeach.pairs.length === 20", PATIENCE)?;
    assert_eq!(browser.evaluate("window.camera.active")?, false);
    // The fake camera moves.
    let kinds = "new Set(window.pix2pixTeach.pairs.map(({ target }) => String(target.data))).size";
    ensure!(browser.evaluate(kinds)?.as_u64() > Some(10));
    Ok(())
}

#[test]
fn while_it_is_taught_the_camera_goes_through_the_network_until_it_is_off() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open_with_camera(&site)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 2)?;
    click(&mut browser, "#try-camera")?;
    // The fake camera moves, and what is drawn of it as well.
    let watch = "window.seen = [new Set(), new Set()]; window.look = setInterval(() => {\
                 document.querySelectorAll('#board canvas').forEach((canvas, at) => \
                 window.seen[at].add(canvas.toDataURL())); }, 50)";
    browser.evaluate(watch)?;
    browser.wait_until("window.seen.every(({ size }) => size > 5)", PATIENCE)?;
    assert_eq!(text(&mut browser, "#try-camera")?, "Camera off");
    click(&mut browser, "#try-camera")?;
    browser.wait_until("!window.camera.active", PATIENCE)?;
    browser.wait_until(
        "document.querySelector('#try-camera').textContent === 'The camera'",
        PATIENCE,
    )?;
    ensure!(browser.evaluate(STATE)? == "running");
    Ok(())
}

fn open_with_camera(site: &Site) -> Result<Browser> {
    let fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ];
    let mut browser = Browser::start_with(Graphics::None, &fake)?;
    show(&mut browser, site)?;
    let watch = "(() => { const media = navigator.mediaDevices; const open = media.getUserMedia.bind(media); \
                 media.getUserMedia = async (wanted) => (window.camera = await open(wanted)); })()";
    browser.evaluate(watch)?;
    Ok(browser)
}

#[test]
fn a_full_storage_is_said_and_the_training_goes_on() -> Result<()> {
    let site = Site::shipped()?;
    let full = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };";
    let mut browser = open_after(&site, full)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 3)?;
    ensure!(text(&mut browser, "#kept")?.contains("storage is full"));
    ensure!(browser.evaluate(STATE)? == "running");
    Ok(())
}

#[test]
fn while_another_tab_teaches_this_one_is_told_that_it_is_not_kept() -> Result<()> {
    let site = Site::shipped()?;
    // What the other tab holds as long as it is open.
    let hold = "navigator.locks.request('pix2pix-teach', () => new Promise(() => {}));";
    let mut browser = open_after(&site, hold)?;
    ensure!(text(&mut browser, "#kept")?.starts_with("Another tab"));
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 3)?;
    ensure!(browser.evaluate(STATE)? == "running");
    Ok(())
}

/// The page, in which a script ran before its own.
fn open_after(site: &Site, script: &str) -> Result<Browser> {
    let mut browser = Browser::start(Graphics::None)?;
    run_first(&mut browser, script)?;
    show(&mut browser, site)?;
    Ok(browser)
}

fn run_first(browser: &mut Browser, script: &str) -> Result<()> {
    browser.call("Page.enable", json!({}))?;
    let script = json!({ "source": script });
    browser.call("Page.addScriptToEvaluateOnNewDocument", script)?;
    Ok(())
}

#[test]
fn one_pair_is_taught_with_a_warning_and_without_storage_that_is_said() -> Result<()> {
    let site = Site::shipped()?;
    let forbid = "Object.defineProperty(window, 'indexedDB', \
                  { get() { throw new DOMException('forbidden', 'SecurityError'); } });";
    let mut browser = open_after(&site, forbid)?;
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
        let before = answer["before"].as_f64();
        ensure!(before.is_some_and(|most| most <= 1.0), "{name}: {answer}");
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
