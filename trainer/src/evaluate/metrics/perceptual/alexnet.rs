//! LPIPS (Zhang et al. 2018, arXiv 1801.03924), version 0.1: distances of the features that
//! AlexNet finds in two images, weighted as people judged.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use image::RgbImage;
use model::state::StateError;

use super::layers::{ConvRelu, halving_max_pool, stacked};
use super::weights::{NamedWeights, PerceptualError, SMALLEST_SIDE, WeightsKind, load};

const KIND: WeightsKind = WeightsKind {
    flag: "--lpips-weights",
    expected: "the state dict of lpips.LPIPS(net='alex'), or two files: torchvision's AlexNet and \
               weights/v0.1/alex.pth of the Python package lpips",
};
/// Mean and deviation of the colours that AlexNet was trained on, in `[-1, 1]`.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
/// Against division by zero where a pixel has no feature.
const EPSILON: f64 = 1e-10;
/// Copies in the state dict of the Python package, and AlexNet's head.
const UNUSED: [&str; 3] = ["lins.", "scaling_layer.", "classifier."];

/// A layer: its index in torchvision's AlexNet, channels, side of the kernel, stride, padding, and
/// whether the maximum of the layer before is pooled first.
struct Layer {
    index: usize,
    channels: [usize; 2],
    kernel: usize,
    stride: usize,
    padding: usize,
    pooled: bool,
}

const fn layer(index: usize, channels: [usize; 2], kernel: usize, pooled: bool) -> Layer {
    Layer {
        index,
        channels,
        kernel,
        stride: 1,
        padding: kernel / 2,
        pooled,
    }
}

const LAYERS: [Layer; 5] = [
    Layer {
        index: 0,
        channels: [3, 64],
        kernel: 11,
        stride: 4,
        padding: 2,
        pooled: false,
    },
    layer(3, [64, 192], 5, true),
    layer(6, [192, 384], 3, true),
    layer(8, [384, 256], 3, false),
    layer(10, [256, 256], 3, false),
];

/// Judges how different two images look to people: 0 for equal ones, about 1 for unrelated ones.
#[derive(Debug)]
pub struct Lpips {
    shift: Tensor<4>,
    scale: Tensor<4>,
    layers: Vec<Tap>,
    device: Device,
}

/// A layer whose result is compared.
#[derive(Debug)]
struct Tap {
    pooled: bool,
    conv: ConvRelu,
    /// Of each channel, `[1, channels, 1, 1]`.
    importance: Tensor<4>,
}

impl Lpips {
    /// The network of one file with all of it, or of AlexNet's and the layers' weights in two.
    pub fn load(files: &[PathBuf], device: &Device) -> Result<Self, PerceptualError> {
        load(KIND, files, device, |weights| Self::new(weights, device))
    }

    fn new(weights: NamedWeights, device: &Device) -> Result<Self, StateError> {
        let mut weights = weights.renamed(|name| {
            let is_unused = UNUSED.iter().any(|start| name.starts_with(start));
            (!is_unused).then(|| torchvision_name(name))
        });
        let mut tap = |(number, layer): (usize, &Layer)| {
            let ([input, output], index) = (layer.channels, layer.index);
            let kernel = [output, input, layer.kernel, layer.kernel];
            Ok(Tap {
                pooled: layer.pooled,
                conv: ConvRelu {
                    weight: weights.take(&format!("features.{index}.weight"), kernel)?,
                    bias: weights.take(&format!("features.{index}.bias"), [output])?,
                    stride: layer.stride,
                    padding: [layer.padding; 2],
                },
                importance: weights
                    .take(&format!("lin{number}.model.1.weight"), [1, output, 1, 1])?,
            })
        };
        let layers = LAYERS.iter().enumerate().map(&mut tap);
        let layers = layers.collect::<Result<_, StateError>>()?;
        let colors = |values: [f32; 3]| weights.tensor(values.to_vec(), [1, 3, 1, 1]);
        let network = Self {
            shift: colors(SHIFT),
            scale: colors(SCALE),
            layers,
            device: device.clone(),
        };
        weights.finish().map(|()| network)
    }

    /// Distances of some images from `target`, all of one size.
    pub fn distances(
        &self,
        images: &[&RgbImage],
        target: &RgbImage,
    ) -> Result<Vec<f64>, PerceptualError> {
        let (width, height) = target.dimensions();
        let (width, height) = (width as usize, height as usize);
        if width.min(height) < SMALLEST_SIDE {
            return Err(PerceptualError::TooSmall { width, height });
        }
        let count = images.len();
        let all = [images, &[target]].concat();
        let mut x = (stacked(&all, &self.device) - self.shift.clone()) / self.scale.clone();
        let mut distances = vec![0.0; count];
        for tap in &self.layers {
            if tap.pooled {
                x = halving_max_pool(x);
            }
            x = tap.conv.forward(x);
            let unit = x.clone() / (x.clone().square().sum_dim(1).sqrt() + EPSILON);
            let of_target = unit.clone().narrow(0, count, 1);
            let difference = (unit.narrow(0, 0, count) - of_target).square();
            let weighted = (difference * tap.importance.clone()).sum_dim(1);
            let pixels = weighted.dims()[2] * weighted.dims()[3];
            let values = weighted.into_data();
            let values: Vec<f32> = values.iter::<f32>().collect();
            for (distance, plane) in distances.iter_mut().zip(values.chunks(pixels.max(1))) {
                let sum: f64 = plane.iter().map(|&value| f64::from(value)).sum();
                *distance += sum / pixels as f64;
            }
        }
        Ok(distances)
    }
}

/// The name in torchvision's AlexNet of a tensor of the Python package: `net.slice2.3.weight` is
/// `features.3.weight`.
fn torchvision_name(name: &str) -> String {
    let inner = name.strip_prefix("net.slice");
    match inner.and_then(|rest| rest.split_once('.')) {
        Some((_, rest)) => format!("features.{rest}"),
        None => name.to_string(),
    }
}
