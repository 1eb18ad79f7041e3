//! What the layers of a generator are made of: named tensors, checked, and norms of fixed
//! statistics taken into weights and bias.

use crate::model_folder::arrays::{Array, StateError};
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::{NormKind, NormStats};
use crate::network::geometry::ConvGeometry;
use crate::network::norm::NORM_EPSILON;
use crate::network::plan::{Plan, PlannedLayer};

/// Tensors that are still to be used.
pub(super) struct Tensors {
    pub weights: StoredWeights,
    pub stats: NormStats,
}

impl Tensors {
    /// Makes each layer of its tensors at once, so that none outlives it, and refuses tensors that
    /// are left.
    pub fn layers<L>(
        mut self,
        plan: &Plan,
        mut make: impl FnMut(LayerTensors) -> L,
    ) -> Result<Vec<L>, StateError> {
        let mut layers: Vec<Option<L>> = plan.layers.iter().map(|_| None).collect();
        let deepest = plan.deepest();
        // From the inside, where the large ones are: what they leave takes in the small ones.
        for level in (0..=deepest).rev() {
            for (planned, layer) in plan.layers.iter().zip(&mut layers) {
                if planned.level == level {
                    *layer = Some(make(self.layer(planned)?));
                }
            }
        }
        match self.weights.names().first() {
            Some(name) => Err(StateError::Unknown((*name).to_owned())),
            None => Ok(layers.into_iter().flatten().collect()),
        }
    }

    fn layer(&mut self, planned: &PlannedLayer) -> Result<LayerTensors, StateError> {
        let out_channels = planned.channels[1];
        let mut vector = |name: String| Ok(self.weights.take(&name, &[out_channels])?.values);
        let bias = match planned.bias {
            true => vector(planned.conv_tensor("bias"))?,
            false => vec![0.0; out_channels],
        };
        let mut gains = vec![1.0; out_channels];
        let norm = match planned.norm {
            None | Some(NormKind::None) => InferenceNorm::Fixed { bias },
            // A bias would not outlive the mean that is taken away.
            Some(NormKind::Instance) => InferenceNorm::OfImage,
            Some(NormKind::Batch) => {
                let mut vector = |leaf: &str| vector(planned.norm_tensor(leaf));
                let (scale, shift) = (vector("gamma")?, vector("beta")?);
                let (mean, variance) = (vector("running_mean")?, vector("running_var")?);
                match self.stats {
                    NormStats::Batch => InferenceNorm::OfBatch { scale, shift },
                    // A factor and a summand, which the weights and the bias take in.
                    NormStats::Running => {
                        let gain =
                            |at: usize| scale[at] / (variance[at] + NORM_EPSILON as f32).sqrt();
                        gains = (0..out_channels).map(gain).collect();
                        let bias = |at: usize| shift[at] - (mean[at] - bias[at]) * gains[at];
                        InferenceNorm::Fixed {
                            bias: (0..out_channels).map(bias).collect(),
                        }
                    }
                }
            }
        };
        let weight = planned.conv_tensor("weight");
        Ok(LayerTensors {
            conv: planned.conv,
            weight: self.weights.take(&weight, &planned.weight_shape())?,
            gains,
            norm,
        })
    }
}

/// A convolution and what normalises its outputs.
pub(super) struct LayerTensors {
    pub conv: ConvGeometry,
    pub weight: Array,
    /// What each output channel's weights are to be multiplied by.
    pub gains: Vec<f32>,
    pub norm: InferenceNorm,
}

/// What follows a convolution.
#[derive(Debug)]
pub(super) enum InferenceNorm {
    /// Nothing but a bias.
    Fixed { bias: Vec<f32> },
    /// Statistics of all images at hand, then learned scale and shift.
    OfBatch { scale: Vec<f32>, shift: Vec<f32> },
    /// Statistics of each image.
    OfImage,
}
