//! Statistics of a layer's outputs, and what brings these to mean 0 and variance 1.

use super::kernel::MOST_LANES;
use crate::network::norm::NORM_EPSILON;

/// Mean and biased variance of a channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChannelMoments {
    pub mean: f64,
    pub variance: f64,
}

/// Those of every channel, of all images or of each.
#[derive(Debug)]
pub(super) struct Moments {
    pub channels: Vec<ChannelMoments>,
    /// As in [`Affine`].
    stride: usize,
}

impl Moments {
    pub fn new(groups: usize, stride: usize) -> Self {
        Self {
            channels: vec![ChannelMoments::default(); groups * stride],
            stride,
        }
    }

    /// What brings every channel to mean 0 and variance 1.
    pub fn normalisation(&self) -> Affine {
        let factor = |channel: &ChannelMoments| 1.0 / (channel.variance + NORM_EPSILON).sqrt();
        let channels = self.channels.iter();
        Affine {
            factors: channels
                .clone()
                .map(|channel| factor(channel) as f32)
                .collect(),
            summands: channels
                .map(|channel| (-channel.mean * factor(channel)) as f32)
                .collect(),
            stride: self.stride,
        }
    }

    /// For [`Self::of_parts`]: each number as two that add up to it.
    pub fn to_numbers(&self) -> Vec<f32> {
        let channels = self.channels.iter();
        let numbers = channels.flat_map(|channel| [channel.mean, channel.variance]);
        numbers
            .flat_map(|number| [number as f32, (number - f64::from(number as f32)) as f32])
            .collect()
    }

    /// Of all rows, from the numbers of parts that have so many.
    pub fn of_parts(numbers: &[f32], rows: &[usize]) -> Self {
        let length = numbers.len() / rows.len();
        let moments = |part: usize, channel: usize| {
            let of_part = &numbers[part * length..][4 * channel..];
            let [mean, variance] =
                [0, 2].map(|at| f64::from(of_part[at]) + f64::from(of_part[at + 1]));
            ChannelMoments { mean, variance }
        };
        let all: usize = rows.iter().sum();
        let mean_of = |of: &dyn Fn(usize) -> f64| {
            let parts = rows.iter().enumerate();
            parts
                .map(|(part, rows)| *rows as f64 * of(part))
                .sum::<f64>()
                / all as f64
        };
        let channels = (0..length / 4).map(|channel| {
            let mean = mean_of(&|part| moments(part, channel).mean);
            let variance = mean_of(&|part| {
                let of_part = moments(part, channel);
                of_part.variance + (of_part.mean - mean).powi(2)
            });
            ChannelMoments { mean, variance }
        });
        Self {
            channels: channels.collect(),
            stride: length / 4,
        }
    }
}

/// A factor and a summand for each channel: of all images, or of each.
#[derive(Debug)]
pub(super) struct Affine {
    factors: Vec<f32>,
    summands: Vec<f32>,
    /// Channels with those that fill the last block; one group for all images or one for each.
    stride: usize,
}

impl Affine {
    /// Adds `bias` and nothing else.
    pub fn bias(bias: &[f32]) -> Self {
        let stride = bias.len().next_multiple_of(MOST_LANES);
        let mut summands = vec![0.0; stride];
        summands[..bias.len()].copy_from_slice(bias);
        Self {
            factors: vec![1.0; stride],
            stride,
            summands,
        }
    }

    /// Factor and summand, then learned scale and shift.
    pub fn then(mut self, scale: &[f32], shift: &[f32]) -> Self {
        let groups = self.factors.chunks_mut(self.stride);
        for (factors, summands) in groups.zip(self.summands.chunks_mut(self.stride)) {
            let values = factors.iter_mut().zip(summands);
            for ((factor, summand), (scale, shift)) in values.zip(scale.iter().zip(shift)) {
                *factor *= scale;
                *summand = *summand * scale + shift;
            }
        }
        self
    }

    pub fn of<const LANES: usize>(
        &self,
        image: usize,
        first: usize,
    ) -> ([f32; LANES], [f32; LANES]) {
        let group = match self.factors.len() == self.stride {
            true => 0,
            false => image,
        };
        let start = group * self.stride + first;
        let lanes = |values: &[f32]| std::array::from_fn(|lane| values[start + lane]);
        (lanes(&self.factors), lanes(&self.summands))
    }
}
