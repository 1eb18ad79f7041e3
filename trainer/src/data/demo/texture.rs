//! Repeatable noise and the surfaces made of it. Lengths are in units of 1/256 of the image.

use super::canvas::{Color, lit, mix};

fn scramble(x: i32, y: i32, grain: u32) -> u32 {
    let mut bits = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ grain.wrapping_mul(0xC2B2_AE3D);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
    bits ^ (bits >> 15)
}

/// A repeatable random number, 0 to 1, for a cell of a grid.
pub fn cell_value(x: i32, y: i32, grain: u32) -> f32 {
    (scramble(x, y, grain) >> 8) as f32 / (1 << 24) as f32
}

/// The whole number below; `f32::floor` is slow where the processor's baseline lacks it.
fn whole(x: f32) -> i32 {
    let toward_zero = x as i32;
    toward_zero - i32::from(x < toward_zero as f32)
}

/// The place within a repeating period, 0 to `period`.
pub fn phase(x: f32, period: f32) -> f32 {
    x - period * whole(x / period) as f32
}

/// Four roughly bell-shaped numbers around 0, -1 to 1.
pub fn grain_values(x: i32, y: i32, grain: u32) -> [f32; 4] {
    let bits = [scramble(x, y, grain), scramble(x, y, !grain)];
    std::array::from_fn(|i| {
        let byte = |word: u32| ((word >> (8 * i)) & 0xFF) as f32 / 255.0;
        byte(bits[0]) + byte(bits[1]) - 1.0
    })
}

/// Smooth noise, 0 to 1, with one bump per cell of the grid.
pub fn clouds(x: f32, y: f32, grain: u32) -> f32 {
    let (column, row) = (whole(x), whole(y));
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - column as f32), ease(y - row as f32));
    let corner = |dx: i32, dy: i32| cell_value(column + dx, row + dy, grain);
    let above = corner(0, 0) * (1.0 - u) + corner(1, 0) * u;
    let below = corner(0, 1) * (1.0 - u) + corner(1, 1) * u;
    above * (1.0 - v) + below * v
}

/// What a wall or roof is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    Plaster,
    Brick,
    Ashlar,
    /// Ashlar with deep joints, as on ground floors.
    Rustic,
    Tiles,
    Slate,
    /// Sheet metal with standing seams.
    Metal,
}

/// The place within one block of masonry.
struct Block {
    tone: f32,
    in_joint: bool,
    /// Distance to the upper joint.
    depth: f32,
}

struct Bond {
    course: f32,
    length: f32,
    joint: f32,
}

impl Bond {
    fn block(&self, x: f32, y: f32, grain: u32) -> Block {
        let row = whole(y / self.course);
        let shift = if row & 1 == 0 { 0.0 } else { 0.5 };
        let along = x / self.length + shift;
        let column = whole(along);
        let depth = y - row as f32 * self.course;
        let side = (along - column as f32) * self.length;
        Block {
            tone: cell_value(column, row, grain),
            in_joint: depth < self.joint || side < self.joint,
            depth: depth - self.joint,
        }
    }
}

const BRICKS: Bond = Bond {
    course: 4.0,
    length: 9.0,
    joint: 1.0,
};
const BLOCKS: Bond = Bond {
    course: 10.0,
    length: 22.0,
    joint: 0.9,
};
const HEAVY_BLOCKS: Bond = Bond {
    course: 9.0,
    length: 26.0,
    joint: 1.6,
};
const TILES: Bond = Bond {
    course: 3.6,
    length: 3.6,
    joint: 0.8,
};
const SLATES: Bond = Bond {
    course: 3.2,
    length: 5.0,
    joint: 0.6,
};

impl Material {
    /// The surface at a place, seen in even light.
    pub fn surface(self, color: Color, x: f32, y: f32, grain: u32) -> Color {
        match self {
            Self::Plaster => plaster(color, x, y, grain),
            Self::Brick => brick(color, x, y, grain),
            Self::Ashlar => masonry(&BLOCKS, color, [x, y], grain, 0.74),
            Self::Rustic => masonry(&HEAVY_BLOCKS, color, [x, y], grain, 0.58),
            Self::Tiles => shingles(&TILES, color, [x, y], grain, 0.34),
            Self::Slate => shingles(&SLATES, color, [x, y], grain, 0.26),
            Self::Metal => sheet_metal(color, x, y, grain),
        }
    }
}

fn plaster(color: Color, x: f32, y: f32, grain: u32) -> Color {
    let stains = clouds(x / 22.0, y / 38.0, grain) - 0.5;
    lit(color, 1.0 + 0.10 * stains)
}

fn brick(color: Color, x: f32, y: f32, grain: u32) -> Color {
    let block = BRICKS.block(x, y, grain);
    if block.in_joint {
        return mix(color, [0.80, 0.74, 0.66], 0.55);
    }
    let burnt = mix(color, [0.34, 0.17, 0.16], 0.45 * block.tone * block.tone);
    lit(
        burnt,
        0.92 + 0.22 * cell_value(0, (block.tone * 9e4) as i32, grain),
    )
}

fn masonry(bond: &Bond, color: Color, [x, y]: [f32; 2], grain: u32, joint_light: f32) -> Color {
    let block = bond.block(x, y, grain);
    let pores = cell_value((x * 1.2) as i32, (y * 1.2) as i32, grain) - 0.5;
    let light = if block.in_joint {
        joint_light
    } else if block.depth < 0.9 {
        1.09
    } else {
        0.94 + 0.12 * block.tone
    };
    lit(color, light + 0.06 * pores)
}

fn shingles(bond: &Bond, color: Color, [x, y]: [f32; 2], grain: u32, variety: f32) -> Color {
    let block = bond.block(x, y, grain);
    let light = if block.in_joint {
        0.66
    } else {
        1.06 - 0.5 * variety + variety * block.tone
    };
    lit(color, light)
}

fn sheet_metal(color: Color, x: f32, y: f32, grain: u32) -> Color {
    let across = phase(x, 8.0);
    let weather = clouds(x / 5.0, y / 16.0, grain) - 0.5;
    let seam = if across < 0.9 {
        1.22
    } else if across < 2.0 {
        0.72
    } else {
        1.0
    };
    lit(color, seam * (1.0 + 0.24 * weather))
}
