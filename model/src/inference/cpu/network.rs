//! The forward pass of any plan: one layer after the other, from feature map to feature map.

use super::buffers::Buffers;
use super::layer::CpuLayer;
use super::normalisation::Affine;
use crate::inference::dataflow::Dataflow;
use crate::inference::tensors::Tensors;
use crate::model_folder::arrays::StateError;
use crate::network::plan::Plan;

/// Packed layers, and what each of them reads and writes.
#[derive(Debug)]
pub(super) struct CpuNetwork {
    pub layers: Vec<CpuLayer>,
    pub dataflow: Dataflow,
}

impl CpuNetwork {
    pub fn new(plan: &Plan, tensors: Tensors) -> Result<Self, StateError> {
        Ok(Self {
            layers: tensors.layers(plan, CpuLayer::new)?,
            dataflow: Dataflow::new(plan),
        })
    }

    /// Runs a layer; `row` of its outputs is the first that is to be written.
    pub fn run(&self, layer: usize, buffers: &mut Buffers, row: usize) {
        self.close(layer, buffers);
        self.multiply(layer, buffers);
        let norm = &self.layers[layer];
        let of_outputs = || norm.normalisation(&norm.moments(&buffers.accumulators));
        let normalisation = norm.fixed().unwrap_or_else(of_outputs);
        self.write(layer, &normalisation, buffers, row);
    }

    /// The first part of [`Self::run`].
    pub fn close(&self, layer: usize, buffers: &mut Buffers) {
        let step = &self.dataflow.steps[layer];
        buffers.features[step.from].close(step.edge);
    }

    /// The second part.
    pub fn multiply(&self, layer: usize, buffers: &mut Buffers) {
        let input = &buffers.features[self.dataflow.steps[layer].from];
        self.layers[layer].multiply(input, &mut buffers.accumulators);
    }

    /// The last part of [`Self::run`].
    pub fn write(&self, layer: usize, normalisation: &Affine, buffers: &mut Buffers, row: usize) {
        for target in &self.dataflow.steps[layer].to {
            let features = &mut buffers.features[target.map];
            buffers
                .accumulators
                .write(normalisation, *target, features, row);
        }
    }

    /// From a tensor of the size that `buffers` are made for to a tensor.
    pub fn forward(&self, real_a: &[f32], buffers: &mut Buffers) -> Vec<f32> {
        self.begin(real_a, buffers);
        for layer in 0..self.layers.len() {
            self.run(layer, buffers, 0);
        }
        self.finish(real_a, buffers)
    }

    /// What comes before the first layer.
    pub fn begin(&self, real_a: &[f32], buffers: &mut Buffers) {
        buffers.features[self.dataflow.image].fill(real_a);
    }

    /// What comes after the last.
    pub fn finish(&self, real_a: &[f32], buffers: &Buffers) -> Vec<f32> {
        let mut fake_b = buffers.features[self.dataflow.output].tensor();
        self.dataflow.add_image(&mut fake_b, real_a);
        fake_b
    }
}
