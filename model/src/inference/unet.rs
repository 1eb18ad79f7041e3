//! The forward pass of a U-Net.

use super::Layers;
use super::architecture::{Resizes, Unet};
use super::features::{Edge, Features, Size};
use super::layer::Layer;
use super::sums::{Activation, Start, Sums};

pub(super) type UnetLayers = Unet<Layer>;

/// Feature maps between the layers.
#[derive(Debug)]
pub(super) struct UnetFeatures {
    /// What each down layer sees.
    pub inputs: Vec<Features>,
    /// What each up layer sees: what its down layer gave, then what the next up layer gave.
    pub joined: Vec<Features>,
    pub before_head: Option<Features>,
    output: Features,
}

impl Unet<Layer> {
    /// Room for an input of `size`; `rows` says how many of the rows of a map, so many layers
    /// down, there are here.
    pub fn features_of(&self, size: Size, rows: impl Fn(usize, usize) -> usize) -> UnetFeatures {
        let part = |size: Size, level| Size {
            height: rows(level, size.height),
            ..size
        };
        let framed = |size, level| Features::new(part(size, level), Edge::Zeros(1));
        let mut inputs = Vec::new();
        let mut outer = size;
        for (level, down) in self.downs.iter().enumerate() {
            inputs.push(framed(outer, level));
            outer = down.output_size(outer);
        }
        let joined = self.joined_sizes(size);
        let outermost = match (self.ups.first(), joined.first()) {
            (Some(up), Some(joined)) => up.output_size(*joined),
            _ => size,
        };
        let joined = joined.iter().enumerate();
        let joined = joined
            .map(|(level, size)| framed(*size, level + 1))
            .collect();
        let output = self.head.as_ref().map(|head| head.output_size(outermost));
        UnetFeatures {
            inputs,
            joined,
            before_head: output.is_some().then(|| framed(outermost, 0)),
            output: Features::new(part(output.unwrap_or(outermost), 0), Edge::Zeros(0)),
        }
    }

    pub fn down(&self, level: usize, features: &mut UnetFeatures, sums: &mut Sums) {
        let (outer, inner) = features.inputs.split_at_mut(level + 1);
        let joined = &mut features.joined[level];
        self.downs[level].forward(&outer[level], sums, |sums, affine| {
            // Nothing goes further down from the innermost.
            if let Some(next) = inner.first_mut() {
                sums.write(affine, Activation::LeakyRelu, next, 0);
            }
            sums.write(affine, Activation::Relu, joined, 0);
        });
    }

    /// `row` of the outputs is the first that the next layer is to see.
    pub fn up(&self, level: usize, features: &mut UnetFeatures, sums: &mut Sums, row: usize) {
        let UnetFeatures {
            joined,
            before_head,
            output,
            ..
        } = features;
        let (outer, inner) = joined.split_at_mut(level);
        self.ups[level].forward(&inner[0], sums, |sums, affine| {
            match (outer.last_mut(), before_head.as_mut()) {
                (Some(next), _) => {
                    let channel = next.size.channels - sums.channels();
                    let from = Start { channel, row };
                    sums.write_part(affine, Activation::Relu, next, from);
                }
                (None, Some(next)) => sums.write(affine, Activation::Relu, next, 0),
                (None, None) => sums.write(affine, Activation::Tanh, output, 0),
            }
        });
    }

    /// The last layer of networks that end with one of their own.
    pub fn finish(&self, features: &mut UnetFeatures, sums: &mut Sums) -> Vec<f32> {
        let output = &mut features.output;
        if let (Some(head), Some(input)) = (&self.head, &features.before_head) {
            head.forward(input, sums, |sums, affine| {
                sums.write(affine, Activation::Tanh, output, 0);
            });
        }
        output.tensor()
    }

    /// Levels of the network.
    pub fn depth(&self) -> usize {
        self.downs.len()
    }

    /// Whether every output depends on what the layers see and on nothing else of the picture.
    pub fn is_local(&self) -> bool {
        let layers = self.downs.iter().chain(&self.ups).chain(&self.head);
        layers.into_iter().all(Layer::is_local)
    }
}

impl Layers for Unet<Layer> {
    type Features = UnetFeatures;

    fn features(&self, size: Size) -> UnetFeatures {
        self.features_of(size, |_, height| height)
    }

    fn forward(&self, real_a: &[f32], features: &mut UnetFeatures, sums: &mut Sums) -> Vec<f32> {
        features.inputs[0].fill(real_a);
        for level in 0..self.depth() {
            self.down(level, features, sums);
        }
        for level in (0..self.depth()).rev() {
            self.up(level, features, sums, 0);
        }
        self.finish(features, sums)
    }
}
