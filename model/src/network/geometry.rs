//! The geometry of convolutions: which input pixels an output pixel sees, the same along both axes.

use crate::network::config::Upsample;

/// How a layer's output pixels come from its input pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvKind {
    /// Weights `[out, in, kernel, kernel]`.
    Convolution,
    /// The transpose of one, which doubles the size; weights `[in, out, kernel, kernel]`.
    Transposed,
    /// Each pixel becomes four, then a convolution; weights `[out, in, kernel, kernel]`.
    Resized,
    /// Bilinear interpolation to twice the size, then a convolution, zeros beyond the edges of both;
    /// weights `[out, in, kernel, kernel]`.
    Bilinear,
}

/// Kernel, stride and padding of a square convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    pub kind: ConvKind,
    /// Side of the kernel.
    pub kernel: usize,
    /// As PyTorch and ONNX count it.
    pub stride: usize,
    /// Pixels beyond each edge that the kernel reaches.
    pub padding: usize,
}

/// How the kernel moves over the larger side of a convolution, or of its transpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StridePadding {
    /// Pixels from one position of the kernel to the next.
    pub stride: usize,
    /// Zeros at each edge.
    pub padding: usize,
}

/// Along one axis: the distance of an input pixel, and the indices of the kernel whose weights it
/// is multiplied by, each with its share.
pub(crate) type Tap = (isize, Vec<(usize, f32)>);

impl ConvGeometry {
    /// A convolution that keeps the size, or divides it by its stride.
    pub fn convolution(kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            kind: ConvKind::Convolution,
            kernel,
            stride,
            padding,
        }
    }

    /// What doubles the size; `kernel` is that of the transposed convolution.
    pub fn up(upsample: Upsample, kernel: usize) -> Self {
        let (kind, kernel, stride) = match upsample {
            Upsample::Transposed => (ConvKind::Transposed, kernel, 2),
            Upsample::Resize => (ConvKind::Resized, 3, 1),
            Upsample::Bilinear => (ConvKind::Bilinear, 3, 1),
        };
        Self {
            kind,
            kernel,
            stride,
            padding: 1,
        }
    }

    /// Output pixels for each position of the kernel over the input, along one axis.
    pub(crate) fn scale(self) -> usize {
        match self.kind {
            ConvKind::Convolution => 1,
            ConvKind::Transposed | ConvKind::Resized | ConvKind::Bilinear => 2,
        }
    }

    /// Input pixels from one position of the kernel to the next.
    pub(crate) fn step(self) -> usize {
        match self.kind {
            ConvKind::Convolution => self.stride,
            ConvKind::Transposed | ConvKind::Resized | ConvKind::Bilinear => 1,
        }
    }

    /// Height or width of the output.
    pub fn output_length(self, input: usize) -> usize {
        match self.kind {
            ConvKind::Convolution => {
                (input + 2 * self.padding + self.stride).saturating_sub(self.kernel) / self.stride
            }
            ConvKind::Transposed | ConvKind::Resized | ConvKind::Bilinear => 2 * input,
        }
    }

    /// How far an output pixel of this parity is from the input pixels that a weight belongs to, and
    /// their shares.
    fn distances(self, index: usize, parity: usize) -> Vec<(isize, f32)> {
        let (index, parity) = (index as isize, parity as isize);
        let padding = self.padding as isize;
        match self.kind {
            ConvKind::Convolution => vec![(index - padding, 1.0)],
            // Output pixel o takes input pixel i by the weight of index o + padding - 2 · i.
            ConvKind::Transposed => {
                let doubled = parity + padding - index;
                match doubled % 2 {
                    0 => vec![(doubled / 2, 1.0)],
                    _ => Vec::new(),
                }
            }
            ConvKind::Resized => vec![((parity + index - padding).div_euclid(2), 1.0)],
            // A quarter of a pixel lies between an interpolated pixel and the nearest of the input.
            ConvKind::Bilinear => {
                let doubled = parity + index - padding;
                let nearest = doubled.div_euclid(2);
                let next = nearest + if doubled % 2 == 0 { -1 } else { 1 };
                vec![(nearest, 0.75), (next, 0.25)]
            }
        }
    }

    /// What an output pixel of this parity sees, by growing distance.
    pub(crate) fn taps(self, parity: usize) -> Vec<Tap> {
        let mut taps: Vec<Tap> = Vec::new();
        for index in 0..self.kernel {
            for (distance, share) in self.distances(index, parity) {
                match taps.iter_mut().find(|tap| tap.0 == distance) {
                    Some(tap) => tap.1.push((index, share)),
                    None => taps.push((distance, vec![(index, share)])),
                }
            }
        }
        taps.sort_unstable_by_key(|tap| tap.0);
        taps
    }

    /// The first and the last input pixel that output pixels from `first` to `last` see.
    pub(crate) fn seen(self, [first, last]: [isize; 2]) -> [isize; 2] {
        let scale = self.scale() as isize;
        let pixels = |output: isize| {
            let parity = output.rem_euclid(scale) as usize;
            let origin = output.div_euclid(scale) * self.step() as isize;
            let distances = (0..self.kernel).flat_map(move |index| self.distances(index, parity));
            distances.map(move |(distance, _)| origin + distance)
        };
        [
            pixels(first).min().unwrap_or(first),
            pixels(last).max().unwrap_or(last),
        ]
    }
}
