//! How far a generator looks: the distance beyond which an input pixel cannot change an output
//! pixel, from the shapes of its layers alone. Norms that take statistics of the image look at
//! all of it, whatever is said here.

use crate::network::config::GeneratorConfig;
use crate::network::config::{NormKind, NormStats};
use crate::network::plan::{Plan, Source};

impl Plan {
    /// The largest distance in pixels, along either axis, at which an input pixel still changes
    /// an output pixel through the convolutions.
    pub fn receptive_radius(&self) -> usize {
        let radius = |at: isize| {
            let [first, last] = self.seen_by(at);
            (at - first).max(last - at)
        };
        // Output pixels so far from each other see alike.
        let largest = (0..self.divisor() as isize).map(radius).max();
        largest.map_or(0, isize::unsigned_abs)
    }

    /// The first and the last pixel of the image that an output pixel sees.
    fn seen_by(&self, output: isize) -> [isize; 2] {
        let mut image = [output; 2];
        let mut seen: Vec<Option<[isize; 2]>> = vec![None; self.layers.len()];
        if let Some(last) = seen.last_mut() {
            *last = Some([output; 2]);
        }
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let Some(output) = seen[index] else {
                continue;
            };
            let through_it = layer
                .inputs
                .iter()
                .map(|input| (input, layer.conv.seen(output)));
            let beside_it = layer.adds.iter().map(|addend| (addend, output));
            for (source, [first, last]) in through_it.chain(beside_it) {
                let widened = |[a, b]: [isize; 2]| [a.min(first), b.max(last)];
                match *source {
                    Source::Image => image = widened(image),
                    Source::Layer(index) => {
                        seen[index] = Some(seen[index].map_or([first, last], widened));
                    }
                }
            }
        }
        image
    }
}

impl GeneratorConfig {
    /// Whether an output pixel depends on its surroundings alone, with these statistics of batch
    /// norms, rather than on the mean and variance of the whole image.
    pub fn is_local(&self, stats: NormStats) -> bool {
        match self.norm {
            NormKind::None => true,
            NormKind::Batch => stats == NormStats::Running,
            NormKind::Instance => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::GeneratorArch;

    #[test]
    fn residual_blocks_see_eight_pixels_each_and_their_surroundings_twelve() {
        let radius = |arch| {
            GeneratorConfig::new(arch, 1, NormKind::None)
                .plan()
                .receptive_radius()
        };
        assert_eq!(radius(GeneratorArch::Resnet6Blocks), 6 * 8 + 12);
        assert_eq!(radius(GeneratorArch::Resnet9Blocks), 9 * 8 + 12);
        assert!(radius(GeneratorArch::Unet256) > 2 * 256);
    }

    #[test]
    fn only_statistics_of_the_image_reach_further_than_convolutions() {
        let local =
            |norm, stats| GeneratorConfig::new(GeneratorArch::Unet128, 1, norm).is_local(stats);
        assert!(local(NormKind::None, NormStats::Batch));
        assert!(local(NormKind::Batch, NormStats::Running));
        assert!(!local(NormKind::Batch, NormStats::Batch));
        assert!(!local(NormKind::Instance, NormStats::Running));
    }
}
