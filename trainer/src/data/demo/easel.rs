//! What painting any part of a house needs.

use super::canvas::{Area, Canvas, Color};
use super::layout::House;
use super::style::Style;
use super::texture::Material;

/// Canvas pixels per pixel of the photo.
pub const OVERSAMPLING: u32 = 2;

/// What painting any part needs.
pub struct Easel<'a> {
    pub canvas: Canvas,
    pub style: Style,
    pub house: &'a House,
    size: u32,
}

impl<'a> Easel<'a> {
    pub fn new(house: &'a House, size: u32) -> Self {
        Self {
            canvas: Canvas::new((size * OVERSAMPLING) as usize),
            style: Style::of(house),
            house,
            size,
        }
    }

    /// From fractions to canvas pixels, on exactly the pixels that the label map uses.
    pub fn on_canvas(&self, area: Area) -> Area {
        area.snapped(self.size).scaled(OVERSAMPLING as f32)
    }

    pub fn unit(&self) -> f32 {
        self.canvas.unit()
    }

    /// Covers an area with a material whose pattern starts at the area's upper left corner.
    pub fn clad(&mut self, area: Area, material: Material, color: Color) {
        let (scale, grain) = (1.0 / self.unit(), self.house.grain);
        self.canvas.paint(area, |x, y| {
            let (across, down) = ((x - area.left) * scale, (y - area.top) * scale);
            material.surface(color, across, down, grain)
        });
    }
}
