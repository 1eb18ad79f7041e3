//! Normalisation layers.

use burn::module::{Module, Param};
use burn::tensor::module::{BatchNormTrainOutput, batch_norm, batch_norm_train};
use burn::tensor::{Device, Tensor};

use crate::network::config::{NormKind, NormStats};
#[cfg(feature = "training")]
use crate::network::cpu;
use crate::network::mode::Mode;
use crate::network::parameter::constant;
use crate::network::running_statistic::RunningStatistic;

/// Added to variances.
pub const NORM_EPSILON: f64 = 1e-5;
const NORM_MOMENTUM: f64 = 0.1;

/// Batch normalisation whose statistics are chosen by the caller, not by a hidden switch.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    /// Scale, `[channels]`.
    pub gamma: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub beta: Param<Tensor<1>>,
    /// Running mean, `[channels]`.
    pub running_mean: RunningStatistic,
    /// Running unbiased variance, `[channels]`.
    pub running_var: RunningStatistic,
}

impl BatchNorm2d {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            gamma: constant(1.0, [channels], device),
            beta: constant(0.0, [channels], device),
            running_mean: RunningStatistic::new(Tensor::zeros([channels], device)),
            running_var: RunningStatistic::new(Tensor::ones([channels], device)),
        }
    }

    fn forward(&self, input: Tensor<4>, mode: Mode) -> Tensor<4> {
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        match mode {
            Mode::Inference(NormStats::Running) => batch_norm(
                input,
                gamma,
                beta,
                self.running_mean.value(),
                self.running_var.value(),
                NORM_EPSILON,
            ),
            Mode::Inference(NormStats::Batch) => normalised(input, gamma, beta).output,
            Mode::Train { .. } => {
                let [batch, _, height, width] = input.dims();
                let normalised = normalised(input, gamma, beta);
                let count = (batch * height * width) as f64;
                let unbiased = normalised.variance * (count / (count - 1.0).max(1.0));
                self.running_mean.blend(normalised.mean, NORM_MOMENTUM);
                self.running_var.blend(unbiased, NORM_MOMENTUM);
                normalised.output
            }
        }
    }
}

/// The normalisation after a convolution, of the kind that the network was configured with.
#[derive(Module, Debug)]
pub struct Norm {
    /// Present for [`NormKind::Batch`] only.
    pub batch: Option<BatchNorm2d>,
    #[module(skip)]
    kind: NormKind,
}

impl Norm {
    /// A norm over `channels` feature maps.
    pub fn new(kind: NormKind, channels: usize, device: &Device) -> Self {
        Self {
            batch: (kind == NormKind::Batch).then(|| BatchNorm2d::new(channels, device)),
            kind,
        }
    }

    /// # Shapes
    /// `[batch, channels, height, width]` in and out.
    pub fn forward(&self, input: Tensor<4>, mode: Mode) -> Tensor<4> {
        match (&self.batch, self.kind) {
            (Some(batch), _) => batch.forward(input, mode),
            (None, NormKind::Instance) => instance_norm(input),
            (None, _) => input,
        }
    }
}

/// Instance norm is a batch norm in which every plane of every image is a channel.
fn instance_norm(input: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = input.dims();
    let planes = batch * channels;
    let device = input.device();
    let output = normalised(
        input.reshape([1, planes, height, width]),
        Tensor::ones([planes], &device),
        Tensor::zeros([planes], &device),
    )
    .output;
    output.reshape([batch, channels, height, width])
}

/// With the statistics of `input` itself.
fn normalised(input: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>) -> BatchNormTrainOutput<4> {
    #[cfg(feature = "training")]
    {
        if let Some(output) = cpu::batch_norm(&input, &gamma, &beta, NORM_EPSILON) {
            return output;
        }
        if cpu::ALONE {
            let [gamma, beta] = [gamma, beta].map(Tensor::from_inner);
            let tracked = normalised(Tensor::from_inner(input), gamma, beta);
            return BatchNormTrainOutput {
                output: tracked.output.inner(),
                mean: tracked.mean.inner(),
                variance: tracked.variance.inner(),
            };
        }
    }
    batch_norm_train(input, gamma, beta, NORM_EPSILON)
}
