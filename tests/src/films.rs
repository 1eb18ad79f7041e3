//! Films that the tests make, and what is seen in those that the page saves.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::browser::{Browser, decode_base64};

/// Milliseconds between two looks at a film.
const LOOK: u32 = 50;
/// Milliseconds after which a frame counts as shown.
const PATIENCE: u32 = 1000;

/// A film of plain frames.
#[derive(Clone, Debug)]
pub struct Film {
    pub width: u32,
    pub height: u32,
    /// Milliseconds for which each frame is shown.
    pub pace: u32,
    /// Whether the file says how long it is: what browsers record does not.
    pub tells_its_length: bool,
    /// The colour of each frame.
    pub colours: Vec<[u8; 3]>,
}

impl Film {
    /// The film as a WebM file; the browser encodes its frames.
    pub fn webm(&self, browser: &mut Browser) -> Result<Vec<u8>> {
        let frames = self
            .colours
            .iter()
            .map(|colour| self.frame(*colour, browser))
            .collect::<Result<Vec<_>>>()?;
        let mut info = [
            element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()),
            element(&[0x4d, 0x80], b"tests"),
            element(&[0x57, 0x41], b"tests"),
        ]
        .concat();
        if self.tells_its_length {
            let length = f64::from(self.pace) * self.colours.len() as f64;
            info.extend(element(&[0x44, 0x89], &length.to_be_bytes()));
        }
        let size = [
            element(&[0xb0], &self.width.to_be_bytes()),
            element(&[0xba], &self.height.to_be_bytes()),
        ];
        let track = [
            element(&[0xd7], &[1]),
            element(&[0x73, 0xc5], &[1]),
            element(&[0x83], &[1]),
            element(&[0x86], b"V_VP8"),
            element(&[0xe0], &size.concat()),
        ];
        let tracks = element(&[0xae], &track.concat());
        let mut segment = [
            element(&[0x15, 0x49, 0xa9, 0x66], &info),
            element(&[0x16, 0x54, 0xae, 0x6b], &tracks),
        ]
        .concat();
        for (time, frame) in (0_u32..).step_by(self.pace as usize).zip(&frames) {
            // Track 1, at the cluster's own time, a key frame.
            let block = [&[0x81, 0, 0, 0x80], frame.as_slice()].concat();
            let cluster = [
                element(&[0xe7], &time.to_be_bytes()),
                element(&[0xa3], &block),
            ];
            segment.extend(element(&[0x1f, 0x43, 0xb6, 0x75], &cluster.concat()));
        }
        let head = [
            element(&[0x42, 0x82], b"webm"),
            element(&[0x42, 0x87], &[2]),
            element(&[0x42, 0x85], &[2]),
        ];
        Ok([
            element(&[0x1a, 0x45, 0xdf, 0xa3], &head.concat()),
            element(&[0x18, 0x53, 0x80, 0x67], &segment),
        ]
        .concat())
    }

    /// A frame of one colour: a lossy WebP picture holds a key frame of VP8.
    fn frame(&self, [red, green, blue]: [u8; 3], browser: &mut Browser) -> Result<Vec<u8>> {
        let (width, height) = (self.width, self.height);
        let encoded = browser.evaluate(&format!(
            "(async () => {{
               const canvas = new OffscreenCanvas({width}, {height});
               const context = canvas.getContext('2d');
               context.fillStyle = 'rgb({red} {green} {blue})';
               context.fillRect(0, 0, {width}, {height});
               const blob = await canvas.convertToBlob({{ type: 'image/webp', quality: 0.9 }});
               return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
             }})()"
        ))?;
        let picture = decode_base64(&encoded)?;
        let at = picture.windows(4).position(|name| name == b"VP8 ");
        let at = at.context("the browser's WebP is not lossy")?;
        let length = picture
            .get(at + 4..at + 8)
            .and_then(|bytes| bytes.try_into().ok());
        let length = u32::from_le_bytes(length.context("a length")?) as usize;
        let frame = picture.get(at + 8..at + 8 + length);
        Ok(frame.context("a whole frame")?.to_vec())
    }
}

/// An element of EBML, its length in eight bytes.
fn element(name: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (1_u64 << 56) | content.len() as u64;
    [name, &length.to_be_bytes(), content].concat()
}

/// What is seen in a film.
#[derive(Clone, Debug)]
pub struct Seen {
    pub width: u64,
    pub height: u64,
    /// How long the film is, if it says so.
    pub milliseconds: Option<u64>,
    /// The colours at the places asked for, look by look.
    pub looks: Vec<Vec<[u8; 3]>>,
}

impl Seen {
    /// Whether a place shows these colours, one after the other, and no others between them.
    pub fn ensure_order(&self, place: usize, colours: &[[u8; 3]]) -> Result<()> {
        let mut order: Vec<[u8; 3]> = Vec::new();
        for look in &self.looks {
            let colour = *look.get(place).context("no such place")?;
            if order.last().is_none_or(|last| !is_like(*last, colour)) {
                order.push(colour);
            }
        }
        let mut pairs = order.iter().zip(colours);
        ensure!(
            order.len() == colours.len() && pairs.all(|(seen, wanted)| is_like(*seen, *wanted)),
            "{order:?} in place of {colours:?}"
        );
        Ok(())
    }
}

/// Films hold colours of half the size, in a narrower range, compressed.
fn is_like(one: [u8; 3], other: [u8; 3]) -> bool {
    let mut channels = one.iter().zip(other);
    channels.all(|(one, other)| one.abs_diff(other) < 40)
}

/// Looks at places of a film, each a share of its width and height. The browser leaves its page, whose
/// policy would not show a file of the test.
pub fn look_at(browser: &mut Browser, film: &Path, places: &[(f64, f64)]) -> Result<Seen> {
    browser.go_to("about:blank")?;
    let bytes = std::fs::read(film)?;
    let seen = browser.evaluate(&format!(
        "(async () => {{
           const video = document.createElement('video');
           const seek = async (time) => {{
             // On a busy machine a frame is found before it is shown; behind the end none is.
             const shown = new Promise((resolve) => {{
               video.requestVideoFrameCallback(resolve);
               setTimeout(resolve, {PATIENCE});
             }});
             await new Promise((resolve, reject) => {{
               video.onseeked = resolve;
               video.onerror = () => reject(video.error);
               video.currentTime = time;
             }});
             await shown;
           }};
           await new Promise((resolve, reject) => {{
             video.onloadeddata = resolve;
             video.onerror = () => reject(video.error);
             video.src = URL.createObjectURL(new Blob([new Uint8Array({bytes:?})]));
           }});
           await seek(1e9);
           const end = video.currentTime;
           const milliseconds = Math.round(1000 * video.duration);
           const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
           const context = canvas.getContext('2d', {{ willReadFrequently: true }});
           const looks = [];
           for (let time = 0.001; time < end; time += {LOOK} / 1000) {{
             await seek(time);
             context.drawImage(video, 0, 0);
             looks.push({places}.map(([x, y]) =>
               [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data.slice(0, 3)]));
           }}
           return {{ width: canvas.width, height: canvas.height, milliseconds, looks }};
         }})()",
        places = json!(places)
    ))?;
    let side = |name: &str| seen[name].as_u64().context("a size");
    Ok(Seen {
        width: side("width")?,
        height: side("height")?,
        milliseconds: seen["milliseconds"].as_u64(),
        looks: serde_json::from_value(seen["looks"].clone())?,
    })
}

/// Hands files to the page as if they were dropped on it: names, types, contents.
pub fn drop_files(browser: &mut Browser, files: &[(&str, &str, &[u8])]) -> Result<()> {
    let files: Vec<Value> = files
        .iter()
        .map(|(name, kind, bytes)| json!([name, kind, bytes]))
        .collect();
    browser
        .evaluate(&format!(
            "(() => {{
               const transfer = new DataTransfer();
               for (const [name, type, bytes] of {})
                 transfer.items.add(new File([new Uint8Array(bytes)], name, {{ type }}));
               document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true }}));
             }})()",
            json!(files)
        ))
        .map(drop)
}
