//! The divider between the picture before and after follows mouse, finger and keyboard.

use anyhow::Result;
use serde_json::json;
use tests::browser::Graphics;
use tests::page::Page;
use tests::pictures;
use tests::site::Site;
use tests::trainer;

const PLACE: &str = "(() => { const { left, top, width, height } =
  document.querySelector('#picture').getBoundingClientRect();
  return { left, top, width, height }; })()";

struct Stage {
    page: Page,
    left: f64,
    width: f64,
    middle: f64,
    // Serves the page as long as it is open.
    _site: Site,
}

impl Stage {
    /// The page with a finished translation, scrolled to it, its opening animation over.
    fn open() -> Result<Self> {
        let site = Site::with_model("tiny", trainer::tiny_model()?)?;
        let mut page = Page::open(&site.url("?backend=cpu"), Graphics::WebGpu)?;
        let path = page.browser.scratch().join("picture.png");
        pictures::save(&pictures::scene(128, 128, 7), &path)?;
        page.translate(&path)?;
        let ready = "(document.querySelector('#stage').scrollIntoView({ block: 'center', \
                     behavior: 'instant' }), \
                     document.querySelector('#handle').getAttribute('aria-valuenow') === '50')";
        page.browser
            .wait_until(ready, std::time::Duration::from_secs(30))?;
        let place = page.browser.evaluate(PLACE)?;
        let number = |name: &str| place[name].as_f64().unwrap_or_default();
        Ok(Self {
            left: number("left"),
            width: number("width"),
            middle: number("top") + number("height") / 2.0,
            page,
            _site: site,
        })
    }

    fn x(&self, percent: f64) -> f64 {
        self.left + self.width * percent / 100.0
    }

    fn percent(&mut self) -> Result<f64> {
        let value = "Number(document.querySelector('#handle').getAttribute('aria-valuenow'))";
        let value = self.page.browser.evaluate(value)?;
        Ok(value.as_f64().unwrap_or(f64::NAN))
    }

    fn mouse(&mut self, kind: &str, percent: f64) -> Result<()> {
        let event = json!({ "type": kind, "x": self.x(percent), "y": self.middle,
            "button": "left", "buttons": 1, "clickCount": 1 });
        let browser = &mut self.page.browser;
        browser.call("Input.dispatchMouseEvent", event).map(drop)
    }

    fn touch(&mut self, kind: &str, percent: Option<f64>) -> Result<()> {
        let points: Vec<_> = percent
            .map(|percent| json!({ "x": self.x(percent), "y": self.middle }))
            .into_iter()
            .collect();
        let event = json!({ "type": kind, "touchPoints": points });
        let browser = &mut self.page.browser;
        browser.call("Input.dispatchTouchEvent", event).map(drop)
    }

    fn key(&mut self, key: &str) -> Result<()> {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key });
            self.page.browser.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }
}

#[test]
fn a_mouse_drags_the_divider() -> Result<()> {
    let mut stage = Stage::open()?;
    stage.mouse("mousePressed", 50.0)?;
    stage.mouse("mouseMoved", 20.0)?;
    assert!((stage.percent()? - 20.0).abs() <= 1.0);
    stage.mouse("mouseReleased", 20.0)?;
    stage.mouse("mousePressed", 80.0)?;
    stage.mouse("mouseReleased", 80.0)?;
    assert!((stage.percent()? - 80.0).abs() <= 1.0);
    Ok(())
}

#[test]
fn a_finger_drags_the_divider_but_a_tap_leaves_it() -> Result<()> {
    let mut stage = Stage::open()?;
    stage.page.browser.call(
        "Emulation.setTouchEmulationEnabled",
        json!({ "enabled": true }),
    )?;
    stage.touch("touchStart", Some(75.0))?;
    stage.touch("touchEnd", None)?;
    assert!((stage.percent()? - 50.0).abs() <= 1.0);
    stage.touch("touchStart", Some(50.0))?;
    for percent in [45.0, 35.0, 25.0] {
        stage.touch("touchMove", Some(percent))?;
    }
    stage.touch("touchEnd", None)?;
    assert!((stage.percent()? - 25.0).abs() <= 1.0);
    Ok(())
}

#[test]
fn arrows_home_and_end_move_the_divider() -> Result<()> {
    let mut stage = Stage::open()?;
    stage
        .page
        .browser
        .evaluate("document.querySelector('#handle').focus()")?;
    for (key, percent) in [
        ("ArrowLeft", 48.0),
        ("Home", 0.0),
        ("End", 100.0),
        ("PageDown", 90.0),
    ] {
        stage.key(key)?;
        assert_eq!(stage.percent()?, percent, "{key}");
    }
    Ok(())
}

#[test]
fn the_grip_lies_in_the_middle_of_the_divider() -> Result<()> {
    let mut stage = Stage::open()?;
    let centres = "(() => {
      const handle = document.querySelector('#handle');
      const grip = getComputedStyle(handle, '::after');
      const { width, height } = handle.getBoundingClientRect();
      const [left, top, side] = [grip.left, grip.top, grip.width].map(parseFloat);
      const [above, before] = [grip.marginTop, grip.marginLeft].map(parseFloat);
      return [left + before + side / 2 - width / 2, top + above + side / 2 - height / 2]
        .every((offset) => Math.abs(offset) < 1);
    })()";
    assert_eq!(stage.page.browser.evaluate(centres)?, true);
    Ok(())
}
