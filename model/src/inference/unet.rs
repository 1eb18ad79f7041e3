//! The forward pass of a U-Net.

use super::Layers;
use super::features::{Edge, Features, Size};
use super::layer::{Layer, LayerShape, Tensors};
use super::sums::{Activation, Sums};
use crate::generator::GeneratorConfig;
use crate::state::StateError;
use crate::unet::{HEAD_KERNEL, UnetPlan};

/// Layers from the outermost to the innermost.
#[derive(Debug)]
pub(super) struct UnetLayers {
    downs: Vec<Layer>,
    ups: Vec<Layer>,
    head: Option<Layer>,
}

/// Feature maps between the layers.
#[derive(Debug)]
pub(super) struct UnetFeatures {
    /// What each down layer sees.
    inputs: Vec<Features>,
    /// What each up layer sees: what its down layer gave, then what the next up layer gave.
    joined: Vec<Features>,
    before_head: Option<Features>,
    output: Features,
}

impl UnetLayers {
    pub fn new(
        config: &GeneratorConfig,
        depth: usize,
        tensors: &mut Tensors,
    ) -> Result<Self, StateError> {
        let plan = UnetPlan::new(config, depth);
        let (mut downs, mut ups) = (Vec::new(), Vec::new());
        for level in 0..depth {
            let shape = LayerShape::plain(plan.down(level), 4, 2, 1);
            let normalised = plan.is_down_normalised(level);
            downs.push(tensors.layer(&format!("unet.downs.{level}"), shape, normalised)?);
            let shape = LayerShape::up(plan.up(level), config.upsample, 4);
            let path = format!("unet.ups.{level}");
            ups.push(match plan.ends_with(level) {
                true => tensors.plain(&format!("{path}.conv"), shape, true)?,
                false => tensors.layer(&path, shape, true)?,
            });
        }
        let head = plan.head().map(|channels| {
            let shape = LayerShape::plain(channels, HEAD_KERNEL, 1, HEAD_KERNEL / 2);
            tensors.plain("unet.head", shape, true)
        });
        Ok(Self {
            downs,
            ups,
            head: head.transpose()?,
        })
    }
}

impl Layers for UnetLayers {
    type Features = UnetFeatures;

    fn features(&self, size: Size) -> UnetFeatures {
        let framed = |size| Features::new(size, Edge::Zeros(1));
        let mut outputs = Vec::new();
        let mut inputs = vec![framed(size)];
        for down in &self.downs {
            let output = down.output_size(inputs[inputs.len() - 1].size);
            outputs.push(output);
            inputs.push(framed(output));
        }
        // Nothing goes further down from the innermost.
        inputs.pop();
        let mut joined: Vec<Features> = Vec::new();
        let mut inner: Option<Size> = None;
        for (up, skip) in self.ups.iter().zip(&outputs).rev() {
            let channels = skip.channels + inner.map_or(0, |inner| inner.channels);
            let size = Size { channels, ..*skip };
            inner = Some(up.output_size(size));
            joined.push(framed(size));
        }
        joined.reverse();
        let outermost = inner.unwrap_or(size);
        let output = self.head.as_ref().map(|head| head.output_size(outermost));
        UnetFeatures {
            inputs,
            joined,
            before_head: output.is_some().then(|| framed(outermost)),
            output: Features::new(output.unwrap_or(outermost), Edge::Zeros(0)),
        }
    }

    fn forward(&self, real_a: &[f32], features: &mut UnetFeatures, sums: &mut Sums) -> Vec<f32> {
        let UnetFeatures {
            inputs,
            joined,
            before_head,
            output,
        } = features;
        inputs[0].fill(real_a);
        for (level, down) in self.downs.iter().enumerate() {
            let (outer, inner) = inputs.split_at_mut(level + 1);
            down.forward(&outer[level], sums, |sums, affine| {
                if let Some(next) = inner.first_mut() {
                    sums.write(affine, Activation::LeakyRelu, next, 0);
                }
                sums.write(affine, Activation::Relu, &mut joined[level], 0);
            });
        }
        for (level, up) in self.ups.iter().enumerate().rev() {
            let (outer, inner) = joined.split_at_mut(level);
            up.forward(&inner[0], sums, |sums, affine| {
                match (outer.last_mut(), before_head.as_mut()) {
                    (Some(next), _) => {
                        let first = next.size.channels - sums.channels();
                        sums.write(affine, Activation::Relu, next, first);
                    }
                    (None, Some(next)) => sums.write(affine, Activation::Relu, next, 0),
                    (None, None) => sums.write(affine, Activation::Tanh, output, 0),
                }
            });
        }
        if let (Some(head), Some(input)) = (&self.head, before_head) {
            head.forward(input, sums, |sums, affine| {
                sums.write(affine, Activation::Tanh, output, 0);
            });
        }
        output.tensor()
    }
}
