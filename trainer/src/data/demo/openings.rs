//! Windows, doors and shops. What they look like depends on their proportions.

use super::canvas::{Area, Canvas, Color, WHITE, lit, mix};
use super::easel::Easel;
use super::texture::{cell_value, phase};

const REFLECTED_ZENITH: Color = [0.17, 0.28, 0.42];
const REFLECTED_HORIZON: Color = [0.50, 0.65, 0.78];
const LAMPLIGHT: Color = [1.0, 0.80, 0.45];
const CURTAIN: Color = [0.90, 0.89, 0.85];

/// Windows more slender than this have arched tops.
const ARCH_SLENDERNESS: f32 = 1.75;
const LIT_SHARE: f32 = 0.10;

/// A hole in the wall, with an arch on top where the rise is above 0.
#[derive(Clone, Copy)]
struct Opening {
    area: Area,
    rise: f32,
}

impl Opening {
    fn grown(self, by: f32) -> Self {
        let rise = if self.rise > 0.0 { self.rise + by } else { 0.0 };
        Self {
            area: self.area.grown(by),
            rise,
        }
    }

    /// The share of the pixel at a place that lies inside.
    fn share(&self, x: f32, y: f32) -> f32 {
        let spring = self.area.top + self.rise;
        if y >= spring || self.rise <= 0.0 {
            return 1.0;
        }
        let half = (self.area.width() / 2.0).max(0.5);
        let (u, v) = ((x - self.area.center_x()) / half, (spring - y) / self.rise);
        let distance = (u * u + v * v).sqrt();
        ((1.0 - distance) * self.rise.min(half) + 0.5).clamp(0.0, 1.0)
    }

    fn paint(&self, canvas: &mut Canvas, ink: impl Fn(f32, f32) -> Color) {
        canvas.glaze(self.area, |x, y| (ink(x, y), self.share(x, y)));
    }

    /// Paints what lies inside this opening and outside a smaller one.
    fn paint_frame(&self, canvas: &mut Canvas, hole: Opening, color: Color) {
        let hole_area = hole.area;
        canvas.glaze(self.area, |x, y| {
            let within = x > hole_area.left
                && x < hole_area.right
                && y > hole_area.top
                && y < hole_area.bottom;
            let cut = if within { hole.share(x, y) } else { 0.0 };
            (color, self.share(x, y) * (1.0 - cut))
        });
    }
}

pub fn window(easel: &mut Easel, area: Area, slenderness: f32) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    let arched = slenderness > ARCH_SLENDERNESS;
    let opening = Opening {
        area,
        rise: if arched { area.width() * 0.42 } else { 0.0 },
    };
    let trim = easel.style.trim;
    surround(easel, opening, trim);
    opening.paint(&mut easel.canvas, |_, _| [0.16, 0.15, 0.16]);
    let (column, row) = ((area.left / unit) as i32, (area.top / unit) as i32);
    let glazing = Glazing {
        pane: opening.grown(-0.4 * unit),
        lit: cell_value(column, row, grain) < LIT_SHARE,
        tilt: cell_value(row, column, grain) - 0.5,
        curtains: slenderness > 1.3,
    };
    let pane = glazing.pane;
    pane.paint(&mut easel.canvas, |x, y| glazing.color(x, y));
    casement(easel, pane, if slenderness < 1.15 { 3 } else { 2 });
    recess(easel, opening, 2.2 * unit);
}

/// The flat stone frame around an opening, lighter where it faces the sun.
fn surround(easel: &mut Easel, opening: Opening, color: Color) {
    let unit = easel.unit();
    easel.canvas.soft_shadow(
        opening
            .area
            .grown(1.6 * unit)
            .shifted(0.8 * unit, 1.0 * unit),
        0.4,
        unit,
    );
    let frame = opening.grown(1.7 * unit);
    frame.paint(&mut easel.canvas, |x, y| {
        let away = x > opening.area.right || y > opening.area.bottom;
        lit(color, if away { 0.82 } else { 0.97 })
    });
}

struct Glazing {
    pane: Opening,
    lit: bool,
    /// Turns the reflection a little, -0.5 to 0.5.
    tilt: f32,
    curtains: bool,
}

impl Glazing {
    fn color(&self, x: f32, y: f32) -> Color {
        let area = self.pane.area;
        let u = (x - area.left) / area.width().max(1.0);
        let v = (y - area.top) / area.height().max(1.0);
        if self.lit {
            let glow = 1.0 - 0.35 * ((u - 0.5).abs() + v * 0.5);
            return self.behind_curtains(lit(LAMPLIGHT, glow), LAMPLIGHT, u, v);
        }
        let sky = mix(REFLECTED_ZENITH, REFLECTED_HORIZON, v * v * 0.85);
        let glass = self.behind_curtains(lit(sky, 1.0 + 0.25 * self.tilt), CURTAIN, u, v);
        // A cloud or a house across the street, as a slanted bright band.
        let slant = u * 0.55 + v - 0.62 - 0.15 * self.tilt;
        let band = (1.0 - slant.abs() * 5.5).clamp(0.0, 1.0);
        mix(glass, [0.86, 0.93, 0.98], 0.5 * band)
    }

    fn behind_curtains(&self, glass: Color, cloth: Color, u: f32, v: f32) -> Color {
        let opened = 0.24 + 0.14 * v;
        let from_middle = (u - 0.5).abs();
        if !self.curtains || from_middle < opened {
            return glass;
        }
        let fold = 0.80 + 0.16 * (phase(u * 9.0, 1.0) - 0.5).abs();
        mix(glass, lit(cloth, fold), 0.72)
    }
}

/// Frame and glazing bars; wide windows have more lights than narrow ones.
fn casement(easel: &mut Easel, pane: Opening, lights: u32) {
    let unit = easel.unit();
    let area = pane.area;
    let color = easel.style.window_frame;
    let (border, bar) = (1.3 * unit, 1.1 * unit);
    let transom = area.top + area.height() * if lights == 3 { 0.26 } else { 0.34 };
    let inner = pane.grown(-border);
    pane.paint_frame(&mut easel.canvas, inner, color);
    for light in 1..lights {
        let x = area.left + area.width() * light as f32 / lights as f32;
        let post = Area::new(x - bar / 2.0, area.top + border, x + bar / 2.0, area.bottom);
        easel.canvas.fill(post, lit(color, 0.96));
        easel.canvas.darken(post.shifted(bar, 0.0), |_, _| 0.35);
    }
    let rail = Area::new(area.left, transom, area.right, transom + bar);
    easel.canvas.fill(rail, color);
    easel.canvas.darken(rail.shifted(0.0, bar), |_, _| 0.35);
}

/// The shadow that the wall casts into an opening, and the sunlit side of the reveal.
fn recess(easel: &mut Easel, opening: Opening, depth: f32) {
    let area = opening.area;
    easel.canvas.darken(area, |x, y| {
        let lifted = Opening {
            area: area.shifted(depth * 0.6, depth),
            ..opening
        };
        let shaded = x < lifted.area.left || y < lifted.area.top || lifted.share(x, y) < 0.5;
        if shaded {
            0.8 * opening.share(x, y)
        } else {
            0.0
        }
    });
    let reveal = area.right_strip(depth * 0.35);
    let trim = easel.style.trim;
    easel.canvas.glaze(reveal, |_, y| {
        let sunny = y > area.top + opening.rise + depth;
        (trim, if sunny { 0.8 } else { 0.0 })
    });
}

pub fn door(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let opening = Opening {
        area: area.moved([2.2 * unit, 2.2 * unit, -2.2 * unit, 0.0]),
        rise: area.width() * 0.36,
    };
    let trim = easel.style.trim;
    easel.canvas.cast_shadow(area, 2.0);
    easel.canvas.paint(area, |_, y| {
        let joint = phase((y - area.top) / unit, 7.0) < 0.8;
        lit(trim, if joint { 0.66 } else { 0.90 })
    });
    opening.paint(&mut easel.canvas, |_, _| [0.14, 0.12, 0.11]);
    let fan = opening.area.rows(0.0, 0.30);
    let glass = Opening {
        area: fan,
        ..opening
    }
    .grown(-0.6 * unit);
    glass.paint(&mut easel.canvas, |x, y| fanlight(fan, x, y));
    let leaves = opening.area.rows(0.32, 1.0);
    let step = area.bottom_strip(2.6 * unit);
    door_leaf(easel, leaves.columns(0.0, 0.49));
    door_leaf(easel, leaves.columns(0.51, 1.0));
    recess(easel, opening, 2.6 * unit);
    easel.canvas.fill(step, [0.80, 0.77, 0.72]);
    easel
        .canvas
        .fill(step.bottom_strip(1.1 * unit), [0.56, 0.53, 0.50]);
}

/// Rays of glazing bars around the middle of the lower edge.
fn fanlight(area: Area, x: f32, y: f32) -> Color {
    let (dx, dy) = (x - area.center_x(), (area.bottom - y).max(0.1));
    let slope = dx / dy;
    let ray = [-1.4, -0.45, 0.45, 1.4]
        .iter()
        .any(|bar| (slope - bar).abs() < 0.12 * (1.0 + slope * slope).sqrt());
    if ray {
        [0.86, 0.84, 0.78]
    } else {
        mix([0.98, 0.82, 0.50], REFLECTED_HORIZON, 0.35)
    }
}

fn door_leaf(easel: &mut Easel, leaf: Area) {
    let unit = easel.unit();
    let color = easel.style.door;
    easel.canvas.fill(leaf, color);
    for (from, to) in [(0.06, 0.42), (0.50, 0.62), (0.68, 0.92)] {
        let panel = leaf.rows(from, to).columns(0.18, 0.82);
        easel.canvas.fill(panel, lit(color, 0.60));
        let inner = panel.moved([0.8 * unit, 0.8 * unit, 0.0, 0.0]);
        easel.canvas.fill(inner, lit(mix(color, WHITE, 0.10), 1.10));
    }
    let handle = Area::new(
        leaf.right - 1.6 * unit,
        leaf.top + leaf.height() * 0.45,
        leaf.right - 0.5 * unit,
        leaf.top + leaf.height() * 0.53,
    );
    easel.canvas.fill(handle, [0.92, 0.76, 0.36]);
}

pub fn shop(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let sign_color = easel.style.sign;
    easel.canvas.cast_shadow(area, 1.5);
    easel.canvas.fill(area, sign_color);
    sign(easel, area.rows(0.0, 0.18));
    let front = area.moved([1.6 * unit, 0.0, -1.6 * unit, 0.0]);
    let display = front.rows(0.22, 0.84);
    shop_window(easel, display);
    let base = area.rows(0.84, 1.0);
    for (from, to) in [(0.06, 0.47), (0.53, 0.94)] {
        let panel = base.columns(from, to).rows(0.2, 0.8);
        easel.canvas.fill(panel, lit(sign_color, 1.5));
    }
    awning(easel, area.rows(0.18, 0.44));
}

fn sign(easel: &mut Easel, board: Area) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    let color = easel.style.sign;
    easel
        .canvas
        .fill(board.top_strip(0.9 * unit), lit(color, 1.7));
    let text = board.rows(0.34, 0.80).columns(0.16, 0.84);
    easel.canvas.glaze(text, |x, y| {
        let (u, v) = ((x - text.left) / unit, (y - text.top) / unit);
        let stroke = cell_value((u * 0.9) as i32, (v * 0.9) as i32, grain);
        let gap = phase(u, 3.0) < 0.8;
        (
            [0.96, 0.84, 0.52],
            if gap || stroke < 0.3 { 0.0 } else { 0.9 },
        )
    });
}

fn shop_window(easel: &mut Easel, glass: Area) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    let height = glass.height().max(1.0);
    easel.canvas.paint(glass, |x, y| {
        let v = (y - glass.top) / height;
        let (column, row) = (
            ((x - glass.left) / (3.4 * unit)) as i32,
            ((glass.bottom - y) / (4.0 * unit)) as i32,
        );
        let stack = 1.0 + 2.6 * cell_value(column, 7, grain);
        let inside = mix([0.46, 0.36, 0.26], LAMPLIGHT, 0.75 * (1.0 - v));
        if (row as f32) < stack {
            let hue = |i: i32| 0.30 + 0.62 * cell_value(column, row * 3 + i, grain);
            return mix([hue(0), hue(1), hue(2)], inside, 0.45);
        }
        let gleam = (1.0 - ((x - glass.left) / height + v - 0.9).abs() * 6.0).clamp(0.0, 1.0);
        mix(inside, [0.80, 0.90, 0.96], 0.12 + 0.30 * gleam)
    });
    let frame = lit(easel.style.sign, 1.4);
    for place in [0.0, 0.5, 1.0] {
        let x = glass.left + glass.width() * place;
        easel.canvas.fill(
            Area::new(x - 0.7 * unit, glass.top, x + 0.7 * unit, glass.bottom),
            frame,
        );
    }
    easel.canvas.fill(glass.bottom_strip(unit), frame);
}

/// Striped cloth with a scalloped hem, brighter where it leans towards the sky.
fn awning(easel: &mut Easel, cloth: Area) {
    let unit = easel.unit();
    let color = easel.style.awning;
    let stripe = (cloth.width() / 9.0).max(1.0);
    easel
        .canvas
        .soft_shadow(cloth.shifted(2.0 * unit, 5.0 * unit), 0.85, 3.0 * unit);
    let hem = cloth.height() * 0.26;
    easel.canvas.glaze(cloth, |x, y| {
        let along = (x - cloth.left) / stripe;
        let dyed = along as i32 % 2 == 0;
        let from_hem = cloth.bottom - y;
        let light = if from_hem < hem {
            0.82
        } else {
            1.10 - 0.12 * (y - cloth.top) / cloth.height()
        };
        let middle = 2.0 * (phase(along, 1.0) - 0.5);
        let scallop = hem * 0.7 * middle * middle;
        let inside = (from_hem - scallop + 0.5).clamp(0.0, 1.0);
        (
            lit(if dyed { color } else { [0.95, 0.93, 0.87] }, light),
            inside,
        )
    });
}
