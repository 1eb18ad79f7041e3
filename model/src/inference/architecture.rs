//! Which layers the generators have, whatever computes them.

use super::features::Size;
use super::tensors::{LayerShape, LayerTensors, Tensors};
use crate::generator::GeneratorConfig;
use crate::resnet::{SCALES, WIDE_KERNEL};
use crate::state::StateError;
use crate::unet::{HEAD_KERNEL, UnetPlan};

/// A U-Net's layers from the outermost to the innermost.
#[derive(Debug)]
pub(super) struct Unet<L> {
    pub downs: Vec<L>,
    pub ups: Vec<L>,
    /// Of networks that end with a layer of their own.
    pub head: Option<L>,
}

impl<L> Unet<L> {
    /// Takes its tensors, and makes each layer at once, so that no tensor outlives it.
    pub fn new(
        config: &GeneratorConfig,
        depth: usize,
        tensors: &mut Tensors,
        mut layer: impl FnMut(LayerTensors) -> L,
    ) -> Result<Self, StateError> {
        let plan = UnetPlan::new(config, depth);
        let (mut downs, mut ups) = (Vec::new(), Vec::new());
        // From the inside, where the large ones are: what they leave takes in the small ones.
        for level in (0..depth).rev() {
            let shape = LayerShape::plain(plan.down(level), 4, 2, 1);
            let normalised = plan.is_down_normalised(level);
            let path = format!("unet.downs.{level}");
            downs.push(layer(tensors.layer(&path, shape, normalised)?));
            let shape = LayerShape::up(plan.up(level), config.upsample, 4);
            let path = format!("unet.ups.{level}");
            ups.push(layer(match plan.ends_with(level) {
                true => tensors.plain(&format!("{path}.conv"), shape, true)?,
                false => tensors.layer(&path, shape, true)?,
            }));
        }
        downs.reverse();
        ups.reverse();
        let head = plan.head().map(|channels| {
            let shape = LayerShape::plain(channels, HEAD_KERNEL, 1, HEAD_KERNEL / 2);
            tensors.plain("unet.head", shape, true)
        });
        Ok(Self {
            downs,
            ups,
            head: head.transpose()?.map(layer),
        })
    }
}

/// What makes feature maps of another size.
pub(super) trait Resizes {
    /// Size of the output for an input of `size`.
    fn output_size(&self, size: Size) -> Size;
}

impl<L: Resizes> Unet<L> {
    /// Sizes of what each up layer sees: what its down layer gave, then what the next up layer
    /// gave.
    pub fn joined_sizes(&self, size: Size) -> Vec<Size> {
        let mut outer = size;
        let mut joined: Vec<Size> = Vec::new();
        for down in &self.downs {
            outer = down.output_size(outer);
            joined.push(outer);
        }
        let mut inner = 0;
        for (up, joined) in self.ups.iter().zip(&mut joined).rev() {
            joined.channels += inner;
            inner = up.output_size(*joined).channels;
        }
        joined
    }
}

/// A ResNet's layers.
#[derive(Debug)]
pub(super) struct Resnet<L> {
    pub stem: L,
    pub downs: Vec<L>,
    pub blocks: Vec<[L; 2]>,
    pub ups: Vec<L>,
    pub head: L,
}

impl<L> Resnet<L> {
    /// Takes its tensors, and makes each layer at once, so that no tensor outlives it.
    pub fn new(
        config: &GeneratorConfig,
        blocks: usize,
        tensors: &mut Tensors,
        mut make: impl FnMut(LayerTensors) -> L,
    ) -> Result<Self, StateError> {
        let width = |scale: usize| config.base << scale;
        let wide = |channels| LayerShape::plain(channels, WIDE_KERNEL, 1, WIDE_KERNEL / 2);
        let stem = wide([config.in_channels, width(0)]);
        let down = |scale: usize| LayerShape::plain([width(scale), width(scale + 1)], 3, 2, 1);
        let same = LayerShape::plain([width(SCALES), width(SCALES)], 3, 1, 1);
        let up = |scale| LayerShape::up([width(scale + 1), width(scale)], config.upsample, 3);
        let mut layer = |path: String, shape| Ok(make(tensors.layer(&path, shape, true)?));
        Ok(Self {
            stem: layer("resnet.stem".to_owned(), stem)?,
            downs: (0..SCALES)
                .map(|scale| layer(format!("resnet.downs.{scale}"), down(scale)))
                .collect::<Result<_, _>>()?,
            blocks: (0..blocks)
                .map(|block| {
                    let path = format!("resnet.blocks.{block}");
                    Ok([
                        layer(format!("{path}.first"), same)?,
                        layer(format!("{path}.second"), same)?,
                    ])
                })
                .collect::<Result<_, _>>()?,
            ups: (0..SCALES)
                .map(|index| layer(format!("resnet.ups.{index}"), up(SCALES - 1 - index)))
                .collect::<Result<_, _>>()?,
            head: make(tensors.plain(
                "resnet.head",
                wide([width(0), config.out_channels]),
                true,
            )?),
        })
    }
}
