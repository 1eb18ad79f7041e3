//! The forward pass of any plan: one layer after the other, from feature map to feature map.

use super::buffers::Buffers;
use super::layer::CpuLayer;
use crate::inference::dataflow::Dataflow;
use crate::inference::tensors::Tensors;
use crate::model_folder::arrays::StateError;
use crate::network::plan::{Edge, Plan};

/// Packed layers, and what each of them reads and writes.
#[derive(Debug)]
pub(super) struct CpuNetwork {
    layers: Vec<CpuLayer>,
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
        let Buffers {
            features,
            accumulators,
            ..
        } = buffers;
        let step = &self.dataflow.steps[layer];
        let mut input = std::mem::take(&mut features[step.from]);
        input.close(step.edge);
        self.layers[layer].forward(&input, accumulators, |accumulators, affine| {
            for target in &step.to {
                accumulators.write(affine, *target, &mut features[target.map], row);
            }
        });
        features[step.from] = input;
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

    /// Whether workers can share an image by handing each other the outermost rows of what they
    /// have: every output depends on what the layers see and on nothing else of the image, and
    /// that is one row beyond their own.
    pub fn is_shareable(&self) -> bool {
        let mut steps = self.dataflow.steps.iter();
        self.layers.iter().all(CpuLayer::is_local)
            && steps.all(|step| {
                let border = self.dataflow.maps[step.from].border;
                step.edge == Edge::Zeros && border == 1
            })
    }
}
