//! The colours and materials of a house. They depend only on what the label map shows: the kind of
//! house shows in its ornaments, the tint in the number of storeys.

use super::canvas::{Color, lit};
use super::layout::{Character, House};
use super::texture::Material;

pub enum Railing {
    Iron,
    Balusters,
}

pub struct Style {
    pub wall: Color,
    pub wall_material: Material,
    pub ground_floor: Color,
    pub ground_floor_material: Material,
    pub roof: Color,
    pub roof_material: Material,
    /// Sills, mouldings, cornices and the like.
    pub trim: Color,
    pub window_frame: Color,
    pub door: Color,
    pub shutter: Color,
    pub awning: Color,
    pub sign: Color,
    pub railing: Railing,
    pub flowers: bool,
}

const TERRACOTTA: Color = [0.72, 0.36, 0.25];
const SLATE_GREY: Color = [0.33, 0.36, 0.43];
const PATINA: Color = [0.42, 0.66, 0.58];
const ZINC: Color = [0.50, 0.57, 0.64];

impl Style {
    pub fn of(house: &House) -> Self {
        let tint = house.storeys as usize % 3;
        let style = match house.character {
            Character::Shuttered => Self::warm_plaster(tint),
            Character::Industrial => Self::red_brick(tint),
            Character::Palace => Self::sandstone(tint),
            Character::Ornate => Self::pastel(tint),
        };
        Self {
            wall: lit(style.wall, house.tint),
            ..style
        }
    }

    fn warm_plaster(tint: usize) -> Self {
        Self {
            wall: [[0.93, 0.74, 0.42], [0.90, 0.60, 0.44], [0.95, 0.83, 0.58]][tint],
            wall_material: Material::Plaster,
            ground_floor: [0.80, 0.66, 0.50],
            ground_floor_material: Material::Rustic,
            roof: TERRACOTTA,
            roof_material: Material::Tiles,
            trim: [0.96, 0.90, 0.78],
            window_frame: [0.95, 0.94, 0.90],
            door: [0.16, 0.38, 0.26],
            shutter: [[0.22, 0.48, 0.34], [0.22, 0.44, 0.40], [0.24, 0.42, 0.58]][tint],
            awning: [0.16, 0.46, 0.32],
            sign: [0.14, 0.28, 0.22],
            railing: Railing::Iron,
            flowers: true,
        }
    }

    fn red_brick(tint: usize) -> Self {
        Self {
            wall: [[0.70, 0.31, 0.23], [0.62, 0.28, 0.23], [0.76, 0.42, 0.27]][tint],
            wall_material: Material::Brick,
            ground_floor: [0.64, 0.56, 0.50],
            ground_floor_material: Material::Rustic,
            roof: SLATE_GREY,
            roof_material: Material::Slate,
            trim: [0.90, 0.83, 0.70],
            window_frame: [0.93, 0.92, 0.88],
            door: [0.13, 0.25, 0.42],
            shutter: [0.28, 0.32, 0.36],
            awning: [0.76, 0.17, 0.16],
            sign: [0.16, 0.17, 0.22],
            railing: Railing::Iron,
            flowers: false,
        }
    }

    fn sandstone(tint: usize) -> Self {
        Self {
            wall: [[0.85, 0.73, 0.53], [0.82, 0.68, 0.50], [0.86, 0.77, 0.62]][tint],
            wall_material: Material::Ashlar,
            ground_floor: [0.74, 0.63, 0.47],
            ground_floor_material: Material::Rustic,
            roof: PATINA,
            roof_material: Material::Metal,
            trim: [0.93, 0.85, 0.69],
            window_frame: [0.42, 0.28, 0.19],
            door: [0.46, 0.25, 0.13],
            shutter: [0.40, 0.30, 0.22],
            awning: [0.60, 0.14, 0.24],
            sign: [0.36, 0.12, 0.16],
            railing: Railing::Balusters,
            flowers: false,
        }
    }

    fn pastel(tint: usize) -> Self {
        Self {
            wall: [[0.63, 0.80, 0.74], [0.66, 0.77, 0.89], [0.90, 0.72, 0.73]][tint],
            wall_material: Material::Plaster,
            ground_floor: [0.76, 0.77, 0.77],
            ground_floor_material: Material::Rustic,
            roof: ZINC,
            roof_material: Material::Metal,
            trim: [0.97, 0.96, 0.93],
            window_frame: [0.97, 0.96, 0.94],
            door: [0.66, 0.17, 0.16],
            shutter: [0.34, 0.46, 0.54],
            awning: [0.18, 0.36, 0.66],
            sign: [0.15, 0.22, 0.36],
            railing: Railing::Iron,
            flowers: false,
        }
    }
}
