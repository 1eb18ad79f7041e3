//! Sample grids small enough for one page: scaled, as JPEG, as many as fit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

/// Widest grid in pixels.
const WIDTH: u32 = 1_200;
const QUALITY: u8 = 86;
/// Most grids on a page.
const COUNT: usize = 40;
/// Most bytes of images on a page.
const BYTES: usize = 12 << 20;

/// Grids that were made ready before, for a page that is written again and again.
#[derive(Debug, Default)]
pub(super) struct Images {
    ready: BTreeMap<PathBuf, Option<Image>>,
}

/// A grid on the page.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub width: u32,
    pub height: u32,
    /// The image itself.
    pub uri: String,
}

impl Images {
    /// Evenly many of the grids, the first and the last among them; those that cannot be read are
    /// left out.
    pub fn chosen(&mut self, samples: &[(u64, PathBuf)]) -> Vec<(u64, Image)> {
        let mut count = COUNT;
        loop {
            let chosen: Vec<&(u64, PathBuf)> = evenly(samples, count);
            let mut found = Vec::new();
            for (step, path) in chosen {
                if let Some(image) = self.ready(path) {
                    found.push((*step, image));
                }
            }
            let bytes: usize = found.iter().map(|(_, image)| image.uri.len()).sum();
            if bytes <= BYTES || count <= 1 {
                return found;
            }
            count = (count * BYTES / bytes).clamp(1, count - 1);
        }
    }

    fn ready(&mut self, path: &Path) -> Option<Image> {
        if let Some(ready) = self.ready.get(path) {
            return ready.clone();
        }
        let made = Image::read(path);
        self.ready.insert(path.to_path_buf(), made.clone());
        made
    }
}

impl Image {
    fn read(path: &Path) -> Option<Self> {
        let image = image::open(path).ok()?;
        let image = match image.width() > WIDTH {
            true => image.resize(WIDTH, u32::MAX, FilterType::Triangle),
            false => image,
        };
        let rgb = image.into_rgb8();
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
        rgb.write_with_encoder(encoder).ok()?;
        Some(Self {
            width: rgb.width(),
            height: rgb.height(),
            uri: format!("data:image/jpeg;base64,{}", STANDARD.encode(&jpeg)),
        })
    }
}

/// At most `count` items, evenly spaced, the last one always among them.
fn evenly<T>(items: &[T], count: usize) -> Vec<&T> {
    let count = count.min(items.len());
    let last = items.len().saturating_sub(1);
    let index = |number: usize| match count {
        1 => last,
        _ => number * last / (count - 1),
    };
    (0..count).map(|number| &items[index(number)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_grid_are_kept() {
        let items: Vec<usize> = (0..100).collect();
        let kept = evenly(&items, 5);
        assert_eq!(kept, [&0, &24, &49, &74, &99]);
        assert_eq!(evenly(&items, 1), [&99]);
        assert_eq!(evenly(&items[..3], 40), [&0, &1, &2]);
        assert!(evenly(&items[..0], 40).is_empty());
    }

    #[test]
    fn a_page_holds_no_more_images_than_fit() {
        use rand::{Rng, SeedableRng};
        let folder = tempfile::tempdir().expect("a folder");
        let mut noise = vec![0; 1_200 * 600 * 3];
        rand_chacha::ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut noise);
        let path = folder.path().join("noise.png");
        let image = image::RgbImage::from_raw(1_200, 600, noise).expect("an image");
        image.save(&path).expect("a file");
        let samples: Vec<_> = (0..60).map(|step| (step, path.clone())).collect();
        let found = Images::default().chosen(&samples);
        let bytes: usize = found.iter().map(|(_, image)| image.uri.len()).sum();
        assert!(bytes <= BYTES && bytes > BYTES / 2, "{bytes}");
        assert_eq!(found.last().expect("an image").0, 59);
    }
}
