//! Everything that stands out from the wall and casts a shadow on it.

use super::canvas::{Area, Color, WHITE, lit, mix};
use super::easel::Easel;
use super::style::Railing;
use super::texture::{cell_value, phase};

const IRON: Color = [0.13, 0.14, 0.17];

/// A stone band with a lit upper edge and a dark underside.
fn ledge(easel: &mut Easel, area: Area, color: Color) {
    let unit = easel.unit();
    easel.canvas.fill(area, lit(color, 0.95));
    easel
        .canvas
        .fill(area.top_strip(unit), lit(mix(color, WHITE, 0.4), 1.04));
    easel.canvas.fill(area.bottom_strip(unit), lit(color, 0.62));
}

pub fn sill(easel: &mut Easel, area: Area) {
    let trim = easel.style.trim;
    easel.canvas.cast_shadow(area, 3.0);
    ledge(easel, area, trim);
    if easel.style.flowers {
        flower_box(easel, area);
    }
}

/// Geraniums that grow over the whole sill.
fn flower_box(easel: &mut Easel, sill: Area) {
    let (unit, grain) = (easel.unit(), easel.house.grain);
    let inset = 1.2 * unit;
    let box_area = sill.moved([inset, 0.0, -inset, 0.0]);
    easel
        .canvas
        .fill(box_area.rows(0.45, 1.0), [0.52, 0.30, 0.20]);
    let plants = Area::new(
        box_area.left,
        sill.top - 3.4 * unit,
        box_area.right,
        sill.top + sill.height() * 0.5,
    );
    easel.canvas.glaze(plants, |x, y| {
        let (column, row) = ((x / (1.1 * unit)) as i32, (y / (1.1 * unit)) as i32);
        let pick = cell_value(column, row, grain);
        let ragged = cell_value(column, 0, grain) * 0.45;
        let grown = (y - plants.top) / plants.height().max(1.0) > ragged;
        let color = if pick < 0.36 {
            [0.86, 0.18, 0.20]
        } else {
            mix([0.16, 0.34, 0.14], [0.36, 0.58, 0.24], pick)
        };
        (color, if grown { 1.0 } else { 0.0 })
    });
}

pub fn molding(easel: &mut Easel, area: Area) {
    let trim = easel.style.trim;
    easel.canvas.cast_shadow(area, 2.6);
    ledge(easel, area, trim);
    easel.canvas.fill(area.rows(0.45, 0.58), lit(trim, 0.78));
}

pub fn cornice(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    easel.canvas.cast_shadow(area, 5.0);
    easel.canvas.shade_below(area, 9.0 * unit, 0.35);
    ledge(easel, area, trim);
    let teeth = area.rows(0.55, 0.92);
    easel.canvas.paint(teeth, |x, _| {
        let gap = phase((x - teeth.left) / unit, 4.0) > 2.2;
        lit(trim, if gap { 0.48 } else { 1.0 })
    });
    easel.canvas.fill(area.rows(0.40, 0.50), lit(trim, 0.72));
}

/// Rounded and fluted, with a capital and a base.
pub fn pillar(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    easel.canvas.cast_shadow(area, 2.6);
    let width = area.width().max(1.0);
    easel.canvas.paint(area, |x, _| {
        let u = (x - area.left) / width;
        let flute = if phase(u * 3.0, 1.0) > 0.72 {
            0.86
        } else {
            1.0
        };
        lit(trim, (1.04 - 0.38 * u * u) * flute)
    });
    let head = area.top_strip(13.0 * unit).moved([-unit, 0.0, unit, 0.0]);
    for block in [head.bottom_strip(4.0 * unit), area.bottom_strip(5.0 * unit)] {
        easel.canvas.cast_shadow(block, 1.2);
        ledge(easel, block, trim);
    }
}

/// Wide decorations are pediments, others medallions.
pub fn deco(easel: &mut Easel, area: Area) {
    if area.slenderness() < 0.62 {
        pediment(easel, area);
    } else {
        medallion(easel, area);
    }
}

fn pediment(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    let half = (area.width() / 2.0).max(1.0);
    let gable = area.rows(0.0, 0.76);
    let shadow = gable.shifted(1.2 * unit, 2.2 * unit);
    let depth_in = |place: Area, x: f32, y: f32| {
        let roof = place.top + place.height() * (x - place.center_x()).abs() / half;
        y - roof
    };
    easel
        .canvas
        .darken(shadow, |x, y| 0.7 * depth_in(shadow, x, y).clamp(0.0, 1.0));
    easel.canvas.glaze(gable, |x, y| {
        let depth = depth_in(gable, x, y);
        let side = if x < gable.center_x() { 1.06 } else { 0.86 };
        let light = if depth < 1.8 * unit { side } else { 0.70 };
        (lit(trim, light), (depth + 0.5).clamp(0.0, 1.0))
    });
    let base = area.rows(0.72, 1.0);
    easel.canvas.cast_shadow(base, 1.8);
    ledge(easel, base, trim);
}

fn medallion(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    let radius = (area.width().min(area.height()) / 2.0).max(0.5);
    let (cx, cy) = (area.center_x(), (area.top + area.bottom) / 2.0);
    let distance = |x: f32, y: f32| (x * x + y * y).sqrt();
    let shadow = area.shifted(1.4 * unit, 2.0 * unit);
    easel.canvas.darken(shadow, |x, y| {
        let away = distance(x - cx - 1.4 * unit, y - cy - 2.0 * unit);
        0.7 * (radius - away).clamp(0.0, 1.0)
    });
    easel.canvas.glaze(area, |x, y| {
        let (dx, dy) = (x - cx, y - cy);
        let away = distance(dx, dy) / radius;
        let slope = -(dx + dy) / (2.0 * radius);
        let light = match away {
            a if a > 0.72 => 1.0 + 0.16 * slope,
            a if a > 0.55 => 0.70 - 0.2 * slope,
            _ => 0.98 + 0.5 * slope,
        };
        let color = if away > 0.55 {
            trim
        } else {
            [0.92, 0.76, 0.42]
        };
        (
            lit(color, light),
            (radius * (1.0 - away) + 0.5).clamp(0.0, 1.0),
        )
    });
}

/// Louvred, and hung at the outer edge.
pub fn shutter(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let color = easel.style.shutter;
    easel.canvas.cast_shadow(area, 1.8);
    easel.canvas.fill(area, lit(color, 1.08));
    let louvres = area.grown(-1.1 * unit);
    easel.canvas.paint(louvres, |_, y| {
        let slat = phase((y - louvres.top) / unit, 2.4);
        lit(color, if slat < 1.3 { 1.12 } else { 0.58 })
    });
    let middle = (area.top + area.bottom) / 2.0;
    let rail = Area::new(
        area.left,
        middle - 0.8 * unit,
        area.right,
        middle + 0.8 * unit,
    );
    easel.canvas.fill(rail, lit(color, 1.08));
    easel
        .canvas
        .darken(area.right_strip(0.8 * unit), |_, _| 0.5);
}

pub fn balcony(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    let slab = area.rows(0.78, 1.0);
    easel.canvas.cast_shadow(slab, 7.0);
    easel.canvas.shade_below(slab, 10.0 * unit, 0.4);
    let railing = area.rows(0.0, 0.80);
    easel.canvas.darken(railing, |_, _| 0.22);
    match easel.style.railing {
        Railing::Iron => iron_railing(easel, railing),
        Railing::Balusters => balustrade(easel, railing),
    }
    ledge(easel, slab, trim);
}

fn iron_railing(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let middle = area.top + area.height() * 0.52;
    easel.canvas.glaze(area, |x, y| {
        let bar = phase((x - area.left) / unit, 3.2);
        let ring_x = (bar - 1.6) * unit;
        let ring = (ring_x * ring_x + (y - middle) * (y - middle)).sqrt() / unit;
        let drawn = bar < 0.9 || (0.8..1.6).contains(&ring);
        (IRON, if drawn { 0.92 } else { 0.0 })
    });
    easel
        .canvas
        .fill(area.top_strip(1.5 * unit), lit(IRON, 1.3));
    easel.canvas.fill(area.bottom_strip(1.2 * unit), IRON);
    easel.canvas.fill(area.left_strip(1.2 * unit), IRON);
    easel.canvas.fill(area.right_strip(1.2 * unit), IRON);
}

/// Stone posts that bulge in the middle.
fn balustrade(easel: &mut Easel, area: Area) {
    let unit = easel.unit();
    let trim = easel.style.trim;
    let height = area.height().max(1.0);
    easel.canvas.glaze(area, |x, y| {
        let across = phase((x - area.left) / unit, 4.4) - 2.2;
        let v = (y - area.top) / height;
        let bulge = 0.9 + 0.8 * (1.0 - (2.0 * v - 1.2).abs()).clamp(0.0, 1.0);
        if across.abs() < bulge {
            (lit(trim, 0.95 - 0.22 * across / bulge), 1.0)
        } else {
            (IRON, 0.72)
        }
    });
    ledge(easel, area.top_strip(2.8 * unit), trim);
    for post in [area.left_strip(3.0 * unit), area.right_strip(3.0 * unit)] {
        easel.canvas.fill(post, lit(trim, 0.92));
        easel.canvas.fill(post.right_strip(unit), lit(trim, 0.7));
    }
}
