//! A floating point canvas, drawn at twice the final size, and rectangles on it.

/// Red, green and blue, 0 to 1.
pub type Color = [f32; 3];

pub const WHITE: Color = [1.0; 3];

/// Shadows keep some of the blue of the sky.
const DEEP_SHADOW: Color = [0.40, 0.43, 0.53];

pub fn mix(from: Color, to: Color, share: f32) -> Color {
    std::array::from_fn(|i| from[i] + (to[i] - from[i]) * share)
}

pub fn lit(color: Color, light: f32) -> Color {
    color.map(|channel| channel * light)
}

/// A rectangle; fractions of the image in a layout, pixels on a canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Area {
    pub fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub fn center_x(&self) -> f32 {
        (self.left + self.right) / 2.0
    }

    /// Height over width.
    pub fn slenderness(&self) -> f32 {
        self.height() / self.width().max(1e-3)
    }

    /// With its edges moved: left, top, right, bottom.
    pub fn moved(&self, [left, top, right, bottom]: [f32; 4]) -> Self {
        Self {
            left: self.left + left,
            top: self.top + top,
            right: self.right + right,
            bottom: self.bottom + bottom,
        }
    }

    pub fn grown(&self, by: f32) -> Self {
        self.moved([-by, -by, by, by])
    }

    pub fn shifted(&self, dx: f32, dy: f32) -> Self {
        self.moved([dx, dy, dx, dy])
    }

    /// The piece between two fractions of the height.
    pub fn rows(&self, from: f32, to: f32) -> Self {
        let edge = |share: f32| self.top + self.height() * share;
        Self::new(self.left, edge(from), self.right, edge(to))
    }

    /// The piece between two fractions of the width.
    pub fn columns(&self, from: f32, to: f32) -> Self {
        let edge = |share: f32| self.left + self.width() * share;
        Self::new(edge(from), self.top, edge(to), self.bottom)
    }

    pub fn top_strip(&self, height: f32) -> Self {
        Self::new(self.left, self.top, self.right, self.top + height)
    }

    pub fn bottom_strip(&self, height: f32) -> Self {
        Self::new(self.left, self.bottom - height, self.right, self.bottom)
    }

    pub fn left_strip(&self, width: f32) -> Self {
        Self::new(self.left, self.top, self.left + width, self.bottom)
    }

    pub fn right_strip(&self, width: f32) -> Self {
        Self::new(self.right - width, self.top, self.right, self.bottom)
    }

    /// From fractions to whole pixels of an image of this size.
    pub fn snapped(&self, size: u32) -> Self {
        self.edges(|edge| (edge * size as f32).round())
    }

    pub fn scaled(&self, factor: f32) -> Self {
        self.edges(|edge| edge * factor)
    }

    fn edges(&self, change: impl Fn(f32) -> f32) -> Self {
        let [left, top] = [self.left, self.top].map(&change);
        let [right, bottom] = [self.right, self.bottom].map(&change);
        Self::new(left, top, right, bottom)
    }
}

/// A square of pixels in progress.
pub struct Canvas {
    side: usize,
    pixels: Vec<Color>,
}

impl Canvas {
    pub fn new(side: usize) -> Self {
        Self {
            side,
            pixels: vec![[0.0; 3]; side * side],
        }
    }

    /// The length that details are measured in: 1/256 of the image.
    pub fn unit(&self) -> f32 {
        self.side as f32 / 256.0
    }

    pub fn side(&self) -> usize {
        self.side
    }

    pub fn rows(&self) -> impl Iterator<Item = &[Color]> {
        self.pixels.chunks_exact(self.side.max(1))
    }

    /// Calls `change` with the centre of each pixel that the area touches and the share it covers.
    fn touch(&mut self, area: Area, mut change: impl FnMut(f32, f32, f32, &mut Color)) {
        let limit = |edge: f32| (edge.max(0.0) as usize).min(self.side);
        let (first, last) = (limit(area.left), limit(area.right.ceil()));
        let overlap =
            |start: f32, from: f32, to: f32| (to.min(start + 1.0) - from.max(start)).max(0.0);
        for y in limit(area.top)..limit(area.bottom.ceil()) {
            let row_share = overlap(y as f32, area.top, area.bottom);
            let row = &mut self.pixels[y * self.side..(y + 1) * self.side];
            for (x, pixel) in row.iter_mut().enumerate().take(last).skip(first) {
                let share = row_share * overlap(x as f32, area.left, area.right);
                change(x as f32 + 0.5, y as f32 + 0.5, share, pixel);
            }
        }
    }

    /// Covers an area with the colours that `ink` gives for pixel centres.
    pub fn paint(&mut self, area: Area, ink: impl Fn(f32, f32) -> Color) {
        self.touch(area, |x, y, share, pixel| {
            let color = ink(x, y);
            *pixel = if share < 1.0 {
                mix(*pixel, color, share)
            } else {
                color
            };
        });
    }

    /// Like [`Canvas::paint`], with an opacity next to each colour.
    pub fn glaze(&mut self, area: Area, ink: impl Fn(f32, f32) -> (Color, f32)) {
        self.touch(area, |x, y, share, pixel| {
            let (color, opacity) = ink(x, y);
            *pixel = mix(*pixel, color, share * opacity);
        });
    }

    pub fn fill(&mut self, area: Area, color: Color) {
        self.paint(area, |_, _| color);
    }

    /// Darkens by a depth of 0 (none) to 1 that `depth` gives for pixel centres.
    pub fn darken(&mut self, area: Area, depth: impl Fn(f32, f32) -> f32) {
        self.touch(area, |x, y, share, pixel| {
            let filter = mix(WHITE, DEEP_SHADOW, share * depth(x, y));
            *pixel = std::array::from_fn(|i| pixel[i] * filter[i]);
        });
    }

    /// Darkens an area evenly, with edges that fade over a distance.
    pub fn soft_shadow(&mut self, area: Area, depth: f32, fade: f32) {
        let fade = fade.max(0.1);
        self.darken(area.grown(fade / 2.0), |x, y| {
            let ramp = |inside: f32| (inside / fade + 0.5).clamp(0.0, 1.0);
            depth
                * ramp(x - area.left)
                * ramp(area.right - x)
                * ramp(y - area.top)
                * ramp(area.bottom - y)
        });
    }

    /// The shadow on the wall of something that stands out by a distance, in units.
    pub fn cast_shadow(&mut self, area: Area, distance: f32) {
        let reach = distance * self.unit();
        self.soft_shadow(area.shifted(reach * 0.6, reach), 0.8, reach * 0.45);
    }

    /// Darkens what lies below an edge, most at the edge.
    pub fn shade_below(&mut self, edge: Area, reach: f32, depth: f32) {
        let area = Area::new(edge.left, edge.bottom, edge.right, edge.bottom + reach);
        self.darken(area, |_, y| {
            let nearness = (1.0 - (y - area.top) / reach.max(0.1)).clamp(0.0, 1.0);
            depth * nearness
        });
    }
}
