//! How far a generator looks: the distance beyond which an input pixel cannot change an output
//! pixel, from the shapes of its layers alone. Norms that take statistics of the picture look at
//! all of it, whatever is said here.

use crate::blocks::Upsample;
use crate::generator::{Decoder, Family, GeneratorConfig};
use crate::norm::{NormKind, NormStats};

/// What a range of pixels needs, one layer further in.
#[derive(Clone, Copy)]
struct Span {
    first: i64,
    last: i64,
}

impl Span {
    fn conv(self, kernel: i64, stride: i64, padding: i64) -> Self {
        Self {
            first: self.first * stride - padding,
            last: self.last * stride - padding + kernel - 1,
        }
    }

    /// Doubling of the size; transposed convolutions have stride 2 and padding 1.
    fn up(self, upsample: Upsample, kernel: i64) -> Self {
        match upsample {
            Upsample::Transposed => Self {
                first: -(kernel - 2 - self.first).div_euclid(2),
                last: (self.last + 1).div_euclid(2),
            },
            Upsample::Resize => {
                let wide = self.conv(3, 1, 1);
                Self {
                    first: wide.first.div_euclid(2),
                    last: wide.last.div_euclid(2),
                }
            }
        }
    }

    fn repeated(self, times: usize, layer: impl Fn(Self) -> Self) -> Self {
        (0..times).fold(self, |span, _| layer(span))
    }
}

impl GeneratorConfig {
    /// The largest distance in pixels, along either axis, at which an input pixel still changes
    /// an output pixel through the convolutions.
    pub fn receptive_radius(&self) -> usize {
        let phases = self.arch.size_rule().divisor() as i64;
        let radius = |at: i64| {
            let seen = self.seen_by(Span {
                first: at,
                last: at,
            });
            (at - seen.first).max(seen.last - at)
        };
        let largest = (0..phases).map(radius).max().unwrap_or_default();
        usize::try_from(largest).unwrap_or_default()
    }

    /// Whether an output pixel depends on its surroundings alone, with these statistics of batch
    /// norms, rather than on the mean and variance of the whole picture.
    pub fn is_local(&self, stats: NormStats) -> bool {
        match self.norm {
            NormKind::None => true,
            NormKind::Batch => stats == NormStats::Running,
            NormKind::Instance => false,
        }
    }

    /// From the output back to the input.
    fn seen_by(&self, output: Span) -> Span {
        match self.arch.family() {
            // The way through the innermost block sees all that the skip connections see.
            Family::Unet { depth } => {
                let output = match self.decoder {
                    Decoder::Listed => output.conv(3, 1, 1),
                    Decoder::Mirrored => output,
                };
                output
                    .repeated(depth, |span| span.up(self.upsample, 4))
                    .repeated(depth, |span| span.conv(4, 2, 1))
            }
            Family::Resnet { blocks } => output
                .conv(7, 1, 3)
                .repeated(2, |span| span.up(self.upsample, 3))
                .repeated(2 * blocks, |span| span.conv(3, 1, 1))
                .repeated(2, |span| span.conv(3, 2, 1))
                .conv(7, 1, 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::GeneratorArch;

    #[test]
    fn residual_blocks_see_eight_pixels_each_and_their_surroundings_twelve() {
        let radius = |arch| GeneratorConfig::new(arch, 1, NormKind::None).receptive_radius();
        assert_eq!(radius(GeneratorArch::Resnet6Blocks), 6 * 8 + 12);
        assert_eq!(radius(GeneratorArch::Resnet9Blocks), 9 * 8 + 12);
        assert!(radius(GeneratorArch::Unet256) > 2 * 256);
    }

    #[test]
    fn only_statistics_of_the_picture_reach_further_than_convolutions() {
        let local =
            |norm, stats| GeneratorConfig::new(GeneratorArch::Unet128, 1, norm).is_local(stats);
        assert!(local(NormKind::None, NormStats::Batch));
        assert!(local(NormKind::Batch, NormStats::Running));
        assert!(!local(NormKind::Batch, NormStats::Batch));
        assert!(!local(NormKind::Instance, NormStats::Running));
    }
}
