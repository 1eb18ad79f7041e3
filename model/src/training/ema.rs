//! A running average of a generator's weights, smoother than the weights of any one step.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

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
        let current = net_g.valid();
        let mut averages = Collected::default();
        self.average.visit(&mut averages);
        let decay = self.decay;
        self.average = current.map(&mut Blend { averages, decay });
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

#[derive(Default)]
struct Collected(HashMap<ParamId, Tensor<1>>);

impl ModuleVisitor for Collected {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val();
        let count = values.dims().iter().product::<usize>();
        self.0.insert(param.id, values.reshape([count]));
    }
}

struct Blend {
    averages: Collected,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(average) = self.averages.0.remove(&param.id) else {
            return param;
        };
        param.map(|values| {
            let average = average.reshape(values.dims());
            average * self.decay + values * (1.0 - self.decay)
        })
    }
}
