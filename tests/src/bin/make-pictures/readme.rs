//! The pictures of the README, in docs/pictures: three results, the page, a session on the terminal.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tests::browser::{Browser, Graphics, decode_base64};
use tests::site::Site;
use xtask::workspace;

use crate::easel::{Easel, Placed, Written};
use crate::{models, recording};

const SIDE: u32 = 192;
const GAP: u32 = 4;
const BETWEEN: u32 = 28;
const RESULTS: usize = 3;
const WINDOW: (u32, u32) = (1280, 1020);

pub fn make() -> Result<()> {
    let folder = workspace::root().join("docs/pictures");
    fs::create_dir_all(&folder)?;
    for (name, bytes) in [
        ("results.webp", results()?),
        ("page.webp", page()?),
        ("terminal.svg", recording::terminal()?.into_bytes()),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Input and output of what the first models open with.
fn results() -> Result<Vec<u8>> {
    let scratch = tempfile::tempdir()?;
    let (mut placed, mut x) = (Vec::new(), 0);
    for model in models::list()?.iter().take(RESULTS) {
        let input = model.opening_image();
        let output = models::translated(&model.folder, &input, scratch.path())?;
        for path in [&input, &output] {
            placed.push(Placed::file(path, (x, 0), (SIDE, SIDE))?);
            x += SIDE + GAP;
        }
        x += BETWEEN - GAP;
    }
    Easel::new()?.draw((x - BETWEEN, SIDE), &placed, Written::WebP(80_000))
}

/// The built page as it opens.
fn page() -> Result<Vec<u8>> {
    let site = Site::shipped()?;
    let mut browser = Browser::start_with(Graphics::None, &["--hide-scrollbars"])?;
    browser.set_window(WINDOW.0, WINDOW.1, false)?;
    browser.go_to(&site.url(""))?;
    let is_there = "!('starting' in document.body.dataset)
        && [...document.querySelectorAll('.card label img')].every(({ complete }) => complete)
        && [...document.querySelectorAll('#sample-list canvas')].every((canvas) =>
             canvas.getContext('2d').getImageData(96, 96, 1, 1).data[3] > 0)";
    browser.wait_until(is_there, Duration::from_secs(30))?;
    let format = json!({ "format": "webp", "quality": 85 });
    decode_base64(&browser.call("Page.captureScreenshot", format)?["data"])
}
