//! What a plan is made of.

use crate::network::config::NormKind;
use crate::network::geometry::{ConvGeometry, ConvKind};

/// The layers of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they run; the last one's output is the network's.
    pub layers: Vec<PlannedLayer>,
    /// Channels of the image that the network takes.
    pub in_channels: usize,
    /// Whether the network's output is added to the image, and the sum clamped to `[-1, 1]`.
    pub adds_input: bool,
}

/// A convolution with what comes before and after it, in the order of the fields from `inputs` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLayer {
    /// Path of its tensors, such as `unet.downs.0`.
    pub path: String,
    /// Whether the convolution's tensors are at `path` itself, not at `path.conv`.
    pub is_head: bool,
    /// Channels of the input and of the output.
    pub channels: [usize; 2],
    /// Height and width of the output are those of the image, halved so many times.
    pub level: usize,
    /// What it sees: the channels of one after those of the other.
    pub inputs: Vec<Source>,
    /// Activation of the input.
    pub before: Activation,
    /// What lies beyond the input's edges.
    pub edge: Edge,
    pub conv: ConvGeometry,
    /// Whether the convolution has a bias.
    pub bias: bool,
    /// The norm after the convolution; one of kind `None` is a norm that was configured away.
    pub norm: Option<NormKind>,
    /// Activation of the output.
    pub after: Activation,
    /// Whether dropout follows in training.
    pub dropout: bool,
    /// What the output is added to.
    pub adds: Option<Source>,
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The image that the network takes.
    Image,
    /// The output of the layer of this index.
    Layer(usize),
}

/// What lies beyond the edges of a feature map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edge {
    /// Zeros.
    #[default]
    Zeros,
    /// The feature map, mirrored.
    Reflection,
}

/// What is done to every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// The larger of it and zero.
    Relu,
    /// Negative values become smaller.
    LeakyRelu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Plan {
    /// What the last layer gives, or without any, the image.
    pub fn output(&self) -> Source {
        let last = self.layers.len().checked_sub(1);
        last.map_or(Source::Image, Source::Layer)
    }

    /// Channels of an output.
    pub fn channels(&self, source: Source) -> usize {
        match source {
            Source::Image => self.in_channels,
            Source::Layer(index) => self.layers[index].channels[1],
        }
    }

    /// How many times an output's height and width are halved.
    pub fn level(&self, source: Source) -> usize {
        match source {
            Source::Image => 0,
            Source::Layer(index) => self.layers[index].level,
        }
    }

    /// How many times heights and widths are halved, at most.
    pub fn deepest(&self) -> usize {
        let levels = self.layers.iter().map(|layer| layer.level);
        levels.max().unwrap_or(0)
    }

    /// A layer that sees what the last one gives: a bias, no norm, no activations.
    pub(super) fn next(
        &self,
        path: String,
        conv: ConvGeometry,
        out_channels: usize,
    ) -> PlannedLayer {
        self.next_after(vec![self.output()], path, conv, out_channels)
    }

    /// As [`Self::next`], but it sees `inputs`.
    pub(super) fn next_after(
        &self,
        inputs: Vec<Source>,
        path: String,
        conv: ConvGeometry,
        out_channels: usize,
    ) -> PlannedLayer {
        let in_channels = inputs.iter().map(|input| self.channels(*input)).sum();
        let level = inputs.first().map_or(0, |input| self.level(*input));
        PlannedLayer {
            path,
            is_head: false,
            channels: [in_channels, out_channels],
            level: level + conv.step().ilog2() as usize - conv.scale().ilog2() as usize,
            inputs,
            before: Activation::Identity,
            edge: Edge::Zeros,
            conv,
            bias: true,
            norm: None,
            after: Activation::Identity,
            dropout: false,
            adds: None,
        }
    }

    /// What heights and widths must be a multiple of: strides divide them without rest, and a
    /// reflected edge has the pixels that it mirrors.
    pub fn divisor(&self) -> usize {
        let needed = |layer: &PlannedLayer| {
            let scale = 1 << layer.inputs.first().map_or(0, |input| self.level(*input));
            scale
                * match layer.edge {
                    Edge::Zeros => layer.conv.step(),
                    Edge::Reflection => (layer.conv.padding + 1).next_power_of_two(),
                }
        };
        self.layers.iter().map(needed).max().unwrap_or(1)
    }
}

impl PlannedLayer {
    pub(super) fn normalised(self, norm: NormKind) -> Self {
        Self {
            bias: norm.needs_conv_bias(),
            norm: Some(norm),
            ..self
        }
    }

    /// Name of a tensor of the convolution: `weight` or `bias`.
    pub fn conv_tensor(&self, leaf: &str) -> String {
        match self.is_head {
            true => format!("{}.{leaf}", self.path),
            false => format!("{}.conv.{leaf}", self.path),
        }
    }

    /// Name of a tensor of the batch norm: `gamma`, `beta`, `running_mean` or `running_var`.
    pub fn norm_tensor(&self, leaf: &str) -> String {
        format!("{}.norm.batch.{leaf}", self.path)
    }

    /// Shape of the convolution's weights.
    pub fn weight_shape(&self) -> [usize; 4] {
        let [input, output] = self.channels;
        let [first, second] = match self.conv.kind {
            ConvKind::Transposed => [input, output],
            ConvKind::Convolution | ConvKind::Resized | ConvKind::Bilinear => [output, input],
        };
        [first, second, self.conv.kernel, self.conv.kernel]
    }
}
