//! The features that Fréchet Inception distances are of: Inception v3 as TensorFlow's model of
//! 2015 has it (Heusel et al. 2017, arXiv 1706.08500), from the weights file of pytorch-fid. It
//! differs from torchvision's Inception v3 in its poolings as well as in its weights.

use std::path::Path;

use burn::tensor::module::{avg_pool2d, interpolate, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};
use image::RgbImage;
use model::state::StateError;

use super::layers::{ConvRelu, halving_max_pool, stacked};
use super::weights::{NamedWeights, PerceptualError, WeightsKind, load};

/// Features of an image.
pub const FEATURES: usize = 2048;

const KIND: WeightsKind = WeightsKind {
    flag: "--fid-weights",
    expected: "pt_inception-2015-12-05-6726825d.pth of pytorch-fid",
};
/// Side of the images that the network takes.
const SIDE: usize = 299;
const NORM_EPSILON: f32 = 1e-3;
/// The classifier behind the features; torchvision's has another shape.
const CLASSIFIER: [(&str, &[usize]); 2] = [("fc.weight", &[1008, FEATURES]), ("fc.bias", &[1008])];

/// A convolution: name, output channels, kernel, stride, padding.
struct Conv(&'static str, usize, [usize; 2], usize, [usize; 2]);

/// As many pixels out as in.
const fn same(name: &'static str, channels: usize, kernel: [usize; 2]) -> Conv {
    Conv(name, channels, kernel, 1, [kernel[0] / 2, kernel[1] / 2])
}

/// 3 × 3 without padding.
const fn inner(name: &'static str, channels: usize, stride: usize) -> Conv {
    Conv(name, channels, [3, 3], stride, [0, 0])
}

const ONE: [usize; 2] = [1, 1];
const THREE: [usize; 2] = [3, 3];

/// What a branch does before its convolutions.
#[derive(Clone, Copy, Debug)]
enum Pool {
    None,
    /// Mean of the pixels that there are of each 3 × 3.
    Mean,
    /// Largest of each 3 × 3.
    Max,
    /// As `Max`, every second.
    Halving,
}

impl Pool {
    fn forward(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::None => x,
            Self::Mean => {
                let options = AvgPoolOptions::new([3, 3]).with_stride([1, 1]);
                avg_pool2d(
                    x,
                    options.with_padding([1, 1]).with_count_include_pad(false),
                )
            }
            Self::Max => {
                let options = MaxPoolOptions::new([3, 3]).with_stride([1, 1]);
                max_pool2d(x, options.with_padding([1, 1]))
            }
            Self::Halving => halving_max_pool(x),
        }
    }
}

/// Convolutions one after the other, and at the end perhaps two side by side.
#[derive(Debug)]
struct Branch {
    pool: Pool,
    chain: Vec<ConvRelu>,
    fork: Vec<ConvRelu>,
}

impl Branch {
    /// Adds its results, which lie side by side.
    fn forward(&self, x: &Tensor<4>, results: &mut Vec<Tensor<4>>) {
        let x = self.pool.forward(x.clone());
        let x = self.chain.iter().fold(x, |x, conv| conv.forward(x));
        match self.fork.is_empty() {
            true => results.push(x),
            false => results.extend(self.fork.iter().map(|conv| conv.forward(x.clone()))),
        }
    }
}

/// Branches whose results lie side by side.
type Block = Vec<Branch>;

/// The network up to its features.
#[derive(Debug)]
pub struct Inception {
    blocks: Vec<Block>,
    device: Device,
}

impl Inception {
    /// The network of pytorch-fid's weights file.
    pub fn load(file: &Path, device: &Device) -> Result<Self, PerceptualError> {
        let files = [file.to_path_buf()];
        load(KIND, &files, device, |weights| Self::new(weights, device))
    }

    fn new(mut weights: NamedWeights, device: &Device) -> Result<Self, StateError> {
        for (name, shape) in CLASSIFIER {
            if weights.has(name) {
                weights.take_values(name, shape)?;
            }
        }
        let mut builder = Builder {
            weights,
            channels: 3,
            blocks: Vec::new(),
        };
        builder.network()?;
        builder.weights.finish()?;
        Ok(Self {
            blocks: builder.blocks,
            device: device.clone(),
        })
    }

    /// [`FEATURES`] for each of some images of one size, one row after the other.
    pub fn features(&self, images: &[&RgbImage]) -> Vec<f32> {
        let options = InterpolateOptions::new(InterpolateMode::Bilinear)
            .with_align_corners(false)
            .with_output_size([SIDE, SIDE]);
        let images = stacked(images, &self.device);
        let mut x = interpolate(images, options);
        for block in &self.blocks {
            let mut results = Vec::new();
            for branch in block {
                branch.forward(&x, &mut results);
            }
            x = Tensor::cat(results, 1);
        }
        let means = x.mean_dim(2).mean_dim(3);
        means.into_data().iter::<f32>().collect()
    }
}

/// Builds the network from its names; the channels of each input follow from what was before.
struct Builder {
    weights: NamedWeights,
    channels: usize,
    blocks: Vec<Block>,
}

/// A branch to be.
struct Plan {
    pool: Pool,
    chain: Vec<Conv>,
    fork: Vec<Conv>,
}

fn chain<const N: usize>(convs: [Conv; N]) -> Plan {
    pooled(Pool::None, convs)
}

fn pooled<const N: usize>(pool: Pool, convs: [Conv; N]) -> Plan {
    Plan {
        pool,
        chain: convs.into(),
        fork: Vec::new(),
    }
}

fn forked<const N: usize>(convs: [Conv; N], fork: [Conv; 2]) -> Plan {
    Plan {
        fork: fork.into(),
        ..chain(convs)
    }
}

impl Builder {
    fn network(&mut self) -> Result<(), StateError> {
        self.block("", [chain([inner("Conv2d_1a_3x3", 32, 2)])])?;
        self.block("", [chain([inner("Conv2d_2a_3x3", 32, 1)])])?;
        self.block("", [chain([same("Conv2d_2b_3x3", 64, THREE)])])?;
        self.block(
            "",
            [pooled(Pool::Halving, [same("Conv2d_3b_1x1", 80, ONE)])],
        )?;
        self.block("", [chain([inner("Conv2d_4a_3x3", 192, 1)])])?;
        self.block("", [pooled(Pool::Halving, [])])?;
        self.block_a("Mixed_5b", 32)?;
        self.block_a("Mixed_5c", 64)?;
        self.block_a("Mixed_5d", 64)?;
        self.block_b("Mixed_6a")?;
        self.block_c("Mixed_6b", 128)?;
        self.block_c("Mixed_6c", 160)?;
        self.block_c("Mixed_6d", 160)?;
        self.block_c("Mixed_6e", 192)?;
        self.block_d("Mixed_7a")?;
        self.block_e("Mixed_7b", Pool::Mean)?;
        self.block_e("Mixed_7c", Pool::Max)
    }

    fn block_a(&mut self, name: &str, pooled_channels: usize) -> Result<(), StateError> {
        let branches = [
            chain([same("branch1x1", 64, ONE)]),
            chain([
                same("branch5x5_1", 48, ONE),
                same("branch5x5_2", 64, [5, 5]),
            ]),
            chain([
                same("branch3x3dbl_1", 64, ONE),
                same("branch3x3dbl_2", 96, THREE),
                same("branch3x3dbl_3", 96, THREE),
            ]),
            pooled(Pool::Mean, [same("branch_pool", pooled_channels, ONE)]),
        ];
        self.block(name, branches)
    }

    fn block_b(&mut self, name: &str) -> Result<(), StateError> {
        let branches = [
            chain([inner("branch3x3", 384, 2)]),
            chain([
                same("branch3x3dbl_1", 64, ONE),
                same("branch3x3dbl_2", 96, THREE),
                inner("branch3x3dbl_3", 96, 2),
            ]),
            pooled(Pool::Halving, []),
        ];
        self.block(name, branches)
    }

    fn block_c(&mut self, name: &str, narrow: usize) -> Result<(), StateError> {
        let branches = [
            chain([same("branch1x1", 192, ONE)]),
            chain([
                same("branch7x7_1", narrow, ONE),
                same("branch7x7_2", narrow, [1, 7]),
                same("branch7x7_3", 192, [7, 1]),
            ]),
            chain([
                same("branch7x7dbl_1", narrow, ONE),
                same("branch7x7dbl_2", narrow, [7, 1]),
                same("branch7x7dbl_3", narrow, [1, 7]),
                same("branch7x7dbl_4", narrow, [7, 1]),
                same("branch7x7dbl_5", 192, [1, 7]),
            ]),
            pooled(Pool::Mean, [same("branch_pool", 192, ONE)]),
        ];
        self.block(name, branches)
    }

    fn block_d(&mut self, name: &str) -> Result<(), StateError> {
        let branches = [
            chain([same("branch3x3_1", 192, ONE), inner("branch3x3_2", 320, 2)]),
            chain([
                same("branch7x7x3_1", 192, ONE),
                same("branch7x7x3_2", 192, [1, 7]),
                same("branch7x7x3_3", 192, [7, 1]),
                inner("branch7x7x3_4", 192, 2),
            ]),
            pooled(Pool::Halving, []),
        ];
        self.block(name, branches)
    }

    fn block_e(&mut self, name: &str, pool: Pool) -> Result<(), StateError> {
        let branches = [
            chain([same("branch1x1", 320, ONE)]),
            forked(
                [same("branch3x3_1", 384, ONE)],
                [
                    same("branch3x3_2a", 384, [1, 3]),
                    same("branch3x3_2b", 384, [3, 1]),
                ],
            ),
            forked(
                [
                    same("branch3x3dbl_1", 448, ONE),
                    same("branch3x3dbl_2", 384, THREE),
                ],
                [
                    same("branch3x3dbl_3a", 384, [1, 3]),
                    same("branch3x3dbl_3b", 384, [3, 1]),
                ],
            ),
            pooled(pool, [same("branch_pool", 192, ONE)]),
        ];
        self.block(name, branches)
    }

    /// Adds a block behind those before.
    fn block<const N: usize>(&mut self, name: &str, plans: [Plan; N]) -> Result<(), StateError> {
        let (mut block, mut channels) = (Block::new(), 0);
        for plan in plans {
            let mut input = self.channels;
            let mut convs = Vec::new();
            for conv in &plan.chain {
                convs.push(self.conv(name, conv, input)?);
                input = conv.1;
            }
            let fork = plan.fork.iter().map(|conv| self.conv(name, conv, input));
            let fork = fork.collect::<Result<Vec<_>, _>>()?;
            channels += match plan.fork.is_empty() {
                true => input,
                false => plan.fork.iter().map(|conv| conv.1).sum(),
            };
            block.push(Branch {
                pool: plan.pool,
                chain: convs,
                fork,
            });
        }
        self.channels = channels;
        self.blocks.push(block);
        Ok(())
    }

    /// A convolution into whose weights the batch norm behind it is folded.
    fn conv(&mut self, block: &str, conv: &Conv, input: usize) -> Result<ConvRelu, StateError> {
        let &Conv(name, output, [height, width], stride, padding) = conv;
        let path = match block {
            "" => name.to_string(),
            block => format!("{block}.{name}"),
        };
        let kernel = [output, input, height, width];
        let mut weight = self
            .weights
            .take_values(&format!("{path}.conv.weight"), &kernel)?;
        let mut of_norm = |part: &str| {
            let name = format!("{path}.bn.{part}");
            self.weights.take_values(&name, &[output])
        };
        let (gamma, beta) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, variance) = (of_norm("running_mean")?, of_norm("running_var")?);
        let mut bias = Vec::with_capacity(output);
        for (channel, filter) in weight.chunks_exact_mut(input * height * width).enumerate() {
            let factor = gamma[channel] / (variance[channel] + NORM_EPSILON).sqrt();
            for value in filter {
                *value *= factor;
            }
            bias.push(beta[channel] - mean[channel] * factor);
        }
        Ok(ConvRelu {
            weight: self.weights.tensor(weight, kernel),
            bias: self.weights.tensor(bias, [output]),
            stride,
            padding,
        })
    }
}
