//! Teaching on a graphics device, which a driver computes in software here.

use super::*;

#[test]
fn steps_on_the_graphics_device_give_native_losses_with_a_checkpoint_between_them_or_without()
-> Result<()> {
    let [once, again] = losses_beside_native_ones("webgpu", 1, 4)?;
    ensure_close(&once, &again, TOLERANCE)
}

#[test]
fn a_lesson_on_the_graphics_device_goes_on_there_after_a_reload_and_its_model_is_whole()
-> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::WebGpu)?;
    browser.go_to(&site.url("teach.html?backend=webgpu"))?;
    browser.wait_until("window.pix2pixTeach?.isReady === true", PATIENCE)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 2)?;
    ensure!(text(&mut browser, "#speed")?.contains("on the graphics device"));
    click(&mut browser, "#pause")?;
    wait_for_state(&mut browser, "paused")?;
    wait_until_kept(&mut browser)?;
    // Without the address that asked for it.
    show(&mut browser, &site)?;
    wait_for_state(&mut browser, "paused")?;
    let state = "(async () => { const { training } = window.pix2pixTeach; \
                 const before = training.stepsMade; await training.step(); \
                 const { weights } = await training.export(); \
                 return [training.backend, before >= 2, training.stepsMade - before, weights.size > 1e5]; })()";
    assert_eq!(browser.evaluate(state)?, json!(["webgpu", true, 1, true]));
    Ok(())
}

#[test]
fn a_graphics_device_that_is_slower_is_left_alone() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::WebGpu)?;
    // What computes in software says that it is hardware.
    let pretend = "Object.defineProperty(GPUAdapterInfo.prototype, 'isFallbackAdapter', { get: () => false });";
    let listen = "window.notes = []; console.info = (note) => window.notes.push(note);";
    run_first(&mut browser, &format!("{pretend}{listen}"))?;
    show(&mut browser, &site)?;
    click(&mut browser, "#teach")?;
    wait_for_step(&mut browser, 2)?;
    assert_eq!(
        browser.evaluate("window.pix2pixTeach.training.backend")?,
        "cpu"
    );
    let requests = site.requests();
    let is_tried = |path: &String| path.contains("training-webgpu/web_bg.wasm");
    ensure!(requests.iter().any(is_tried), "{requests:?}");
    let notes = browser.evaluate("window.notes.join()")?;
    let notes = notes.as_str().context("notes")?;
    ensure!(notes.starts_with("A step takes"), "{notes}");
    Ok(())
}

#[test]
fn without_a_graphics_device_who_asks_for_it_is_told() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = open(&site)?;
    let refused = "(async () => { const { Training } = await import('./pix2pix-training.js'); \
                   const image = new ImageData(128, 128); \
                   const pairs = [{ input: image, target: image }]; \
                   try { await Training.create({ pairs, backend: 'webgpu' }); return 'taught'; } \
                   catch (error) { return `${error.code}: ${error.message}`; } })()";
    let said = browser.evaluate(refused)?;
    let said = said.as_str().context("a sentence")?;
    ensure!(
        said.starts_with("no-webgpu: ") && said.contains("Choose the CPU"),
        "{said}"
    );
    Ok(())
}
