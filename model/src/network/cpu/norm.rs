//! Batch norm with the statistics of the batch. Burn makes a dozen operations of it, and more of its
//! gradients, each of which walks through memory.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::module::BatchNormTrainOutput;
use burn::tensor::{Tensor, TensorData};

use crate::vector::Instructions;
use crate::vector::threads::*;

/// Sums that are made side by side.
const LANES: usize = 32;
/// Values that are added in 32 bits.
const PART: usize = 1 << 12;

/// `x`, `[batch, channels, height, width]`, with mean 0 and variance 1 in each channel, then times
/// `gamma` plus `beta`; `None` unless all are tracked on the CPU.
pub(crate) fn batch_norm(
    x: &Tensor<4>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<BatchNormTrainOutput<4>> {
    let device = x.device();
    let x = x.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let gamma = gamma.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let beta = beta.clone().try_into_primitive::<Autodiff<Flex>>().ok()?;
    let nodes = [x.node(), gamma.node(), beta.node()];
    let [x, gamma, beta] = [x, gamma, beta].map(|x| x.into_primitive().to_contiguous());
    let planes = Planes::of(&x);
    let moments = planes.moments(x.storage());
    let factor = |[_, variance]: &[f64; 2]| (1.0 / (variance + epsilon).sqrt()) as f32;
    let normalisation: Vec<[f32; 2]> = moments
        .iter()
        .map(|moments| [moments[0] as f32, factor(moments)])
        .collect();
    let (gammas, betas): (&[f32], &[f32]) = (gamma.storage(), beta.storage());
    let output = planes.made([x.storage(), x.storage()], |channel| {
        let [mean, factor] = normalisation[channel];
        let (scale, shift) = (factor * gammas[channel], betas[channel]);
        move |x, _| (x - mean) * scale + shift
    });
    let statistic = |which: usize| {
        let values = moments.iter().map(|moments| moments[which] as f32);
        let data = TensorData::new(values.collect(), [moments.len()]);
        Tensor::<1>::from_data(data, &device)
    };
    let (mean, variance) = (statistic(0), statistic(1));
    let prepared = BatchNorm.prepare::<NoCheckpointing>(nodes);
    let output = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((x, gamma, normalisation), output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(BatchNormTrainOutput {
        output: Tensor::from_primitive::<Autodiff<Flex>>(output),
        mean,
        variance,
    })
}

#[derive(Debug)]
struct BatchNorm;

impl Backward<Flex, 3> for BatchNorm {
    /// Inputs, scales, and each channel's mean and the factor that makes its variance 1.
    type State = (FlexTensor, FlexTensor, Vec<[f32; 2]>);

    fn backward(
        self,
        operation: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x, of_gamma, of_beta] = operation.parents;
        let (x, gamma, normalisation) = operation.state;
        let output = gradients.consume::<Flex>(&operation.node).to_contiguous();
        let planes = Planes::of(&x);
        let (x, output): (&[f32], &[f32]) = (x.storage(), output.storage());
        let sums = planes.sums([x, output], |channel| {
            let [mean, factor] = normalisation[channel];
            move |x, gradient| [gradient, gradient * ((x - mean) * factor)]
        });
        if let Some(of_x) = of_x {
            let gamma: &[f32] = gamma.storage();
            let count = planes.values_of_channel() as f64;
            let means: Vec<[f32; 2]> = sums
                .iter()
                .map(|sums| sums.map(|sum| (sum / count) as f32))
                .collect();
            let gradient = planes.made([x, output], |channel| {
                let [mean, factor] = normalisation[channel];
                let [mean_gradient, mean_product] = means[channel];
                let scale = gamma[channel] * factor;
                move |x, gradient| {
                    let normalised = (x - mean) * factor;
                    scale * (gradient - mean_gradient - normalised * mean_product)
                }
            });
            gradients.register::<Flex>(of_x.id, gradient);
        }
        for (of, which) in [(of_beta, 0), (of_gamma, 1)] {
            if let Some(of) = of {
                let values = sums.iter().map(|sums| sums[which] as f32);
                let data = TensorData::new(values.collect(), [sums.len()]);
                gradients.register::<Flex>(of.id, FlexTensor::from_data(data));
            }
        }
    }
}

/// Where the values of each channel lie.
struct Planes {
    shape: [usize; 4],
}

impl Planes {
    fn of(x: &FlexTensor) -> Self {
        let shape = x.layout().shape();
        Self {
            shape: [shape[0], shape[1], shape[2], shape[3]],
        }
    }

    fn size(&self) -> usize {
        self.shape[2] * self.shape[3]
    }

    fn values_of_channel(&self) -> usize {
        self.shape[0] * self.size()
    }

    /// Mean and biased variance of each channel.
    fn moments(&self, x: &[f32]) -> Vec<[f64; 2]> {
        let count = self.values_of_channel() as f64;
        let of_channel = |channel| {
            let [sum, _] = self.sums_of(channel, [x, x], |x, _| [x, 0.0]);
            let mean = sum / count;
            let centre = mean as f32;
            let [squares, _] = self.sums_of(channel, [x, x], |x, _| {
                let off = x - centre;
                [off * off, 0.0]
            });
            [mean, squares / count]
        };
        let channels = 0..self.shape[1];
        channels.into_par_iter().map(of_channel).collect()
    }

    /// Sums of `terms`, which come of the values of both at the same place, over each channel.
    fn sums<F: Fn(f32, f32) -> [f32; 2] + Copy>(
        &self,
        both: [&[f32]; 2],
        terms: impl Fn(usize) -> F + Sync,
    ) -> Vec<[f64; 2]> {
        let of_channel = |channel| self.sums_of(channel, both, terms(channel));
        let channels = 0..self.shape[1];
        channels.into_par_iter().map(of_channel).collect()
    }

    fn sums_of(
        &self,
        channel: usize,
        [one, other]: [&[f32]; 2],
        terms: impl Fn(f32, f32) -> [f32; 2] + Copy,
    ) -> [f64; 2] {
        let [images, channels, ..] = self.shape;
        let size = self.size();
        let mut total = [0.0; 2];
        for image in 0..images {
            let start = (image * channels + channel) * size;
            let (one, other) = (&one[start..][..size], &other[start..][..size]);
            for (one, other) in one.chunks(PART).zip(other.chunks(PART)) {
                let part = Instructions::in_use().run(
                    #[inline(always)]
                    || part_sums(one, other, terms),
                );
                total = [total[0] + part[0], total[1] + part[1]];
            }
        }
        total
    }

    /// A tensor of the results for each two values at the same place.
    fn made<F: Fn(f32, f32) -> f32>(
        &self,
        [one, other]: [&[f32]; 2],
        result: impl Fn(usize) -> F + Sync,
    ) -> FlexTensor {
        let (size, channels) = (self.size(), self.shape[1]);
        let mut made = vec![0.0; one.len()];
        let planes = made.par_chunks_exact_mut(size).enumerate();
        planes
            .zip(one.par_chunks_exact(size).zip(other.par_chunks_exact(size)))
            .for_each(|((plane, made), (one, other))| {
                let result = result(plane % channels);
                Instructions::in_use().run(
                    #[inline(always)]
                    || {
                        for ((made, one), other) in made.iter_mut().zip(one).zip(other) {
                            *made = result(*one, *other);
                        }
                    },
                );
            });
        FlexTensor::from_data(TensorData::new(made, self.shape))
    }
}

#[inline(always)]
fn part_sums(one: &[f32], other: &[f32], terms: impl Fn(f32, f32) -> [f32; 2]) -> [f64; 2] {
    let mut sums = [[0.0f32; LANES]; 2];
    let (ones, others) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    for (one, other) in ones.0.iter().zip(others.0) {
        for lane in 0..LANES {
            let terms = terms(one[lane], other[lane]);
            sums[0][lane] += terms[0];
            sums[1][lane] += terms[1];
        }
    }
    for (lane, (one, other)) in ones.1.iter().zip(others.1).enumerate() {
        let terms = terms(*one, *other);
        sums[0][lane] += terms[0];
        sums[1][lane] += terms[1];
    }
    sums.map(|sums| sums.iter().map(|sum| f64::from(*sum)).sum())
}
