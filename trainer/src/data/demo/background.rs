//! Sky, street and neighbours, and the bare walls and roof that the ornaments go on.

use super::canvas::{Area, Color, lit, mix};
use super::easel::Easel;
use super::texture::{Material, cell_value, clouds, phase};

const ZENITH: Color = [0.30, 0.54, 0.85];
const HORIZON: Color = [0.80, 0.89, 0.96];
const CLOUD: Color = [0.98, 0.97, 0.95];
const PAVEMENT: Color = [0.70, 0.68, 0.66];
const ASPHALT: Color = [0.36, 0.37, 0.40];

/// A house next door, in plain colours so that it stays in the background.
struct Neighbour {
    plot: Area,
    color: Color,
    roof: Color,
    /// Height of the roof's upper edge below that of the wall in the middle, in units.
    drop: f32,
}

pub fn paint(easel: &mut Easel) {
    let side = easel.canvas.side() as f32;
    let wall = easel.on_canvas(easel.house.wall);
    let left = Neighbour {
        plot: Area::new(0.0, wall.top, wall.left, wall.bottom),
        color: [0.76, 0.62, 0.55],
        roof: [0.58, 0.36, 0.30],
        drop: 26.0,
    };
    let right = Neighbour {
        plot: Area::new(wall.right, wall.top, side, wall.bottom),
        color: [0.70, 0.70, 0.68],
        roof: [0.40, 0.42, 0.47],
        drop: 12.0,
    };
    sky(easel, Area::new(0.0, 0.0, side, wall.top));
    // Beside the wall it reaches down to the lower roofs next door.
    for gap in [left.plot, right.plot] {
        sky(easel, gap.top_strip(20.0 * easel.unit()));
    }
    neighbour(easel, &left);
    neighbour(easel, &right);
    shade_of_the_house(easel, right.plot);
    street(easel, Area::new(0.0, wall.bottom, side, side));
    tree(easel, left.plot);
    tree(easel, right.plot);
    roof(easel, wall);
}

fn shade_of_the_house(easel: &mut Easel, next_door: Area) {
    let reach = 16.0 * easel.unit();
    easel.canvas.darken(next_door.left_strip(reach), |x, _| {
        0.75 * (1.0 - (x - next_door.left) / reach)
    });
}

fn sky(easel: &mut Easel, area: Area) {
    let (scale, grain) = (1.0 / easel.unit(), easel.house.grain);
    easel.canvas.paint(area, |x, y| {
        let (x, y) = (x * scale, y * scale);
        let clear = mix(ZENITH, HORIZON, (y / 150.0).min(1.0));
        let wide = clouds(x / 52.0, y / 20.0, grain);
        let puff = 0.65 * wide + 0.35 * clouds(x / 19.0, y / 8.0, grain);
        mix(clear, CLOUD, ((puff - 0.48) * 2.8).clamp(0.0, 0.8))
    });
}

fn neighbour(easel: &mut Easel, neighbour: &Neighbour) {
    let unit = easel.unit();
    let plot = neighbour.plot;
    let eaves = plot.top + neighbour.drop * unit;
    let house = Area::new(plot.left, eaves, plot.right, plot.bottom);
    let roof = Area::new(plot.left, eaves - 12.0 * unit, plot.right, eaves);
    easel.clad(roof, Material::Tiles, neighbour.roof);
    easel.clad(house, Material::Plaster, neighbour.color);
    let gutter = house.top_strip(2.0 * unit);
    easel.canvas.fill(gutter, lit(neighbour.color, 1.15));
    easel.canvas.shade_below(gutter, 6.0 * unit, 0.6);
    plain_windows(easel, house, neighbour.color);
}

/// Rows of windows, counted from the wall in the middle, so that they follow from where it ends.
fn plain_windows(easel: &mut Easel, house: Area, wall: Color) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    let is_left = house.left <= 0.0;
    easel.canvas.glaze(house, |x, y| {
        let from_wall = if is_left {
            house.right - x
        } else {
            x - house.left
        };
        let (across, down) = (from_wall / unit, (y - house.top) / unit);
        let (u, v) = (phase(across, 17.0), phase(down, 29.0));
        if !(5.5..12.5).contains(&u) || !(10.0..22.0).contains(&v) {
            return (wall, 0.0);
        }
        if (u - 9.0).abs() < 0.5 || (v - 14.0).abs() < 0.5 {
            return (lit(wall, 1.2), 0.9);
        }
        let tone = cell_value((across / 17.0) as i32, (down / 29.0) as i32, grain);
        (mix([0.30, 0.36, 0.44], [0.50, 0.60, 0.70], tone), 0.9)
    });
}

/// Trees stand where there is room beside the wall, and never in front of it.
fn tree(easel: &mut Easel, gap: Area) {
    let unit = easel.unit();
    if gap.width() < 17.0 * unit {
        return;
    }
    let grain = easel.house.grain;
    let (cx, cy) = (gap.center_x(), gap.bottom - 48.0 * unit);
    let trunk = Area::new(
        cx - 1.4 * unit,
        cy,
        cx + 1.4 * unit,
        gap.bottom + 5.0 * unit,
    );
    easel.canvas.paint(trunk, |x, _| {
        lit([0.40, 0.30, 0.22], 1.1 - 0.18 * (x - trunk.left) / unit)
    });
    let (rx, ry) = ((gap.width() * 0.47).min(17.0 * unit), 26.0 * unit);
    let crown = Area::new(cx - rx, cy - ry, cx + rx, cy + ry);
    easel.canvas.glaze(crown, |x, y| {
        let (u, v) = ((x - cx) / rx, (y - cy) / ry);
        let leaves = clouds(x / (3.6 * unit), y / (3.6 * unit), grain);
        let outline = 1.0 - u * u - v * v + 0.5 * (leaves - 0.6);
        let light = 0.46 - 0.22 * (u + v) + 0.5 * (leaves - 0.5);
        let color = mix(
            [0.10, 0.23, 0.11],
            [0.52, 0.68, 0.26],
            light.clamp(0.0, 1.0),
        );
        (color, (outline * 8.0).clamp(0.0, 1.0))
    });
}

fn street(easel: &mut Easel, area: Area) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    easel.canvas.paint(area, |x, y| {
        let (x, y) = (x / unit, (y - area.top) / unit);
        let speckle = cell_value(x as i32, y as i32, grain) - 0.5;
        if y < 9.0 {
            let joint = phase(x, 13.0) < 0.8 || (y - 4.5).abs() < 0.4;
            let light = if joint { 0.80 } else { 1.0 };
            lit(PAVEMENT, light + 0.08 * speckle)
        } else if y < 11.5 {
            lit([0.80, 0.79, 0.77], if y < 10.2 { 1.05 } else { 0.72 })
        } else {
            lit(ASPHALT, 0.86 + 0.02 * (y - 11.5) + 0.16 * speckle)
        }
    });
    let contact = Area::new(area.left, area.top, area.right, area.top);
    easel.canvas.shade_below(contact, 3.0 * unit, 0.5);
}

/// A roof that leans back, drawn as a trapeze on top of the wall.
fn roof(easel: &mut Easel, wall: Area) {
    let unit = easel.unit();
    let grain = easel.house.grain;
    let (material, color) = (easel.style.roof_material, easel.style.roof);
    let height = easel.house.roof_height * easel.canvas.side() as f32;
    let eaves = 2.0 * unit;
    let area = Area::new(
        wall.left - eaves,
        wall.top - height,
        wall.right + eaves,
        wall.top,
    );
    easel.canvas.glaze(area, |x, y| {
        let lean = (area.bottom - y) * 0.42;
        let inside = (x - area.left - lean).min(area.right - lean - x);
        let (across, down) = ((x - area.left) / unit, (y - area.top) / unit);
        let light = 0.90 + 0.20 * (down / 22.0).min(1.0);
        let surface = material.surface(color, across, down, grain);
        (lit(surface, light), (inside + 0.5).clamp(0.0, 1.0))
    });
    let lean = height * 0.42;
    let ridge = Area::new(
        area.left + lean,
        area.top - 1.0 * unit,
        area.right - lean,
        area.top + 0.8 * unit,
    );
    easel.canvas.fill(ridge, lit(color, 0.72));
}

pub fn chimney(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    easel.canvas.cast_shadow(area, 3.0);
    easel.clad(area, Material::Brick, [0.66, 0.36, 0.29]);
    let darker = area.columns(0.68, 1.0);
    easel.canvas.darken(darker, |_, _| 0.5);
    let cap = area.top_strip(2.4 * unit);
    easel.canvas.fill(cap, [0.70, 0.66, 0.60]);
    easel.canvas.shade_below(cap, 2.0 * unit, 0.6);
}

pub fn dormer(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let (trim, wall) = (easel.style.trim, easel.style.wall);
    easel.canvas.cast_shadow(area, 4.0);
    easel.clad(area, Material::Plaster, mix(wall, trim, 0.4));
    let gable = area.top_strip(4.0 * unit);
    easel.canvas.fill(gable, lit(easel.style.roof, 0.80));
    easel.canvas.fill(gable.bottom_strip(1.2 * unit), trim);
    easel.canvas.shade_below(gable, 2.5 * unit, 0.7);
}

pub fn wall(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let floor = easel
        .on_canvas(Area::new(0.0, 0.0, 1.0, easel.house.ground_floor))
        .bottom;
    let upper = Area::new(area.left, area.top, area.right, floor);
    let lower = Area::new(area.left, floor, area.right, area.bottom);
    let (material, color) = (easel.style.wall_material, easel.style.wall);
    easel.clad(upper, material, color);
    let (material, color) = (easel.style.ground_floor_material, easel.style.ground_floor);
    easel.clad(lower, material, color);
    let plinth = area.bottom_strip(6.0 * unit);
    easel.canvas.fill(plinth, lit(color, 0.74));
    easel.canvas.fill(plinth.top_strip(unit), lit(color, 0.95));
    // Little light comes back from the street, and the corners are turned away from the sun.
    let height = area.height();
    easel.canvas.darken(area, |_, y| {
        let low = (y - area.top) / height;
        0.06 + 0.22 * low * low
    });
    easel
        .canvas
        .darken(area.right_strip(2.0 * unit), |_, _| 0.35);
    easel.canvas.glaze(area.left_strip(1.2 * unit), |_, _| {
        ([1.0, 0.97, 0.88], 0.35)
    });
}
