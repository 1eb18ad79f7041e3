//! Initial weights of networks that are trained from scratch.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Distribution, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::network::parameter::flat;

/// How convolution weights are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitType {
    /// N(0, gain) (arXiv 1611.07004, section 6.2, with a gain of 0.02).
    #[default]
    Normal,
    /// N(0, gain · √(2 / (fan in + fan out))) (Glorot and Bengio, 2010).
    Xavier,
    /// N(0, √(2 / fan in)); the gain has no part (arXiv 1502.01852).
    Kaiming,
    /// Rows or columns that are orthogonal, of length gain (arXiv 1312.6120).
    Orthogonal,
}

/// Draws convolution weights as `init` says, norm scales from N(1, gain), and leaves shifts and
/// biases at zero. Draws from the device's random stream: seed it with `Device::seed` first.
pub fn init_weights<M: Module>(module: M, init: InitType, gain: f64) -> M {
    let path = Vec::new();
    module.map(&mut WeightInit { init, gain, path })
}

struct WeightInit {
    init: InitType,
    gain: f64,
    path: Vec<String>,
}

impl WeightInit {
    /// The standard deviation of weights of this shape.
    fn deviation(&self, shape: &[usize]) -> f64 {
        let receptive: usize = shape.iter().skip(2).product();
        // As PyTorch counts, transposed convolutions included.
        let fan = |dim: usize| shape.get(dim).map_or(1, |length| length * receptive);
        let (fan_out, fan_in) = (fan(0), fan(1));
        match self.init {
            InitType::Normal => self.gain,
            InitType::Xavier => self.gain * (2.0 / (fan_in + fan_out) as f64).sqrt(),
            InitType::Kaiming => (2.0 / fan_in as f64).sqrt(),
            InitType::Orthogonal => 1.0,
        }
    }

    fn orthogonal(&self, drawn: Tensor<1>, shape: &[usize]) -> Tensor<1> {
        let (device, rows) = (drawn.device(), shape.first().copied().unwrap_or(1));
        let drawn: Vec<f32> = drawn.into_data().iter::<f32>().collect();
        let values = orthogonal(&drawn, rows, self.gain);
        let count = values.len();
        Tensor::from_data(TensorData::new(values, [count]), &device)
    }
}

/// Makes the rows of a matrix orthogonal, or its columns where they are fewer (modified
/// Gram–Schmidt), and scales them to `length`.
fn orthogonal(values: &[f32], rows: usize, length: f64) -> Vec<f32> {
    let columns = values.len() / rows.max(1);
    let transposed = rows > columns;
    let at = |row: usize, column: usize| f64::from(values[row * columns + column]);
    let mut vectors: Vec<Vec<f64>> = match transposed {
        true => (0..columns)
            .map(|column| (0..rows).map(|row| at(row, column)).collect())
            .collect(),
        false => (0..rows)
            .map(|row| (0..columns).map(|column| at(row, column)).collect())
            .collect(),
    };
    for index in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(index);
        let vector = &mut rest[0];
        for earlier in done {
            let shared: f64 = dot(earlier, vector);
            for (value, other) in vector.iter_mut().zip(earlier.iter()) {
                *value -= shared * other;
            }
        }
        let norm = dot(vector, vector).sqrt().max(f64::MIN_POSITIVE);
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    let value = |row: usize, column: usize| match transposed {
        true => vectors[column][row],
        false => vectors[row][column],
    };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| (value(row, column) * length) as f32)
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl ModuleMapper for WeightInit {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (shape, device) = (param.lazy_shape(), param.lazy_device());
        let is_weight = match self.path.last().map(String::as_str) {
            Some("weight") => true,
            Some("gamma") => false,
            _ => {
                // Exists from now on: copies of a parameter that does not share what is decided
                // about it, so freezing a copy of a fresh network would freeze its biases.
                param.val();
                return param;
            }
        };
        let normal = match is_weight {
            true => Distribution::Normal(0.0, self.deviation(&shape)),
            false => Distribution::Normal(1.0, self.gain),
        };
        let drawn = Tensor::<D>::random(shape.clone(), normal, &device);
        let drawn = match is_weight && self.init == InitType::Orthogonal {
            true => self.orthogonal(flat(drawn), &shape).reshape(shape),
            false => drawn,
        };
        let id = param.id;
        param.transform_for_load(drawn, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_vectors_have_the_length_and_no_overlap() {
        let drawn: Vec<f32> = (0..60)
            .map(|n| ((n * 37 % 23) as f32 - 11.0).sin())
            .collect();
        for rows in [4, 15] {
            let columns = drawn.len() / rows;
            let made = orthogonal(&drawn, rows, 0.5);
            let (count, vector): (usize, Box<dyn Fn(usize) -> Vec<f64>>) = match rows <= columns {
                true => (
                    rows,
                    Box::new(|n| {
                        let row = &made[n * columns..(n + 1) * columns];
                        row.iter().map(|&value| f64::from(value)).collect()
                    }),
                ),
                false => (
                    columns,
                    Box::new(|n| {
                        (0..rows)
                            .map(|row| f64::from(made[row * columns + n]))
                            .collect()
                    }),
                ),
            };
            for a in 0..count {
                for b in 0..count {
                    let expected = if a == b { 0.25 } else { 0.0 };
                    assert!((dot(&vector(a), &vector(b)) - expected).abs() < 1e-6);
                }
            }
        }
    }
}
