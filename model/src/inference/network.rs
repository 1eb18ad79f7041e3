//! The forward pass of any plan: one layer after the other, from feature map to feature map.

use super::features::{Features, Size};
use super::layer::Layer;
use super::schedule::{MapShape, Schedule};
use super::sums::Sums;
use super::tensors::Tensors;
use crate::plan::{Edge, Plan};
use crate::state::StateError;

/// Packed layers, and what each of them reads and writes.
#[derive(Debug)]
pub(super) struct Network {
    layers: Vec<Layer>,
    pub schedule: Schedule,
}

impl Network {
    pub fn new(plan: &Plan, tensors: Tensors) -> Result<Self, StateError> {
        Ok(Self {
            layers: tensors.layers(plan, Layer::new)?,
            schedule: Schedule::new(plan),
        })
    }

    /// Room for an image of `size`; `rows` says how many of the rows of a map there are here.
    pub fn features(&self, size: Size, rows: impl Fn(MapShape) -> usize) -> Vec<Features> {
        let maps = self.schedule.maps.iter();
        let features = maps.map(|shape| {
            let size = Size {
                height: rows(*shape),
                ..shape.size(size)
            };
            Features::new(size, shape.border)
        });
        features.collect()
    }

    /// Runs a layer; `row` of its outputs is the first that is to be written.
    pub fn run(&self, layer: usize, features: &mut [Features], sums: &mut Sums, row: usize) {
        let step = &self.schedule.steps[layer];
        let mut input = std::mem::take(&mut features[step.from]);
        input.close(step.edge);
        self.layers[layer].forward(&input, sums, |sums, affine| {
            for target in &step.to {
                sums.write(affine, *target, &mut features[target.map], row);
            }
        });
        features[step.from] = input;
    }

    /// From a tensor of the size that `features` is made for to a tensor.
    pub fn forward(&self, real_a: &[f32], features: &mut [Features], sums: &mut Sums) -> Vec<f32> {
        features[self.schedule.image].fill(real_a);
        for layer in 0..self.layers.len() {
            self.run(layer, features, sums, 0);
        }
        features[self.schedule.output].tensor()
    }

    /// Whether workers can share an image by handing each other the outermost rows of what they
    /// have: every output depends on what the layers see and on nothing else of the image, and
    /// that is one row beyond their own.
    pub fn is_shareable(&self) -> bool {
        let mut steps = self.schedule.steps.iter();
        self.layers.iter().all(Layer::is_local)
            && steps.all(|step| {
                let border = self.schedule.maps[step.from].border;
                step.edge == Edge::Zeros && border == 1
            })
    }
}
