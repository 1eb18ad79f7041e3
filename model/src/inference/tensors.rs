//! What the layers of a generator are made of: named tensors, checked, and norms of fixed
//! statistics taken into weights and bias.

use crate::model_folder::arrays::{Array, StateError};
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::config::{NormKind, NormStats};
use crate::network::geometry::{ConvGeometry, ConvKind};
use crate::network::norm::NORM_EPSILON;
use crate::network::plan::{Plan, PlannedLayer};

/// Tensors that are still to be used.
#[derive(Debug)]
pub struct Tensors {
    /// By name.
    pub weights: StoredWeights,
    /// Statistics of batch norms.
    pub stats: NormStats,
}

impl Tensors {
    /// Makes each layer of its tensors at once, so that none outlives it, and refuses tensors that
    /// are left.
    ///
    /// # Errors
    /// Missing, unknown and misshapen tensors, and values that are not finite.
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
        let is_coarse = self.weights.has_8_bits(&weight);
        Ok(LayerTensors {
            conv: planned.conv,
            weight: self.weights.take(&weight, &planned.weight_shape())?,
            is_coarse,
            gains,
            norm,
        })
    }
}

/// A convolution and what normalises its outputs.
#[derive(Debug)]
pub struct LayerTensors {
    pub conv: ConvGeometry,
    /// Its weights, of the plan's shape.
    pub weight: Array,
    /// Whether they have been rounded to 8 bits.
    pub is_coarse: bool,
    /// What each output channel's weights are to be multiplied by.
    pub gains: Vec<f32>,
    /// What follows it.
    pub norm: InferenceNorm,
}

impl LayerTensors {
    /// The weights, those of each output channel multiplied by its gain.
    pub fn scaled_weight(&self) -> Array {
        let mut weight = self.weight.clone();
        let second = self.weight.shape[1];
        let area = self.conv.kernel * self.conv.kernel;
        for (index, kernel) in weight.values.chunks_exact_mut(area).enumerate() {
            let gain = match self.conv.kind {
                ConvKind::Transposed => self.gains[index % second],
                ConvKind::Convolution | ConvKind::Resized | ConvKind::Bilinear => {
                    self.gains[index / second]
                }
            };
            kernel.iter_mut().for_each(|value| *value *= gain);
        }
        weight
    }
}

/// What follows a convolution.
#[derive(Debug)]
pub enum InferenceNorm {
    /// Nothing but a bias.
    Fixed {
        /// One value for each output channel.
        bias: Vec<f32>,
    },
    /// Statistics of all images at hand, then learned scale and shift.
    OfBatch {
        /// One factor for each output channel.
        scale: Vec<f32>,
        /// One summand for each output channel.
        shift: Vec<f32>,
    },
    /// Statistics of each image.
    OfImage,
}
