//! A lesson that is drawn by hand: what a person's pen does, and what comes of it.

use std::f64::consts::TAU;

use anyhow::{Context, Result, ensure};
use image::RgbaImage;
use tests::browser::{Browser, Graphics, decode_base64};
use tests::page::{Page, Place};
use tests::site::Site;

use super::{show, text, wait_for_state};

/// The middle and the radius of the circles that are drawn, as shares of the board's side.
const CIRCLES: [(f64, f64, f64); 7] = [
    (0.35, 0.40, 0.22),
    (0.60, 0.55, 0.30),
    (0.50, 0.35, 0.26),
    (0.42, 0.62, 0.20),
    (0.64, 0.38, 0.24),
    (0.45, 0.50, 0.32),
    (0.56, 0.46, 0.25),
];

fn outline(place: Place, (x, y, radius): (f64, f64, f64)) -> Vec<(f64, f64)> {
    let points = (0..=40).map(|step| f64::from(step) / 40.0 * TAU);
    let on_circle = points.map(|turn| (x + radius * turn.cos(), y + radius * turn.sin()));
    on_circle.map(|(x, y)| place.point(x, y)).collect()
}

/// A spiral that leaves nothing white.
fn filling(place: Place, (x, y, radius): (f64, f64, f64)) -> Vec<(f64, f64)> {
    let points = (0..=160).map(|step| f64::from(step) / 160.0);
    let on_spiral = points.map(|share| {
        let (turn, reach) = (share * 6.0 * TAU, radius * share);
        (x + reach * turn.cos(), y + reach * turn.sin())
    });
    on_spiral.map(|(x, y)| place.point(x, y)).collect()
}

fn set_line_width(page: &mut Page, board: &str, width: u32) -> Result<()> {
    let script = format!(
        "(() => {{ const slider = document.querySelector('{board} input[type=range]'); \
         slider.value = {width}; slider.dispatchEvent(new Event('input')); }})()"
    );
    page.browser.evaluate(&script).map(drop)
}

#[test]
fn six_drawn_circles_teach_to_fill_a_seventh() -> Result<()> {
    let site = Site::shipped()?;
    let mut page = Page {
        browser: Browser::start(Graphics::None)?,
    };
    show(&mut page.browser, &site)?;
    page.click("#sources [value=draw]")?;
    let (left, right) = ("#draw .sheet:first-child", "#draw .sheet:last-child");
    page.click(&format!("{right} [value=Orange]"))?;
    for circle in &CIRCLES[..6] {
        let board = page.place_of(&format!("{left} canvas"))?;
        page.browser.draw_line("mouse", &outline(board, *circle))?;
        let board = page.place_of(&format!("{right} canvas"))?;
        set_line_width(&mut page, right, 20)?;
        page.browser.draw_line("mouse", &filling(board, *circle))?;
        page.click("#add-pair")?;
    }
    ensure!(text(&mut page.browser, "#count")? == "6 pairs");
    page.click("#steps [value='500']")?;
    page.click("#teach")?;
    wait_for_state(&mut page.browser, "done")?;
    let board = page.place_of("#board .sheet:first-child canvas")?;
    let seventh = CIRCLES[6];
    page.browser.draw_line("mouse", &outline(board, seventh))?;
    page.wait_for("document.querySelector('#said').textContent.startsWith('Drawn')")?;
    let result = pixels_of(&mut page.browser, "#board .sheet:last-child canvas")?;
    let (inside, outside) = colors(&result, seventh);
    println!("inside {inside:?}, outside {outside:?}");
    // Orange is 240, 140, 30: blue tells it from the white ground.
    ensure!(
        inside[0] > 170.0 && inside[2] < 110.0,
        "inside is {inside:?}"
    );
    ensure!(outside[2] > 215.0, "outside is {outside:?}");
    Ok(())
}

/// Mean colours well inside and well outside of a circle.
fn colors(picture: &RgbaImage, (x, y, radius): (f64, f64, f64)) -> ([f64; 3], [f64; 3]) {
    let side = f64::from(picture.width());
    let mean = |wanted: &dyn Fn(f64) -> bool| {
        let chosen = picture.enumerate_pixels().filter(|(column, row, _)| {
            let (across, down) = (f64::from(*column) / side - x, f64::from(*row) / side - y);
            wanted(across.hypot(down) / radius)
        });
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for (_, _, pixel) in chosen {
            sum.iter_mut()
                .zip(pixel.0)
                .for_each(|(sum, byte)| *sum += f64::from(byte));
            count += 1.0;
        }
        sum.map(|sum| sum / count)
    };
    (mean(&|share| share < 0.75), mean(&|share| share > 1.3))
}

fn pixels_of(browser: &mut Browser, canvas: &str) -> Result<RgbaImage> {
    let script = format!(
        "(() => {{ const canvas = document.querySelector('{canvas}'); const {{ width, height }} = canvas; \
         const {{ data }} = canvas.getContext('2d').getImageData(0, 0, width, height); let bytes = ''; \
         for (let at = 0; at < data.length; at += 0x8000) bytes += String.fromCharCode(...data.subarray(at, at + 0x8000)); \
         return {{ width, height, data: btoa(bytes) }}; }})()"
    );
    let picture = browser.evaluate(&script)?;
    let side = |name: &str| {
        Ok::<_, anyhow::Error>(u32::try_from(picture[name].as_u64().context("a size")?)?)
    };
    let (width, height) = (side("width")?, side("height")?);
    RgbaImage::from_raw(width, height, decode_base64(&picture["data"])?).context("pixels")
}
