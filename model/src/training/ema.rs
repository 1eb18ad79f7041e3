//! A running average of a generator's weights, smoother than the weights of any one step.

use std::collections::HashMap;

use burn::module::Module;

use super::traversal::{each_tensor, with_each_tensor};
use crate::network::generator::Generator;

/// The average, and how slowly it moves.
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f64,
    average: Generator,
}

impl Ema {
    /// Starts at the weights of `net_g`; keeps `decay` of the average in each update.
    pub fn new(decay: f64, net_g: &Generator) -> Self {
        Self {
            decay,
            average: net_g.valid(),
        }
    }

    /// Moves the average towards `net_g`: its weights, and the statistics that belong to them.
    pub fn update(&mut self, net_g: &Generator) {
        let mut averages = HashMap::new();
        each_tensor(&self.average, &mut |id, average| {
            averages.insert(id, average);
        });
        let decay = self.decay;
        self.average = with_each_tensor(
            net_g.valid(),
            &mut |id, values| match averages.remove(&id) {
                Some(average) => average * decay + values * (1.0 - decay),
                None => values,
            },
        );
    }

    /// The averaged generator.
    pub fn generator(&self) -> &Generator {
        &self.average
    }

    /// One that goes on from `average`.
    #[must_use]
    pub fn with(&self, average: Generator) -> Self {
        Self {
            decay: self.decay,
            average,
        }
    }

    /// Replaces the average, as when a run goes on.
    pub fn set(&mut self, average: Generator) {
        self.average = average;
    }
}
