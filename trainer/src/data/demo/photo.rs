//! Paints a house part by part and develops the result into a photo.

use image::{Rgb, RgbImage};

use super::canvas::{Canvas, Color, lit};
use super::easel::{Easel, OVERSAMPLING};
use super::layout::{House, Part, Role};
use super::texture::grain_values;
use super::{background, openings, ornaments};

pub fn take(house: &House, size: u32) -> RgbImage {
    let mut easel = Easel::new(house, size);
    background::paint(&mut easel);
    let mut parts: Vec<_> = house.parts.iter().collect();
    parts.sort_by_key(|part| layer(part.role));
    for part in parts {
        paint_part(&mut easel, part);
    }
    develop(&easel.canvas, size, house.grain)
}

/// Parts that stand out cast shadows on others, so they come later.
fn layer(role: Role) -> u8 {
    match role {
        Role::Chimney | Role::Dormer => 0,
        Role::Wall => 1,
        Role::Pillar => 2,
        Role::Window | Role::Door | Role::Shop => 3,
        Role::Blind | Role::Sill | Role::Deco => 4,
        Role::Molding => 5,
        Role::Cornice => 6,
        Role::Balcony => 7,
    }
}

fn paint_part(easel: &mut Easel, part: &Part) {
    let area = easel.on_canvas(part.area);
    match part.role {
        Role::Wall => background::wall(easel, area),
        Role::Chimney => background::chimney(easel, area),
        Role::Dormer => background::dormer(easel, area),
        // Rounding to pixels must not make equal windows look different.
        Role::Window => openings::window(easel, area, part.area.slenderness()),
        Role::Door => openings::door(easel, area),
        Role::Shop => openings::shop(easel, area),
        Role::Blind => ornaments::shutter(easel, area),
        Role::Sill => ornaments::sill(easel, area),
        Role::Deco => ornaments::deco(easel, area),
        Role::Molding => ornaments::molding(easel, area),
        Role::Cornice => ornaments::cornice(easel, area),
        Role::Pillar => ornaments::pillar(easel, area),
        Role::Balcony => ornaments::balcony(easel, area),
    }
}

fn develop(canvas: &Canvas, size: u32, grain: u32) -> RgbImage {
    let seen = through_lens(canvas, size as usize);
    RgbImage::from_fn(size, size, |x, y| {
        let center = |place: u32| (place as f32 + 0.5) / size as f32 - 0.5;
        let (dx, dy) = (center(x), center(y));
        let vignette = 1.03 - 0.34 * (dx * dx + dy * dy);
        let color = tone(lit(seen[(y * size + x) as usize], vignette));
        let noise = grain_values(x as i32, y as i32, grain);
        Rgb(std::array::from_fn(|i| {
            let value = color[i] + 0.030 * noise[0] + 0.012 * noise[i + 1];
            (value * 255.0 + 0.5) as u8
        }))
    })
}

/// Averages of 4 × 4 canvas pixels, weighted towards the middle, as a slightly soft lens gives.
fn through_lens(canvas: &Canvas, size: usize) -> Vec<Color> {
    let mut narrow = Vec::with_capacity(size * canvas.side());
    for row in canvas.rows() {
        narrow.extend((0..size).map(|x| blend(taps(x, row.len()).map(|tap| row[tap]))));
    }
    let mut small = Vec::with_capacity(size * size);
    for y in 0..size {
        let rows = taps(y, canvas.side()).map(|tap| &narrow[tap * size..(tap + 1) * size]);
        small.extend((0..size).map(|x| blend(rows.map(|row| row[x]))));
    }
    small
}

/// The four canvas rows or columns around the middle of a photo's row or column.
fn taps(place: usize, side: usize) -> [usize; 4] {
    let first = place * OVERSAMPLING as usize;
    [
        first.saturating_sub(1),
        first,
        first + 1,
        (first + 2).min(side - 1),
    ]
}

fn blend(colors: [Color; 4]) -> Color {
    std::array::from_fn(|i| {
        0.10 * (colors[0][i] + colors[3][i]) + 0.40 * (colors[1][i] + colors[2][i])
    })
}

/// A gentle contrast curve, with warm lights.
fn tone(color: Color) -> Color {
    const WARMTH: Color = [1.02, 1.0, 0.965];
    std::array::from_fn(|i| {
        let value = (color[i] * WARMTH[i]).clamp(0.0, 1.0);
        let curved = value * value * (3.0 - 2.0 * value);
        0.02 + 0.95 * (0.65 * value + 0.35 * curved)
    })
}
