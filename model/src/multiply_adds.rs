//! How many multiplications, each with an addition, a forward pass takes: what its time is held
//! against. Those with the zeros at edges count; norms, activations and losses do not.

use crate::blocks::Upsample;
use crate::discriminator::{BASIC_LAYERS, DiscriminatorArch, DiscriminatorConfig, Patches};
use crate::generator::{Family, GeneratorConfig};
use crate::patchgan::width;
use crate::resnet::{SCALES, WIDE_KERNEL};
use crate::unet::{HEAD_KERNEL, UnetPlan};

/// Of a convolution with `places` in its output.
fn convolution([inputs, outputs]: [usize; 2], kernel: usize, places: usize) -> usize {
    inputs * outputs * kernel * kernel * places
}

impl GeneratorConfig {
    /// For one picture of this height and width, which follow
    /// [`GeneratorArch::size_rule`](crate::GeneratorArch::size_rule).
    pub fn multiply_adds(&self, [height, width]: [usize; 2]) -> usize {
        let pixels = height * width;
        // A transposed convolution has as many places as its input, which is half as high and wide.
        let up = |channels, kernel, output: usize| match self.upsample {
            Upsample::Transposed => convolution(channels, kernel, output / 4),
            Upsample::Resize => convolution(channels, 3, output),
        };
        match self.arch.family() {
            Family::Unet { depth } => {
                let plan = UnetPlan::new(self, depth);
                let level = |level: usize| {
                    let inner = pixels >> (2 * (level + 1));
                    convolution(plan.down(level), 4, inner) + up(plan.up(level), 4, 4 * inner)
                };
                let head = plan.head();
                let head = head.map(|channels| convolution(channels, HEAD_KERNEL, pixels));
                (0..depth).map(level).sum::<usize>() + head.unwrap_or(0)
            }
            Family::Resnet { blocks } => {
                let maps = |scale: usize| self.base << scale;
                let scale = |scale: usize| {
                    let (outer, inner) = (maps(scale), maps(scale + 1));
                    let pixels = pixels >> (2 * scale);
                    convolution([outer, inner], 3, pixels / 4) + up([inner, outer], 3, pixels)
                };
                let same = [maps(SCALES); 2];
                convolution([self.in_channels, maps(0)], WIDE_KERNEL, pixels)
                    + (0..SCALES).map(scale).sum::<usize>()
                    + 2 * blocks * convolution(same, 3, pixels >> (2 * SCALES))
                    + convolution([maps(0), self.out_channels], WIDE_KERNEL, pixels)
            }
        }
    }
}

impl DiscriminatorConfig {
    /// For one picture of this height and width.
    pub fn multiply_adds(&self, mut size: [usize; 2]) -> usize {
        let n_layers = match self.arch {
            DiscriminatorArch::Basic => BASIC_LAYERS,
            DiscriminatorArch::NLayers(n_layers) => n_layers,
            DiscriminatorArch::Pixel => {
                let pixels = size[0] * size[1];
                let inputs = [self.in_channels, self.base, 2 * self.base];
                let outputs = [self.base, 2 * self.base, 1];
                let layers = inputs.into_iter().zip(outputs);
                return layers
                    .map(|(input, output)| convolution([input, output], 1, pixels))
                    .sum();
            }
        };
        let mut count = 0;
        let mut channels = self.in_channels;
        for index in 0..=n_layers {
            size = match self.patches {
                Patches::Overlapping if index == n_layers => size.map(|side| side - 1),
                _ => size.map(|side| side / 2),
            };
            let next = width(self.base, index);
            count += convolution([channels, next], 4, size[0] * size[1]);
            channels = next;
        }
        count
            + match self.patches {
                Patches::Overlapping => {
                    convolution([channels, 1], 4, (size[0] - 1) * (size[1] - 1))
                }
                Patches::Listed => convolution([channels, 1], 3, size[0] * size[1]),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GeneratorArch, NormKind};

    fn billions(arch: GeneratorArch, base: usize) -> f64 {
        let config = GeneratorConfig::new(arch, base, NormKind::Batch);
        config.multiply_adds([256, 256]) as f64 / 1e9
    }

    #[test]
    fn generators_take_what_profilers_count_of_them() {
        for (base, expected) in [(16, 0.41), (32, 1.55), (64, 6.05)] {
            let found = billions(GeneratorArch::Unet256, base);
            assert!((found - expected).abs() < 0.005, "base {base}: {found}");
        }
        // arXiv 2003.08936, table 1, says 56.8 with transposed convolutions counted as if each of their
        // outputs saw a whole kernel; it sees a quarter.
        let found = billions(GeneratorArch::Resnet9Blocks, 64);
        let counted_too_much = 3.0 * 9.0 * 128.0 * (256.0 * 4096.0 + 64.0 * 16384.0) / 1e9;
        assert!((found + counted_too_much - 56.8).abs() < 0.05, "{found}");
    }

    #[test]
    fn a_discriminator_takes_the_sum_of_its_layers() {
        let config = DiscriminatorConfig {
            arch: DiscriminatorArch::Basic,
            in_channels: 6,
            base: 64,
            norm: NormKind::Batch,
            patches: Patches::Overlapping,
        };
        let layers = [
            6 * 64 * 128 * 128,
            64 * 128 * 64 * 64,
            128 * 256 * 32 * 32,
            256 * 512 * 31 * 31,
            512 * 30 * 30,
        ];
        let expected: usize = layers.iter().map(|weights| 16 * weights).sum();
        assert_eq!(config.multiply_adds([256, 256]), expected);
    }
}
