//! What the layers of a generator are made of: named tensors, checked, and norms of fixed
//! statistics taken into weights and bias.

use super::packing::Kind;
use crate::blocks::Upsample;
use crate::norm::{NORM_EPSILON, NormKind, NormStats};
use crate::state::{Array, StateError};
use crate::stored_weights::StoredWeights;

/// Tensors that are still to be used.
pub(super) struct Tensors {
    weights: StoredWeights,
    pub norm: NormKind,
    pub stats: NormStats,
}

impl Tensors {
    pub fn new(weights: StoredWeights, norm: NormKind, stats: NormStats) -> Self {
        Self {
            weights,
            norm,
            stats,
        }
    }

    /// Everything has been used.
    pub fn finish(self) -> Result<(), StateError> {
        match self.weights.names().first() {
            Some(name) => Err(StateError::Unknown((*name).to_owned())),
            None => Ok(()),
        }
    }

    /// The convolution `path.conv` and the norm `path.norm`, if it has one.
    pub fn layer(
        &mut self,
        path: &str,
        shape: LayerShape,
        normalised: bool,
    ) -> Result<LayerTensors, StateError> {
        let bias = self.norm.needs_conv_bias();
        let conv = format!("{path}.conv");
        match (normalised, self.norm) {
            (false, _) | (true, NormKind::None) => self.plain(&conv, shape, bias),
            (true, NormKind::Instance) => {
                let layer = self.plain(&conv, shape, bias)?;
                // A bias would not outlive the mean that is taken away.
                Ok(LayerTensors {
                    norm: Norm::OfPicture,
                    ..layer
                })
            }
            (true, NormKind::Batch) => self.batch_normalised(path, shape),
        }
    }

    /// The convolution `path` alone.
    pub fn plain(
        &mut self,
        path: &str,
        shape: LayerShape,
        bias: bool,
    ) -> Result<LayerTensors, StateError> {
        let weight = self
            .weights
            .take(&format!("{path}.weight"), &shape.weight())?;
        let bias = match bias {
            true => {
                self.weights
                    .take(&format!("{path}.bias"), &[shape.out_channels])?
                    .values
            }
            false => vec![0.0; shape.out_channels],
        };
        Ok(LayerTensors {
            kind: shape.kind,
            weight,
            gains: vec![1.0; shape.out_channels],
            norm: Norm::Fixed { bias },
        })
    }

    /// Averaged statistics are a factor and a summand, which the weights and the bias take in.
    fn batch_normalised(
        &mut self,
        path: &str,
        shape: LayerShape,
    ) -> Result<LayerTensors, StateError> {
        let weight = self
            .weights
            .take(&format!("{path}.conv.weight"), &shape.weight())?;
        let mut vector = |name: &str| {
            let name = format!("{path}.norm.batch.{name}");
            let array = self.weights.take(&name, &[shape.out_channels])?;
            Ok::<_, StateError>(array.values)
        };
        let (scale, shift) = (vector("gamma")?, vector("beta")?);
        let (mean, variance) = (vector("running_mean")?, vector("running_var")?);
        if self.stats == NormStats::Batch {
            return Ok(LayerTensors {
                kind: shape.kind,
                weight,
                gains: vec![1.0; shape.out_channels],
                norm: Norm::OfBatch { scale, shift },
            });
        }
        let gain =
            |channel: usize| scale[channel] / (variance[channel] + NORM_EPSILON as f32).sqrt();
        let gains: Vec<f32> = (0..shape.out_channels).map(gain).collect();
        let bias = (0..shape.out_channels).map(|at| shift[at] - mean[at] * gains[at]);
        Ok(LayerTensors {
            kind: shape.kind,
            weight,
            norm: Norm::Fixed {
                bias: bias.collect(),
            },
            gains,
        })
    }
}

/// What a layer's weights must be like.
#[derive(Clone, Copy)]
pub(super) struct LayerShape {
    pub kind: Kind,
    pub in_channels: usize,
    pub out_channels: usize,
    pub kernel: usize,
}

impl LayerShape {
    /// A convolution.
    pub fn plain(
        [in_channels, out_channels]: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        Self {
            kind: Kind::Plain { stride, padding },
            in_channels,
            out_channels,
            kernel,
        }
    }

    /// What doubles the size; `kernel` is that of the transposed convolution.
    pub fn up([in_channels, out_channels]: [usize; 2], upsample: Upsample, kernel: usize) -> Self {
        let (kind, kernel) = match upsample {
            Upsample::Transposed => (Kind::Transposed, kernel),
            Upsample::Resize => (Kind::Resized, 3),
        };
        Self {
            kind,
            in_channels,
            out_channels,
            kernel,
        }
    }

    fn weight(self) -> [usize; 4] {
        let (first, second) = match self.kind {
            Kind::Transposed => (self.in_channels, self.out_channels),
            _ => (self.out_channels, self.in_channels),
        };
        [first, second, self.kernel, self.kernel]
    }
}

/// A convolution and what normalises its outputs.
pub(super) struct LayerTensors {
    pub kind: Kind,
    pub weight: Array,
    /// What each output channel's weights are to be multiplied by.
    pub gains: Vec<f32>,
    pub norm: Norm,
}

/// What follows a convolution.
#[derive(Debug)]
pub(super) enum Norm {
    /// Nothing but a bias.
    Fixed { bias: Vec<f32> },
    /// Statistics of all pictures at hand, then learned scale and shift.
    OfBatch { scale: Vec<f32>, shift: Vec<f32> },
    /// Statistics of each picture.
    OfPicture,
}
