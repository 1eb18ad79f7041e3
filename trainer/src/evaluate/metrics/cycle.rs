//! How well two generators undo each other, and leave alone what is already of their kind: the
//! metrics of learning without pairs, on images that nobody learned from.

use model::{Encoding, Raster};
use serde::Serialize;

use super::Metrics;
use crate::data::direction::Direction;
use crate::data::{DataError, Frame, PairSource};
use crate::evaluate::judge::numbered_pairs;

/// What one image came back as.
#[derive(Clone, Debug, Serialize)]
pub struct CycleRow {
    /// `A` or `B`.
    pub side: &'static str,
    /// Name of the image.
    pub name: String,
    /// There and back, against itself.
    pub cycle: Metrics,
    /// Through the generator that makes its own kind, against itself; absent where the channels
    /// of A and B differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idt: Option<Metrics>,
}

/// Means over images, under the names of the losses in a training.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CycleEvaluation {
    /// Images of A.
    pub count_a: usize,
    /// Images of B.
    pub count_b: usize,
    /// A to B to A.
    pub cycle_a: Metrics,
    pub cycle_b: Metrics,
    /// What the generator from A to B makes of B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idt_a: Option<Metrics>,
    /// What the generator from B to A makes of A.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idt_b: Option<Metrics>,
}

impl CycleEvaluation {
    /// Means of rows.
    pub fn from_rows(rows: &[CycleRow]) -> Self {
        let of =
            |side: &str| -> Vec<&CycleRow> { rows.iter().filter(|row| row.side == side).collect() };
        let cycle = |rows: &[&CycleRow]| {
            Metrics::mean(&rows.iter().map(|row| row.cycle).collect::<Vec<_>>())
        };
        let idt = |rows: &[&CycleRow]| {
            let all: Option<Vec<Metrics>> = rows.iter().map(|row| row.idt).collect();
            all.filter(|all| !all.is_empty())
                .map(|all| Metrics::mean(&all))
        };
        let (a, b) = (of("A"), of("B"));
        Self {
            count_a: a.len(),
            count_b: b.len(),
            cycle_a: cycle(&a),
            cycle_b: cycle(&b),
            // As the losses: idt_A is of the generator from A to B, which sees images of B.
            idt_a: idt(&b),
            idt_b: idt(&a),
        }
    }

    /// Names and means, in the order of tables.
    pub fn rows(&self) -> Vec<(&'static str, Metrics)> {
        let always = [("cycle_A", self.cycle_a), ("cycle_B", self.cycle_b)];
        let idt = [("idt_A", self.idt_a), ("idt_B", self.idt_b)];
        let idt = idt
            .into_iter()
            .filter_map(|(name, metrics)| Some((name, metrics?)));
        always.into_iter().chain(idt).collect()
    }
}

/// Judges both generators, `translate`, on each image of an unpaired set once. Images that
/// cannot be read are told to `problem` and left out.
pub fn judge_cycles(
    source: &PairSource,
    frame: Frame,
    translate: impl Fn(Direction, &Raster) -> Raster,
    problem: impl FnMut(DataError),
) -> Vec<CycleRow> {
    let (a, b) = source.encodings();
    let (count_a, count_b) = source.side_counts();
    let mut rows = Vec::new();
    let row = |side, name: &str, image: &Raster, encoding, there: Direction, is_alike: bool| {
        let back = there.reversed();
        let rec = translate(back, &translate(there, image));
        CycleRow {
            side,
            name: name.to_string(),
            cycle: against_itself(&rec, image, encoding),
            idt: is_alike.then(|| against_itself(&translate(back, image), image, encoding)),
        }
    };
    for (index, name, pair) in numbered_pairs(source, frame, source.len(), problem) {
        let is_alike = pair.real_a.channels() == pair.real_b.channels();
        if index < count_a {
            rows.push(row("A", &name, &pair.real_a, a, Direction::AtoB, is_alike));
        }
        if index < count_b {
            let name = source.target_name(index);
            rows.push(row("B", &name, &pair.real_b, b, Direction::BtoA, is_alike));
        }
    }
    rows
}

fn against_itself(made: &Raster, image: &Raster, encoding: Encoding) -> Metrics {
    let shown = |raster| encoding.shown(raster, image);
    Metrics::between(&shown(made), &shown(image), None)
}
