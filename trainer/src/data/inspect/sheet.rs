//! A contact sheet of a data set.

use image::{RgbImage, imageops};

use crate::data::source::PairSource;
use crate::data::{Frame, Sampling};
use crate::image_file::grid::{grid, painted};

/// Pairs on a contact sheet that train.
const SHEET_TRAIN: usize = 24;
/// Pairs on a contact sheet that validate.
const SHEET_VALIDATION: usize = 8;
/// Pairs beside each other.
const SHEET_COLUMNS: usize = 4;
/// Longer side of an image on a contact sheet, in pixels.
const SHEET_SIDE: u32 = 128;

/// Pairs as the network sees them, input left, target right, evenly spread over the set: those
/// that train, then those that validate. Pairs that cannot be made are left out.
pub fn contact_sheet(train: &PairSource, validation: &PairSource, frame: Frame) -> RgbImage {
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    for (source, count) in [(train, SHEET_TRAIN), (validation, SHEET_VALIDATION)] {
        let mut source = source.clone();
        // Whoever describes the set says what is wrong with it.
        let _ = source.drop_unusable(frame);
        let (input, target) = source.encodings();
        let count = count.min(source.len());
        for index in (0..count).map(|number| number * source.len() / count) {
            let Ok(pair) = source.pair(index, Sampling::Fixed { frame }) else {
                continue;
            };
            let shown = [
                input.shown(&pair.real_a, &pair.real_a),
                target.shown(&pair.real_b, &pair.real_a),
            ];
            row.extend(shown.iter().map(|shown| thumbnail(&painted(shown))));
            if row.len() == 2 * SHEET_COLUMNS {
                rows.push(std::mem::take(&mut row));
            }
        }
        rows.push(std::mem::take(&mut row));
    }
    rows.retain(|row| !row.is_empty());
    grid(&rows)
}

fn thumbnail(image: &RgbImage) -> RgbImage {
    let longer = image.width().max(image.height()).max(1);
    if longer <= SHEET_SIDE {
        return image.clone();
    }
    let scaled = |side: u32| (side * SHEET_SIDE / longer).max(1);
    imageops::thumbnail(image, scaled(image.width()), scaled(image.height()))
}
