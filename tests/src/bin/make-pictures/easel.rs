//! Draws pictures together, and encodes them, in a browser: it reads SVG and writes WebP.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::browser::{Browser, Graphics, decode_base64};

/// A browser with an empty page.
pub struct Easel {
    browser: Browser,
}

/// A picture that is drawn into another, with its place and size there.
#[derive(Clone, Debug)]
pub struct Placed {
    url: String,
    place: (u32, u32),
    size: (u32, u32),
}

/// How a picture is written.
#[derive(Clone, Copy, Debug)]
pub enum Written {
    Png,
    /// In the best quality of so many bytes at most.
    WebP(usize),
}

impl Placed {
    /// An image file.
    pub fn file(path: &Path, place: (u32, u32), size: (u32, u32)) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let kind = match path.extension().and_then(|ending| ending.to_str()) {
            Some("png") => "png",
            Some("jpg" | "jpeg") => "jpeg",
            Some("webp") => "webp",
            _ => bail!("{}: name a PNG, JPEG or WebP file", path.display()),
        };
        let url = format!("data:image/{kind};base64,{}", STANDARD.encode(bytes));
        Ok(Self { url, place, size })
    }

    /// An SVG file's text.
    pub fn svg(text: &str, size: (u32, u32)) -> Self {
        let url = format!("data:image/svg+xml;base64,{}", STANDARD.encode(text));
        Self {
            url,
            place: (0, 0),
            size,
        }
    }
}

impl Easel {
    pub fn new() -> Result<Self> {
        let browser = Browser::start(Graphics::None)?;
        Ok(Self { browser })
    }

    /// A white picture of `size` with others in it.
    pub fn draw(
        &mut self,
        size: (u32, u32),
        placed: &[Placed],
        written: Written,
    ) -> Result<Vec<u8>> {
        let (kind, limit) = match written {
            Written::Png => ("image/png", None),
            Written::WebP(limit) => ("image/webp", Some(limit)),
        };
        let pictures: Vec<Value> = placed
            .iter()
            .map(|Placed { url, place, size }| json!({ "url": url, "box": [place.0, place.1, size.0, size.1] }))
            .collect();
        let order = json!({ "width": size.0, "height": size.1, "pictures": pictures,
            "type": kind, "limit": limit });
        // An error names what was evaluated, which then is not megabytes of pictures.
        self.browser
            .evaluate(&format!("window.order = {order}; true"))?;
        let drawn = self.browser.evaluate(&format!("({DRAW})(window.order)"))?;
        decode_base64(&drawn)
    }
}

const DRAW: &str = "(async ({ width, height, pictures, type, limit }) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  for (const { url, box } of pictures) {
    const image = new Image();
    image.src = url;
    await image.decode();
    context.drawImage(image, ...box);
  }
  for (let quality = 0.9; quality > 0.2; quality -= 0.05) {
    const blob = await canvas.convertToBlob({ type, quality });
    if (limit && blob.size > limit) continue;
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = '';
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
  }
  throw new Error(`${width} × ${height} pixels do not fit into ${limit} bytes`);
})";
