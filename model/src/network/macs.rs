//! How many multiplications, each with an addition, a forward pass takes: what its time is held
//! against. Those with the zeros at edges count; norms, activations and losses do not.

use crate::network::geometry::ConvKind;
use crate::network::plan::{Plan, PlannedLayer, Source};

impl Plan {
    /// Multiply-accumulates for one image of this height and width.
    pub fn macs(&self, image: [usize; 2]) -> usize {
        self.layer_macs(image).iter().sum::<u64>() as usize
    }

    /// Those of each layer, which in a browser are more than a `usize` holds.
    pub fn layer_macs(&self, image: [usize; 2]) -> Vec<u64> {
        let mut sizes: Vec<[usize; 2]> = Vec::with_capacity(self.layers.len());
        let macs = |layer: &PlannedLayer| {
            let input = match layer.inputs.first() {
                Some(Source::Layer(index)) => sizes[*index],
                _ => image,
            };
            let output = input.map(|length| layer.conv.output_length(length));
            let [height, width] = match layer.conv.kind {
                ConvKind::Transposed => input,
                ConvKind::Convolution | ConvKind::Resized | ConvKind::Bilinear => output,
            };
            sizes.push(output);
            let weights: usize = layer.weight_shape().iter().product();
            weights as u64 * (height * width) as u64
        };
        self.layers.iter().map(macs).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        DiscriminatorArch, DiscriminatorConfig, GeneratorArch, GeneratorConfig, NormKind, Patches,
    };

    fn billions(arch: GeneratorArch, base: usize) -> f64 {
        let config = GeneratorConfig::new(arch, base, NormKind::Batch);
        config.plan().macs([256, 256]) as f64 / 1e9
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
        assert_eq!(config.plan().macs([256, 256]), expected);
    }
}
