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
/// Most bytes of pictures on a page.
const BYTES: usize = 12 << 20;

/// Grids that were made ready before, for a page that is written again and again.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    ready: BTreeMap<PathBuf, Option<Picture>>,
}

/// A grid on the page.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub width: u32,
    pub height: u32,
    /// The picture itself.
    pub uri: String,
}

impl Pictures {
    /// Evenly many of the grids, the first and the last among them; those that cannot be read are
    /// left out.
    pub fn chosen(&mut self, samples: &[(u64, PathBuf)]) -> Vec<(u64, Picture)> {
        let mut count = COUNT;
        loop {
            let chosen: Vec<&(u64, PathBuf)> = evenly(samples, count);
            let mut found = Vec::new();
            for (step, path) in chosen {
                if let Some(picture) = self.ready(path) {
                    found.push((*step, picture));
                }
            }
            let bytes: usize = found.iter().map(|(_, picture)| picture.uri.len()).sum();
            if bytes <= BYTES || count <= 1 {
                return found;
            }
            count = (count * BYTES / bytes).clamp(1, count - 1);
        }
    }

    fn ready(&mut self, path: &Path) -> Option<Picture> {
        if let Some(ready) = self.ready.get(path) {
            return ready.clone();
        }
        let made = Picture::read(path);
        self.ready.insert(path.to_path_buf(), made.clone());
        made
    }
}

impl Picture {
    fn read(path: &Path) -> Option<Self> {
        let picture = image::open(path).ok()?;
        let picture = match picture.width() > WIDTH {
            true => picture.resize(WIDTH, u32::MAX, FilterType::Triangle),
            false => picture,
        };
        let rgb = picture.into_rgb8();
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
    let index = |place: usize| match count {
        1 => last,
        _ => place * last / (count - 1),
    };
    (0..count).map(|place| &items[index(place)]).collect()
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
    fn a_page_holds_no_more_pictures_than_fit() {
        use rand::{Rng, SeedableRng};
        let folder = tempfile::tempdir().expect("a folder");
        let mut noise = vec![0; 1_200 * 600 * 3];
        rand_chacha::ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut noise);
        let path = folder.path().join("noise.png");
        let picture = image::RgbImage::from_raw(1_200, 600, noise).expect("a picture");
        picture.save(&path).expect("a file");
        let samples: Vec<_> = (0..60).map(|step| (step, path.clone())).collect();
        let found = Pictures::default().chosen(&samples);
        let bytes: usize = found.iter().map(|(_, picture)| picture.uri.len()).sum();
        assert!(bytes <= BYTES && bytes > BYTES / 2, "{bytes}");
        assert_eq!(found.last().expect("a picture").0, 59);
    }
}
