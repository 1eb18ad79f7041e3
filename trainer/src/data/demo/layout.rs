//! Where the parts of a house are, in fractions of the image. Long, because every part follows from
//! the same few decisions: `Sketch` draws them, and its methods place a kind of part each.

use rand::{Rng, RngExt};

use super::canvas::Area;

/// The kind of house; each has ornaments of its own, so a label map tells which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    /// With shutters beside the windows.
    Shuttered,
    /// With a moulding at every storey and no other ornament.
    Industrial,
    /// With pillars between the bays and pediments.
    Palace,
    /// With medallions and many balconies.
    Ornate,
}

/// In the order of the palette, whose first colour is the background's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Wall = 1,
    Window,
    Door,
    Cornice,
    Sill,
    Balcony,
    Blind,
    Deco,
    Molding,
    Pillar,
    Shop,
    Chimney,
    Dormer,
}

impl Role {
    /// The position in the palette, whose order is that of the roles.
    pub fn class(self) -> usize {
        match self {
            Self::Chimney | Self::Dormer => Self::Wall as usize,
            _ => self as usize,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub role: Role,
    pub area: Area,
}

pub struct House {
    pub character: Character,
    pub storeys: u32,
    pub wall: Area,
    /// Where the ground floor begins, from above.
    pub ground_floor: f32,
    pub roof_height: f32,
    /// In drawing order: later parts cover earlier ones.
    pub parts: Vec<Part>,
    /// A small variation of the wall's brightness, around 1.
    pub tint: f32,
    /// Makes the noise of this house differ from all others.
    pub grain: u32,
}

impl House {
    pub fn plan(dice: &mut impl Rng) -> Self {
        let sketch = Sketch::roll(dice);
        let mut parts = sketch.skyline();
        parts.extend(sketch.vertical_lines());
        for storey in 1..sketch.storeys {
            parts.extend(sketch.upper_storey(storey));
        }
        parts.extend(sketch.street_front());
        parts.extend(sketch.horizontal_lines());
        // Parts that stand out furthest cover the others.
        parts.sort_by_key(|part| part.role == Role::Balcony);
        Self {
            character: sketch.character,
            storeys: sketch.storeys,
            wall: sketch.wall,
            ground_floor: sketch.floor_line(1),
            roof_height: ROOF_HEIGHT,
            parts,
            tint: dice.random_range(0.96..1.04),
            grain: dice.random(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BalconyPlan {
    None,
    Middle,
    EverySecond,
    FirstStorey,
}

const ROOF_HEIGHT: f32 = 0.085;

/// The decisions that the parts follow from.
struct Sketch {
    character: Character,
    storeys: u32,
    bays: u32,
    wall: Area,
    window_width: f32,
    window_height: f32,
    low_top_storey: bool,
    balconies: BalconyPlan,
    shops: bool,
    moldings: bool,
    dormers: bool,
    door_bay: u32,
    chimneys: [bool; 2],
}

impl Sketch {
    fn roll(dice: &mut impl Rng) -> Self {
        let character = pick(
            dice,
            &[
                Character::Shuttered,
                Character::Industrial,
                Character::Palace,
                Character::Ornate,
            ],
        );
        let storeys = dice.random_range(3..=5);
        let most_bays = if character == Character::Shuttered {
            5
        } else {
            6
        };
        let bays = dice.random_range(3..=most_bays);
        let top = 0.395 - 0.05 * storeys as f32;
        Self {
            character,
            storeys,
            bays,
            wall: Area::new(
                dice.random_range(0.05..0.15),
                top + dice.random_range(-0.02..0.02),
                1.0 - dice.random_range(0.05..0.15),
                dice.random_range(0.905..0.93),
            ),
            window_width: dice.random_range(0.40..0.52),
            window_height: dice.random_range(0.52..0.62),
            low_top_storey: dice.random_bool(0.4),
            balconies: Self::roll_balconies(character, dice),
            shops: dice.random_bool(Self::shop_chance(character)),
            moldings: character == Character::Industrial || dice.random_bool(0.3),
            dormers: dice.random_bool(0.5),
            door_bay: pick(dice, &[bays / 2, bays / 2, 0, bays - 1]),
            chimneys: [dice.random_bool(0.6), dice.random_bool(0.6)],
        }
    }

    fn shop_chance(character: Character) -> f64 {
        match character {
            Character::Industrial => 0.8,
            Character::Ornate => 0.65,
            Character::Shuttered => 0.4,
            Character::Palace => 0.3,
        }
    }

    fn roll_balconies(character: Character, dice: &mut impl Rng) -> BalconyPlan {
        use BalconyPlan::{EverySecond, FirstStorey, Middle, None};
        match character {
            Character::Shuttered => pick(dice, &[None, Middle, Middle]),
            Character::Industrial => pick(dice, &[None, None, Middle]),
            Character::Palace => pick(dice, &[None, Middle, FirstStorey]),
            Character::Ornate => pick(dice, &[Middle, EverySecond, FirstStorey]),
        }
    }

    fn cornice_height(&self) -> f32 {
        if self.character == Character::Palace {
            0.034
        } else {
            0.026
        }
    }

    fn storey_height(&self) -> f32 {
        let facade = self.wall.height() - self.cornice_height();
        facade / (self.storeys as f32 + 0.25)
    }

    /// The lower edge of a storey; the ground floor is number 0 and a little higher than the rest.
    fn floor_line(&self, storey: u32) -> f32 {
        let raised = if storey == 0 { 0.0 } else { 0.25 };
        self.wall.bottom - (storey as f32 + raised) * self.storey_height()
    }

    fn bay_width(&self) -> f32 {
        self.wall.width() / (self.bays as f32 + 0.16)
    }

    fn bay_line(&self, bay: u32) -> f32 {
        self.wall.left + (bay as f32 + 0.08) * self.bay_width()
    }

    fn bay_center(&self, bay: u32) -> f32 {
        self.bay_line(bay) + self.bay_width() / 2.0
    }

    fn is_middle(&self, bay: u32) -> bool {
        bay == self.bays / 2 || bay == (self.bays - 1) / 2
    }

    fn has_balcony(&self, storey: u32, bay: u32) -> bool {
        match self.balconies {
            BalconyPlan::None => false,
            BalconyPlan::Middle => self.is_middle(bay) && storey + 1 < self.storeys,
            BalconyPlan::EverySecond => bay.min(self.bays - 1 - bay).is_multiple_of(2),
            BalconyPlan::FirstStorey => storey == 1,
        }
    }

    fn skyline(&self) -> Vec<Part> {
        let ridge = self.wall.top - ROOF_HEIGHT;
        let chimneys = self.chimney_centers();
        let stack = |x: &f32| {
            part(
                Role::Chimney,
                around(*x, 0.022, ridge - 0.026, ridge + 0.036),
            )
        };
        let mut parts: Vec<Part> = chimneys.iter().map(stack).collect();
        parts.push(part(Role::Wall, self.wall));
        for bay in (0..self.bays).filter(|bay| self.dormers && bay % 2 == self.bays / 2 % 2) {
            let center = self.bay_center(bay);
            if chimneys.iter().all(|x| (x - center).abs() > 0.07) {
                parts.extend(self.dormer(center));
            }
        }
        parts
    }

    fn chimney_centers(&self) -> Vec<f32> {
        let places = self.chimneys.iter().zip([0.17, 0.83]);
        places
            .filter(|(built, _)| **built)
            .map(|(_, place)| self.wall.left + self.wall.width() * place)
            .collect()
    }

    fn dormer(&self, center: f32) -> [Part; 2] {
        let top = self.wall.top - 0.066;
        let width = 0.066_f32.min(self.bay_width() * 0.6);
        [
            part(
                Role::Dormer,
                around(center, width / 2.0, top, self.wall.top),
            ),
            part(
                Role::Window,
                around(center, width * 0.3, top + 0.018, self.wall.top - 0.008),
            ),
        ]
    }

    fn vertical_lines(&self) -> Vec<Part> {
        if self.character != Character::Palace {
            return Vec::new();
        }
        let half = 0.085 * self.bay_width();
        let (top, bottom) = (self.wall.top, self.floor_line(1));
        (0..=self.bays)
            .map(|bay| part(Role::Pillar, around(self.bay_line(bay), half, top, bottom)))
            .collect()
    }

    fn upper_storey(&self, storey: u32) -> Vec<Part> {
        (0..self.bays)
            .flat_map(|bay| self.upper_bay(storey, bay))
            .collect()
    }

    fn upper_bay(&self, storey: u32, bay: u32) -> Vec<Part> {
        let window = self.window(storey, bay);
        let mut parts = vec![part(Role::Window, window)];
        if self.character == Character::Shuttered {
            parts.extend(self.shutters(window));
        }
        parts.extend(self.ornament(storey, bay, window));
        let height = self.storey_height();
        if self.has_balcony(storey, bay) {
            let half = self.bay_width() * 0.43;
            let floor = self.floor_line(storey);
            let area = around(self.bay_center(bay), half, floor - 0.36 * height, floor);
            parts.push(part(Role::Balcony, area));
        } else {
            let half = window.width() / 2.0 + 0.010;
            let area = around(
                window.center_x(),
                half,
                window.bottom,
                window.bottom + 0.016,
            );
            parts.push(part(Role::Sill, area));
        }
        parts
    }

    fn window(&self, storey: u32, bay: u32) -> Area {
        let height = self.storey_height();
        let floor = self.floor_line(storey);
        let low = self.low_top_storey && storey + 1 == self.storeys;
        let opening = if low { 0.42 } else { self.window_height };
        let bottom = if self.has_balcony(storey, bay) {
            floor - 0.06 * height
        } else {
            floor - 0.20 * height
        };
        let top = floor - (0.20 + opening) * height;
        let half = self.window_half_width();
        around(self.bay_center(bay), half, top, bottom)
    }

    fn window_half_width(&self) -> f32 {
        let narrowed = match self.character {
            Character::Shuttered => 0.78,
            Character::Palace => 0.92,
            _ => 1.0,
        };
        (self.bay_width() * self.window_width * narrowed / 2.0).min(0.05)
    }

    fn shutters(&self, window: Area) -> [Part; 2] {
        let width = window.width() * 0.5;
        let left = Area::new(window.left - width, window.top, window.left, window.bottom);
        let right = window.right_strip(0.0).moved([0.0, 0.0, width, 0.0]);
        [part(Role::Blind, left), part(Role::Blind, right)]
    }

    fn ornament(&self, storey: u32, bay: u32, window: Area) -> Option<Part> {
        let half = match self.character {
            Character::Palace if storey == 1 || self.is_middle(bay) => window.width() / 2.0 + 0.012,
            Character::Ornate => 0.013,
            _ => return None,
        };
        // Not higher than the wall left between the window and the next storey.
        let height = (0.15 * self.storey_height()).min(0.026);
        let bottom = window.top - 0.005;
        let area = around(window.center_x(), half, bottom - height, bottom);
        Some(part(Role::Deco, area))
    }

    fn street_front(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let bottom = self.wall.bottom;
        let height = bottom - self.floor_line(1);
        for bay in 0..self.bays {
            let center = self.bay_center(bay);
            if bay == self.door_bay {
                let half = (self.bay_width() * 0.30).min(0.052);
                let area = around(center, half, bottom - 0.74 * height, bottom);
                parts.push(part(Role::Door, area));
            } else if self.shops {
                let half = self.bay_width() * 0.45;
                let area = around(center, half, bottom - 0.84 * height, bottom);
                parts.push(part(Role::Shop, area));
            } else {
                parts.extend(self.ground_window(center, height));
            }
        }
        parts
    }

    fn ground_window(&self, center: f32, height: f32) -> [Part; 2] {
        let bottom = self.wall.bottom - 0.28 * height;
        let half = self.window_half_width();
        let window = around(center, half, bottom - 0.46 * height, bottom);
        let sill = around(center, half + 0.010, bottom, bottom + 0.016);
        [part(Role::Window, window), part(Role::Sill, sill)]
    }

    fn horizontal_lines(&self) -> Vec<Part> {
        let (left, right) = (self.wall.left, self.wall.right);
        let band = |role, y: f32, height: f32| {
            let ledge = if role == Role::Cornice { 0.012 } else { 0.004 };
            part(role, Area::new(left - ledge, y, right + ledge, y + height))
        };
        let mut parts = vec![band(Role::Molding, self.floor_line(1) - 0.006, 0.020)];
        if self.moldings {
            let floors = 2..self.storeys;
            parts.extend(floors.map(|s| band(Role::Molding, self.floor_line(s) - 0.004, 0.013)));
        }
        parts.push(band(Role::Cornice, self.wall.top, self.cornice_height()));
        parts
    }
}

fn part(role: Role, area: Area) -> Part {
    Part { role, area }
}

fn around(center: f32, half_width: f32, top: f32, bottom: f32) -> Area {
    Area::new(center - half_width, top, center + half_width, bottom)
}

fn pick<T: Copy>(dice: &mut impl Rng, choices: &[T]) -> T {
    choices[dice.random_range(0..choices.len())]
}
