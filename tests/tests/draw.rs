//! Drawing: every tool, pointer and key, and the picture that follows each stroke.

use anyhow::{Result, ensure};
use image::{Rgba, RgbaImage};
use serde_json::json;
use tests::browser::Graphics;
use tests::mock::Mock;
use tests::page::{Page, Place};
use tests::site::Site;

const GROUND: [u8; 3] = [0, 0, 170];
const WALL: [u8; 3] = [10, 200, 30];
const WINDOW: [u8; 3] = [250, 120, 5];

struct Board {
    page: Page,
    place: Place,
    // Serves the page as long as it is open.
    _site: Site,
}

impl Board {
    fn open(mock: &Mock) -> Result<Self> {
        let site = mock.site()?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
        page.wait_for("document.querySelector('.palette input') !== null")?;
        page.browser.evaluate(COUNT_ANSWERS)?;
        let place = page.place_of(".drawing")?;
        Ok(Self {
            page,
            place,
            _site: site,
        })
    }

    fn take(&mut self, tool: &str, label: &str) -> Result<()> {
        self.page.click(&format!(".tool-set input[value={tool}]"))?;
        self.page.click(&format!(".palette input[value={label}]"))
    }

    fn line(&mut self, pointer: &str, from: (f64, f64), to: (f64, f64)) -> Result<()> {
        let (from, to) = (
            self.place.point(from.0, from.1),
            self.place.point(to.0, to.1),
        );
        self.page.browser.draw_line(pointer, &[from, to])
    }

    /// The translation of what is drawn now.
    fn picture(&mut self) -> Result<RgbaImage> {
        self.page.wait_for(SHOWS_THE_DRAWING)?;
        self.page.result()
    }

    fn at(&mut self, across: f64, down: f64) -> Result<[u8; 3]> {
        let picture = self.picture()?;
        let place = |share: f64, side: u32| (share * f64::from(side)) as u32;
        let (x, y) = (
            place(across, picture.width()),
            place(down, picture.height()),
        );
        let Rgba([red, green, blue, _]) = *picture.get_pixel(x, y);
        Ok([255 - red, 255 - green, 255 - blue])
    }
}

/// Whether the picture is the drawing's: the played model inverts.
const SHOWS_THE_DRAWING: &str = "(() => {
  const board = document.querySelector('.drawing');
  const drawn = board.getContext('2d').getImageData(0, 0, board.width, board.height).data;
  const result = window.pix2pixDemo.resultPixels();
  return document.body.dataset.state === 'done' && result !== null
    && result.data.every((value, at) => at % 4 === 3 || value === 255 - drawn[at]);
})()";

const COUNT_ANSWERS: &str = "window.answers = 0; new MutationObserver(() => { window.answers++; })
  .observe(document.querySelector('.draw'), { attributeFilter: ['data-busy'] })";

#[test]
fn a_line_by_mouse_pen_and_finger_comes_out_translated() -> Result<()> {
    for pointer in ["mouse", "pen", "finger"] {
        let mut board = Board::open(&Mock::labels())?;
        board.take("pencil", "window")?;
        let ends = [board.place.point(0.2, 0.5), board.place.point(0.8, 0.5)];
        match pointer {
            "finger" => board.page.browser.draw_line_by_touch(&ends)?,
            _ => board.page.browser.draw_line(pointer, &ends)?,
        }
        assert_eq!(board.at(0.5, 0.5)?, WINDOW, "{pointer}");
        assert_eq!(board.at(0.5, 0.9)?, GROUND, "{pointer}");
    }
    Ok(())
}

#[test]
fn a_label_map_holds_no_colour_that_is_not_a_label() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    board.take("pencil", "window")?;
    board.line("mouse", (0.1, 0.2), (0.83, 0.77))?;
    board.take("pencil", "wall")?;
    board.line("mouse", (0.9, 0.13), (0.21, 0.9))?;
    let picture = board.picture()?;
    let labels = [GROUND, WALL, WINDOW].map(|label| label.map(|channel| 255 - channel));
    for Rgba([red, green, blue, _]) in picture.pixels() {
        ensure!(
            labels.contains(&[*red, *green, *blue]),
            "{red} {green} {blue}"
        );
    }
    Ok(())
}

#[test]
fn a_rectangle_is_filled_with_its_label_and_the_eraser_brings_the_ground_back() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    board.take("rectangle", "wall")?;
    board.line("mouse", (0.8, 0.9), (0.2, 0.1))?;
    assert_eq!(board.at(0.3, 0.2)?, WALL);
    assert_eq!(board.at(0.1, 0.5)?, GROUND);
    board.take("eraser", "wall")?;
    board.line("mouse", (0.3, 0.5), (0.7, 0.5))?;
    assert_eq!(board.at(0.5, 0.5)?, GROUND);
    assert_eq!(board.at(0.5, 0.2)?, WALL);
    Ok(())
}

#[test]
fn undo_redo_and_clear_go_through_the_drawing_and_its_picture() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    board.take("rectangle", "wall")?;
    board.line("mouse", (0.2, 0.2), (0.8, 0.8))?;
    board.take("rectangle", "window")?;
    board.line("mouse", (0.4, 0.4), (0.6, 0.6))?;
    assert_eq!(board.at(0.5, 0.5)?, WINDOW);
    board.page.click("[aria-label=Undo]")?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    board
        .page
        .browser
        .evaluate("document.querySelector('.drawing').focus()")?;
    board.page.browser.press_key("z", 2)?;
    assert_eq!(board.at(0.5, 0.5)?, GROUND);
    board.page.browser.press_key("Z", 2 | 8)?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    board.page.click("[aria-label=Clear]")?;
    assert_eq!(board.at(0.5, 0.5)?, GROUND);
    board.page.click("[aria-label=Undo]")?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    Ok(())
}

#[test]
fn the_keyboard_alone_draws() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    board.take("pencil", "window")?;
    board
        .page
        .browser
        .evaluate("document.querySelector('.drawing').focus()")?;
    board.page.browser.press_key(" ", 0)?;
    for _ in 0..4 {
        board.page.browser.press_key("ArrowRight", 0)?;
    }
    board.page.browser.press_key(" ", 0)?;
    board.page.browser.press_key("ArrowDown", 0)?;
    assert_eq!(board.at(0.6, 0.5)?, WINDOW);
    assert_eq!(board.at(0.4, 0.5)?, GROUND);
    board.page.browser.press_key("r", 0)?;
    let tool = "document.querySelector('.tool-set input:checked').value";
    assert_eq!(board.page.browser.evaluate(tool)?, "rectangle");
    Ok(())
}

#[test]
fn the_pen_of_the_keyboard_is_shown_where_it_draws() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    let browser = &mut board.page.browser;
    browser.evaluate("document.querySelector('.drawing').focus()")?;
    browser.press_key("ArrowRight", 0)?;
    browser.press_key("ArrowDown", 0)?;
    // From the middle of 128 pixels, a step is 8 of them.
    let offset = "(() => {
      const place = (selector) => document.querySelector(selector).getBoundingClientRect();
      const [pen, drawing] = [place('.pen'), place('.drawing')];
      return Math.max(
        Math.abs(pen.left + pen.width / 2 - drawing.left - (drawing.width * 72) / 128),
        Math.abs(pen.top + pen.height / 2 - drawing.top - (drawing.height * 72) / 128));
    })()";
    let offset = browser.evaluate(offset)?;
    ensure!(
        offset.as_f64().is_some_and(|pixels| pixels < 1.0),
        "{offset}"
    );
    Ok(())
}

#[test]
fn the_line_is_as_wide_as_the_slider_says() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    board.take("pencil", "window")?;
    let widen = "(() => { const slider = document.querySelector('.line-width input');
        slider.value = 40; slider.dispatchEvent(new Event('input')); })()";
    board.page.browser.evaluate(widen)?;
    board.line("mouse", (0.2, 0.5), (0.8, 0.5))?;
    // The drawing has 128 pixels, so that 40 are 0.31 of it.
    assert_eq!(board.at(0.5, 0.37)?, WINDOW);
    assert_eq!(board.at(0.5, 0.63)?, WINDOW);
    assert_eq!(board.at(0.5, 0.30)?, GROUND);
    Ok(())
}

#[test]
fn lines_are_black_on_white_where_there_are_no_labels() -> Result<()> {
    let mut board = Board::open(&Mock::lines())?;
    board.line("mouse", (0.2, 0.5), (0.8, 0.5))?;
    assert_eq!(board.at(0.5, 0.5)?, [0, 0, 0]);
    assert_eq!(board.at(0.5, 0.2)?, [255, 255, 255]);
    Ok(())
}

#[test]
fn while_a_slow_model_works_only_the_latest_stroke_waits() -> Result<()> {
    let mut board = Board::open(&Mock::labels().play("delay", 1000))?;
    board.take("pencil", "window")?;
    for row in 1..=8 {
        let y = f64::from(row) / 9.0;
        board.line("mouse", (0.1, y), (0.9, y))?;
    }
    for row in 1..=8 {
        assert_eq!(board.at(0.5, f64::from(row) / 9.0)?, WINDOW, "stroke {row}");
    }
    let answers = board.page.browser.evaluate("window.answers / 2")?;
    let answers = answers.as_f64().unwrap_or(f64::INFINITY);
    // Each stroke changes the drawing four times.
    ensure!((1.0..=20.0).contains(&answers), "{answers} translations");
    Ok(())
}

#[test]
fn a_picture_from_disk_becomes_the_drawing() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    let path = board.page.browser.scratch().join("map.png");
    image::RgbImage::from_pixel(64, 64, image::Rgb(WALL)).save(&path)?;
    board.page.browser.choose_file("#file-input", &path)?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    Ok(())
}

#[test]
fn a_picture_from_disk_keeps_its_shape() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    let path = board.page.browser.scratch().join("wide.png");
    image::RgbImage::from_pixel(90, 45, image::Rgb(WALL)).save(&path)?;
    board.page.browser.choose_file("#file-input", &path)?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    assert_eq!(board.at(0.02, 0.3)?, WALL);
    assert_eq!(board.at(0.5, 0.2)?, GROUND);
    assert_eq!(board.at(0.5, 0.8)?, GROUND);
    Ok(())
}

#[test]
fn a_drawing_outlives_another_model_and_another_visit_of_the_page() -> Result<()> {
    let site =
        Mock::labels().site_beside(&[("lines", &Mock::lines()), ("photos", &Mock::photo())])?;
    let mut page = Page::open(&site.url("?backend=cpu"), Graphics::None)?;
    page.wait_for("document.querySelectorAll('.palette input').length === 3")?;
    let place = page.place_of(".drawing")?;
    let mut board = Board {
        page,
        place,
        _site: site,
    };
    board.take("rectangle", "wall")?;
    board.line("mouse", (0.2, 0.2), (0.8, 0.8))?;
    assert_eq!(board.at(0.5, 0.5)?, WALL);
    for other in ["lines", "photos"] {
        board.page.click(&format!("#models input[value={other}]"))?;
        board
            .page
            .wait_for("document.body.dataset.state === 'empty'")?;
        board.page.click("#models input[value=played]")?;
        // It is translated anew, by the model that it was drawn for.
        assert_eq!(board.at(0.5, 0.5)?, WALL, "{other}");
    }
    board.page.browser.call("Page.reload", json!({}))?;
    let pixel = "(() => { const board = document.querySelector('.drawing');
      return [...board.getContext('2d').getImageData(64, 64, 1, 1).data].join(); })()";
    board
        .page
        .wait_for(&format!("{pixel} === '10,200,30,255'"))?;
    assert_eq!(board.page.state()?, "empty", "nothing was asked for yet");
    board
        .page
        .browser
        .evaluate("document.activeElement.blur()")?;
    board.page.browser.press_key("z", 2)?;
    assert_eq!(board.page.browser.evaluate(pixel)?, "0,0,170,255");
    Ok(())
}

#[test]
fn the_time_of_a_picture_is_not_that_of_the_download() -> Result<()> {
    let mut board = Board::open(&Mock::labels())?;
    // The answers to the worker come late.
    let late = "(() => { const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (message, ...rest) {
        setTimeout(() => post.call(this, message, ...rest), message.kind === 'start' ? 2000 : 0);
      };
      const elapsed = document.querySelector('#elapsed');
      window.times = [];
      new MutationObserver(() => window.times.push(elapsed.textContent)).observe(elapsed, { childList: true });
    })()";
    board.page.browser.evaluate(late)?;
    board.line("mouse", (0.2, 0.5), (0.8, 0.5))?;
    board.picture()?;
    let times = board.page.browser.evaluate("window.times.join()")?;
    let times = times.as_str().unwrap_or_default();
    ensure!(times.contains(" ms") && !times.contains(" s"), "{times}");
    Ok(())
}
