//! The built-in demo set: façades that the program draws itself.
//!
//! Every pair holds a label map in the flat colours of [`PALETTE`] and a "photo" of the same façade,
//! aligned pixel by pixel. The sun always stands at the upper left, and what the labels leave open
//! (materials, colours, roofs) follows from what they show, so that a small network can learn it.

mod background;
mod canvas;
mod easel;
mod layout;
mod openings;
mod ornaments;
mod photo;
mod style;
mod texture;

use std::ops::Range;

use image::{Rgb, RgbImage, imageops};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use layout::{House, Part};

/// Which part of the demo set an image belongs to; the two never share a façade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DemoSplit {
    /// Images to train on.
    Train,
    /// Images to judge by.
    Val,
}

/// A façade as label map and as photo, both `size` × `size` pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacadePair {
    /// Only colours of [`PALETTE`], without antialiasing.
    pub label: RgbImage,
    /// The lit and textured image, with sensor noise.
    pub photo: RgbImage,
}

/// One kind of façade element and the colour that stands for it in a label map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelClass {
    /// What it is called.
    pub name: &'static str,
    /// Red, green and blue.
    pub color: [u8; 3],
}

/// The classes and colours of the CMP façade data set.
pub const PALETTE: [LabelClass; 12] = [
    label_class("background", [0, 0, 170]),
    label_class("facade", [0, 0, 255]),
    label_class("window", [0, 85, 255]),
    label_class("door", [0, 170, 255]),
    label_class("cornice", [0, 255, 255]),
    label_class("sill", [85, 255, 170]),
    label_class("balcony", [170, 255, 85]),
    label_class("blind", [255, 255, 0]),
    label_class("deco", [255, 170, 0]),
    label_class("molding", [255, 85, 0]),
    label_class("pillar", [255, 0, 0]),
    label_class("shop", [170, 0, 0]),
];

const fn label_class(name: &'static str, color: [u8; 3]) -> LabelClass {
    LabelClass { name, color }
}

/// Draws façade number `index` of a split.
///
/// The same arguments always give the same pixels. The layout does not depend on `size`, the side
/// of both images in pixels, which is meant to be 16 to 1024; details get lost below about 128.
pub fn facade(seed: u64, split: DemoSplit, index: u64, size: u32) -> FacadePair {
    let house = House::plan(&mut dice(seed, split, index));
    FacadePair {
        label: draw_labels(&house, size),
        photo: photo::take(&house, size),
    }
}

/// How many times larger than whole façades close-ups show them.
const ZOOM: Range<f32> = 1.25..2.0;

/// As [`facade`], but by a chance of `share` only a part of it fills the images, as photographers
/// of narrow streets bring it home.
pub fn facade_or_close_up(
    (seed, split, index): (u64, DemoSplit, u64),
    size: u32,
    share: f64,
) -> FacadePair {
    let mut dice = dice(seed, split, index);
    // Its first stream plans the house.
    dice.set_stream(1);
    if !dice.random_bool(share) {
        return facade(seed, split, index, size);
    }
    let whole = (size as f32 * dice.random_range(ZOOM)) as u32;
    let FacadePair { label, photo } = facade(seed, split, index, whole);
    // Houses stand in the middle; between 0.3 and 0.7 of what is free, none of the sides is seen.
    let free = (whole - size) as f32;
    let left = (free * dice.random_range(0.3..0.7)) as u32;
    let top = (free * dice.random_range(0.0..1.0)) as u32;
    let part = |image| imageops::crop_imm(&image, left, top, size, size).to_image();
    FacadePair {
        label: part(label),
        photo: part(photo),
    }
}

/// The arguments form the whole key, so no two façades can draw from the same stream by accident.
fn dice(seed: u64, split: DemoSplit, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16] = match split {
        DemoSplit::Train => 1,
        DemoSplit::Val => 2,
    };
    ChaCha8Rng::from_seed(key)
}

fn draw_labels(house: &House, size: u32) -> RgbImage {
    let mut label = RgbImage::from_pixel(size, size, Rgb(PALETTE[0].color));
    for part in &house.parts {
        fill(&mut label, part);
    }
    label
}

fn fill(label: &mut RgbImage, part: &Part) {
    let size = label.width();
    let area = part.area.snapped(size);
    let limit = |edge: f32| (edge.max(0.0) as u32).min(size);
    for y in limit(area.top)..limit(area.bottom) {
        for x in limit(area.left)..limit(area.right) {
            label.put_pixel(x, y, Rgb(PALETTE[part.role.class()].color));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(index: u64, size: u32) -> FacadePair {
        facade(7, DemoSplit::Train, index, size)
    }

    #[test]
    fn same_arguments_give_the_same_pixels() {
        assert_eq!(train(3, 96), train(3, 96));
    }

    #[test]
    fn train_and_validation_show_different_facades() {
        for index in 0..20 {
            let val = facade(7, DemoSplit::Val, index, 64);
            assert_ne!(train(index, 64).label, val.label);
        }
    }

    #[test]
    fn seeds_show_different_facades() {
        let other = facade(8, DemoSplit::Train, 0, 64);
        assert_ne!(train(0, 64).label, other.label);
    }

    #[test]
    fn indexes_show_different_facades() {
        let labels: Vec<_> = (0..12).map(|index| train(index, 64).label).collect();
        for (index, label) in labels.iter().enumerate() {
            assert!(!labels[..index].contains(label), "facade {index} repeats");
        }
    }

    #[test]
    fn label_maps_contain_only_palette_colours() {
        for index in 0..20 {
            let label = train(index, 100).label;
            let known = |pixel: &Rgb<u8>| PALETTE.iter().any(|class| class.color == pixel.0);
            assert!(label.pixels().all(known));
        }
    }

    #[test]
    fn every_class_appears_within_the_first_facades() {
        let labels: Vec<_> = (0..60).map(|index| train(index, 128).label).collect();
        for class in PALETTE {
            let shown = labels
                .iter()
                .any(|label| label.pixels().any(|pixel| pixel.0 == class.color));
            assert!(shown, "no {}", class.name);
        }
    }

    #[test]
    fn both_images_have_the_asked_size() {
        for size in [1, 16, 17, 31, 64, 255, 286, 1024] {
            let pair = train(u64::MAX, size);
            assert_eq!(pair.label.dimensions(), (size, size));
            assert_eq!(pair.photo.dimensions(), (size, size));
        }
    }

    #[test]
    fn many_facades_are_drawn_at_the_smallest_size() {
        for index in 0..300 {
            train(index, 16);
        }
    }

    #[test]
    fn the_layout_is_the_same_at_every_size() {
        let share_of_wall = |size: u32| {
            let label = train(5, size).label;
            let wall = label.pixels().filter(|p| p.0 == PALETTE[1].color).count();
            wall as f32 / (size * size) as f32
        };
        assert!((share_of_wall(128) - share_of_wall(512)).abs() < 0.03);
    }

    #[test]
    fn close_ups_show_a_part_of_a_facade_and_as_many_as_asked_for() {
        let close = |share| {
            let pair = move |index| facade_or_close_up((7, DemoSplit::Train, index), 64, share);
            (0..60).filter(move |index| pair(*index) != train(*index, 64))
        };
        assert_eq!((close(0.0).count(), close(1.0).count()), (0, 60));
        assert!((15..45).contains(&close(0.5).count()));
        let pair = facade_or_close_up((7, DemoSplit::Train, 2), 128, 1.0);
        let background = pair
            .label
            .pixels()
            .filter(|pixel| pixel.0 == PALETTE[0].color);
        let of_whole = train(2, 128).label;
        let of_whole = of_whole
            .pixels()
            .filter(|pixel| pixel.0 == PALETTE[0].color);
        assert!(2 * background.count() < of_whole.count());
    }

    #[test]
    fn photos_are_colourful_and_well_exposed() {
        for index in 0..20 {
            let photo = train(index, 64).photo;
            let mean = photo.as_raw().iter().map(|&v| f32::from(v)).sum::<f32>()
                / photo.as_raw().len() as f32;
            assert!((70.0..200.0).contains(&mean), "mean {mean}");
        }
    }
}
