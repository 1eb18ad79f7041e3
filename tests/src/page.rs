//! The page, as a person at the browser uses it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use image::RgbaImage;
use serde_json::Value;

use crate::browser::{Browser, Graphics, decode_base64};

/// A graphics card in software on a busy machine needs minutes, not seconds.
const PATIENCE: Duration = Duration::from_secs(600);

/// Ends every wait for a translation, whatever came of it.
const SETTLED: &str = "['done', 'error'].includes(document.body.dataset.state)";

/// The page in a browser of its own.
pub struct Page {
    /// The browser, for what a person cannot do.
    pub browser: Browser,
}

/// Where an element is in the window, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Place {
    /// A point of it, by shares of its width and height.
    pub fn point(&self, across: f64, down: f64) -> (f64, f64) {
        (
            self.left + self.width * across,
            self.top + self.height * down,
        )
    }
}

impl Page {
    /// Opens the page and waits until it can be used.
    pub fn open(url: &str, graphics: Graphics) -> Result<Self> {
        Self::open_in(Browser::start(graphics)?, url)
    }

    /// Opens the page in a browser that is there.
    pub fn open_in(mut browser: Browser, url: &str) -> Result<Self> {
        browser.go_to(url)?;
        let mut page = Self { browser };
        let usable = "window.pix2pixDemo !== undefined \
                      && document.querySelector('#models input') !== null";
        page.wait(usable)?;
        Ok(page)
    }

    /// Gives the page a file and waits for what comes of it.
    pub fn submit(&mut self, file: &Path) -> Result<()> {
        self.forget_last_outcome()?;
        self.browser.choose_file("#file-input", file)?;
        self.wait(SETTLED)
    }

    /// Translates a picture and returns the result.
    pub fn translate(&mut self, file: &Path) -> Result<RgbaImage> {
        self.submit(file)?;
        self.result()
    }

    /// Presses the button that repeats what failed, and returns the result.
    pub fn try_again(&mut self) -> Result<RgbaImage> {
        self.forget_last_outcome()?;
        self.browser
            .evaluate("document.querySelector('#retry').click()")?;
        self.wait(SETTLED)?;
        self.result()
    }

    /// The pixels of the finished translation.
    pub fn result(&mut self) -> Result<RgbaImage> {
        if self.state()? != "done" {
            bail!("the page translated nothing.\n{}", self.describe());
        }
        let picture = self.browser.evaluate(READ_RESULT)?;
        let side = |name: &str| {
            let side = picture[name].as_u64().context("a size in pixels")?;
            Ok::<_, anyhow::Error>(u32::try_from(side)?)
        };
        let (width, height) = (side("width")?, side("height")?);
        RgbaImage::from_raw(width, height, decode_base64(&picture["data"])?)
            .context("the result has too few pixels for its size")
    }

    pub fn state(&mut self) -> Result<String> {
        self.text("document.body.dataset.state")
    }

    /// Where the model runs: `cpu` or `webgpu`, empty before it is loaded.
    pub fn backend(&mut self) -> Result<String> {
        self.text("document.querySelector('#backend').dataset.backend")
    }

    pub fn backend_reason(&mut self) -> Result<String> {
        self.text("document.querySelector('#backend-reason').textContent")
    }

    /// The sentence that the page shows about what went wrong.
    pub fn message(&mut self) -> Result<String> {
        self.text("document.querySelector('#message').innerText")
    }

    /// The code of what went wrong.
    pub fn error_code(&mut self) -> Result<String> {
        self.text("document.querySelector('#message').dataset.code ?? ''")
    }

    /// Waits for something that may take a model's time.
    pub fn wait_for(&mut self, expression: &str) -> Result<()> {
        self.wait(expression)
    }

    /// Presses what a selector names.
    pub fn click(&mut self, selector: &str) -> Result<()> {
        let selector = Value::from(selector);
        let press = format!("document.querySelector({selector}).click()");
        self.browser.evaluate(&press).map(drop)
    }

    /// The rectangle of an element within the window, once it is scrolled into it.
    pub fn place_of(&mut self, selector: &str) -> Result<Place> {
        let selector = Value::from(selector);
        let place = self.browser.evaluate(&format!(
            "(() => {{ const element = document.querySelector({selector});
             element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
             const {{ left, top, width, height }} = element.getBoundingClientRect();
             return {{ left, top, width, height }}; }})()"
        ))?;
        let number = |name: &str| place[name].as_f64().context("a place in pixels");
        Ok(Place {
            left: number("left")?,
            top: number("top")?,
            width: number("width")?,
            height: number("height")?,
        })
    }

    fn text(&mut self, expression: &str) -> Result<String> {
        match self.browser.evaluate(expression)? {
            Value::String(text) => Ok(text),
            other => bail!("`{expression}` is no text but {other}"),
        }
    }

    fn wait(&mut self, expression: &str) -> Result<()> {
        let outcome = self.browser.wait_until(expression, PATIENCE);
        outcome.map_err(|error| error.context(self.describe()))
    }

    /// So that a wait cannot be content with the outcome before.
    fn forget_last_outcome(&mut self) -> Result<()> {
        let expression = "document.body.dataset.state = 'loading'";
        self.browser.evaluate(expression).map(drop)
    }

    /// Everything that helps to see why a test failed.
    fn describe(&mut self) -> String {
        let state = self.state().unwrap_or_default();
        let message = self.message().unwrap_or_default();
        let console = self.browser.console().join("\n");
        format!("state: {state}\nmessage: {message}\nconsole: {console}")
    }
}

const READ_RESULT: &str = "(async () => {
  const { width, height, data } = await window.pix2pixDemo.resultPixels();
  let bytes = '';
  for (let start = 0; start < data.length; start += 0x8000) {
    bytes += String.fromCharCode(...data.subarray(start, start + 0x8000));
  }
  return { width, height, data: btoa(bytes) };
})()";
