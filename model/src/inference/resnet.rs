//! The forward pass of a ResNet.

use super::Layers;
use super::architecture::{Resizes, Resnet};
use super::features::{Edge, Features, Size};
use super::layer::Layer;
use super::sums::{Activation, Sums};
use crate::resnet::WIDE_KERNEL;

/// Feature maps between the layers.
#[derive(Debug)]
pub(super) struct ResnetFeatures {
    input: Features,
    /// What each down layer sees.
    narrowing: Vec<Features>,
    /// What each block adds to.
    trunk: Features,
    /// Between the two layers of a block.
    within: Features,
    /// What each up layer sees.
    widening: Vec<Features>,
    before_head: Features,
    output: Features,
}

impl Layers for Resnet<Layer> {
    type Features = ResnetFeatures;

    fn features(&self, size: Size) -> ResnetFeatures {
        let framed = |size| Features::new(size, Edge::Zeros(1));
        let mirrored = |size, width| Features::new(size, Edge::Reflection(width));
        let mut inner = self.stem.output_size(size);
        let mut narrowing = Vec::new();
        for down in &self.downs {
            narrowing.push(framed(inner));
            inner = down.output_size(inner);
        }
        let trunk = inner;
        let mut widening = Vec::new();
        for up in &self.ups {
            widening.push(framed(inner));
            inner = up.output_size(inner);
        }
        ResnetFeatures {
            input: mirrored(size, WIDE_KERNEL / 2),
            narrowing,
            trunk: mirrored(trunk, 1),
            within: mirrored(trunk, 1),
            widening,
            before_head: mirrored(inner, WIDE_KERNEL / 2),
            output: Features::new(self.head.output_size(inner), Edge::Zeros(0)),
        }
    }

    fn forward(&self, real_a: &[f32], features: &mut ResnetFeatures, sums: &mut Sums) -> Vec<f32> {
        let ResnetFeatures {
            input,
            narrowing,
            trunk,
            within,
            widening,
            before_head,
            output,
        } = features;
        let relu = |layer: &Layer, from: &Features, to: &mut Features, sums: &mut Sums| {
            layer.forward(from, sums, |sums, affine| {
                sums.write(affine, Activation::Relu, to, 0);
            });
        };
        input.fill(real_a);
        relu(&self.stem, input, &mut narrowing[0], sums);
        for (index, down) in self.downs.iter().enumerate() {
            let (from, to) = narrowing.split_at_mut(index + 1);
            relu(down, &from[index], to.first_mut().unwrap_or(trunk), sums);
        }
        for [first, second] in &self.blocks {
            relu(first, trunk, within, sums);
            second.forward(within, sums, |sums, affine| sums.add(affine, trunk));
        }
        widening[0].copy_from(trunk);
        for (index, up) in self.ups.iter().enumerate() {
            let (from, to) = widening.split_at_mut(index + 1);
            relu(
                up,
                &from[index],
                to.first_mut().unwrap_or(before_head),
                sums,
            );
        }
        self.head.forward(before_head, sums, |sums, affine| {
            sums.write(affine, Activation::Tanh, output, 0);
        });
        output.tensor()
    }
}
