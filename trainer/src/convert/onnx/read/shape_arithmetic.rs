//! The few integers that exporters compute within a graph: the widths of mirrored edges.

use super::file::{MAX_LIST, Node};

/// Integers in one or two dimensions.
#[derive(Clone, Debug)]
pub(super) struct Integers {
    pub shape: Vec<usize>,
    pub values: Vec<i64>,
}

impl Integers {
    pub fn vector(values: Vec<i64>) -> Self {
        Self {
            shape: vec![values.len()],
            values,
        }
    }
}

/// What an operator makes of integers, which are a few; `None` for what no exporter writes here.
pub(super) fn computed(node: &Node<'_>, inputs: &[Integers]) -> Option<Integers> {
    match (node.operator, inputs) {
        ("Cast" | "Identity", [x]) => Some(x.clone()),
        ("ConstantOfShape", [shape]) => {
            let [length] = shape.values[..] else {
                return None;
            };
            let length = usize::try_from(length).ok().filter(|it| *it <= MAX_LIST)?;
            let filling = node.attribute("value")?.tensor.as_ref()?.integers()?;
            Some(Integers::vector(vec![*filling.first()?; length]))
        }
        ("Concat", inputs) => {
            let is_vector = |input: &Integers| input.shape.len() == 1;
            let values = inputs.iter().flat_map(|input| &input.values).copied();
            let values: Vec<i64> = values.take(MAX_LIST + 1).collect();
            let fits = values.len() <= MAX_LIST && inputs.iter().all(is_vector);
            fits.then(|| Integers::vector(values))
        }
        ("Reshape", [x, shape]) => reshaped(x, &shape.values),
        ("Transpose", [x]) => transposed(x, &node.attribute("perm")?.ints),
        ("Slice", [x, starts, ends, axes, steps]) => {
            let numbers = [starts, ends, axes, steps].map(|it| match it.values[..] {
                [value] => Some(value),
                _ => None,
            });
            let [start, end, axis, step] = numbers;
            rows(x, start?, end?, axis?, step?)
        }
        _ => None,
    }
}

/// One of the sides may be -1: whatever is left.
fn reshaped(x: &Integers, sides: &[i64]) -> Option<Integers> {
    let known = sides.iter().filter(|side| **side >= 0);
    let known: usize = known
        .map(|side| *side as usize)
        .try_fold(1usize, usize::checked_mul)?;
    let side = |side: &i64| match side {
        -1 => x.values.len().checked_div(known),
        side => usize::try_from(*side).ok(),
    };
    let shape: Vec<usize> = sides.iter().map(side).collect::<Option<_>>()?;
    let count = shape.iter().copied().try_fold(1usize, usize::checked_mul)?;
    let values = x.values.clone();
    (count == values.len()).then_some(Integers { shape, values })
}

fn transposed(x: &Integers, order: &[i64]) -> Option<Integers> {
    let ([rows, columns], [1, 0]) = (&x.shape[..], order) else {
        return None;
    };
    // A side of 0 allows any other.
    if x.values.is_empty() {
        return None;
    }
    let places = (0..*columns).flat_map(|column| (0..*rows).map(move |row| row * columns + column));
    Some(Integers {
        shape: vec![*columns, *rows],
        values: places.map(|place| x.values[place]).collect(),
    })
}

/// All rows in reverse order: the one slice that exporters take.
fn rows(x: &Integers, start: i64, end: i64, axis: i64, step: i64) -> Option<Integers> {
    let [count, columns] = x.shape[..] else {
        return None;
    };
    let is_reversal = start == -1 && end < -(count as i64) && axis == 0 && step == -1;
    let rows = x.values.chunks(columns.max(1)).rev();
    is_reversal.then(|| Integers {
        shape: x.shape.clone(),
        values: rows.flatten().copied().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_transposed_that_has_no_values() {
        let numbers = |shape: [usize; 2], values: &[i64]| Integers {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let found = transposed(&numbers([2, 2], &[1, 2, 3, 4]), &[1, 0]);
        assert_eq!(found.map(|it| it.values), Some(vec![1, 3, 2, 4]));
        for shape in [[0, 3], [3, 0], [0, 1 << 31]] {
            assert!(transposed(&numbers(shape, &[]), &[1, 0]).is_none());
        }
    }
}
