//! Products of pixels and packed weights, in tiles that suit the processor. Nothing here knows of
//! layers or images.

#[cfg(target_arch = "x86_64")]
use crate::vector::{Eight, Sixteen};
use crate::vector::{Four, Instructions, Lanes, Level, add_products};

/// The most output channels of a [`RegisterTile`].
pub(super) const MOST_LANES: usize = if cfg!(target_arch = "x86_64") { 32 } else { 8 };

/// How a convolution's outputs are cut up: sums of some pixels times `lanes` stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegisterTile {
    /// Output channels at a time.
    pub lanes: usize,
    instructions: Instructions,
}

/// Browsers' compilers spill sums of more pixels into memory, which takes half as long again; NEON has
/// registers for more.
const BASELINE_PIXELS: usize = match () {
    () if cfg!(target_family = "wasm") => 4,
    () if cfg!(target_arch = "aarch64") => 8,
    () => 6,
};

/// Consecutive input values, counted from the first under the kernel, and how many.
pub(super) type Run = (usize, usize);

impl RegisterTile {
    /// The tile that wastes least on this processor for as many output channels.
    pub fn for_channels(channels: usize) -> Self {
        let instructions = Instructions::in_use();
        let [few, some, many] = match instructions.level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => [8, 16, 32],
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => [8, 16, 16],
            Level::Baseline => [4, 8, 8],
        };
        Self {
            lanes: match channels {
                _ if channels <= few => few,
                _ if channels <= some => some,
                _ => many,
            },
            instructions,
        }
    }

    /// Weighted sums of some pixels for one block of output channels.
    ///
    /// `weights` holds `lanes` values for each input value of `runs`; `starts` is where the kernel
    /// begins in `input` for each pixel; `sums` takes `lanes` values for each pixel.
    pub fn multiply(
        self,
        weights: &[f32],
        input: &[f32],
        starts: &[usize],
        runs: &[Run],
        sums: &mut [f32],
    ) {
        macro_rules! tiles {
            ($vector:ty, $pixels:expr, $vectors:literal) => {
                self.instructions.run(
                    #[inline(always)]
                    || {
                        // SAFETY: `run` compiles this for the level that has these vectors.
                        unsafe {
                            multiply::<$vector, { $pixels }, $vectors>(
                                weights, input, starts, runs, sums,
                            );
                        }
                    },
                )
            };
        }
        match (self.instructions.level(), self.lanes) {
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, 8) => tiles!(Eight, 12, 1),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, 16) => tiles!(Sixteen, 12, 1),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx512, _) => tiles!(Sixteen, 12, 2),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2, 8) => tiles!(Eight, 12, 1),
            #[cfg(target_arch = "x86_64")]
            (Level::Avx2, _) => tiles!(Eight, 6, 2),
            (Level::Baseline, 4) => tiles!(Four, BASELINE_PIXELS, 1),
            (Level::Baseline, _) => tiles!(Four, BASELINE_PIXELS, 2),
        }
    }
}

/// # Safety
/// The function that this is inlined into is compiled for the instructions of `V`.
#[inline(always)]
unsafe fn multiply<V: Lanes, const PIXELS: usize, const VECTORS: usize>(
    weights: &[f32],
    input: &[f32],
    starts: &[usize],
    runs: &[Run],
    sums: &mut [f32],
) {
    let lanes = VECTORS * V::COUNT;
    for (starts, sums) in starts.chunks(PIXELS).zip(sums.chunks_mut(PIXELS * lanes)) {
        // SAFETY: the caller has the instructions.
        let mut tile = unsafe { [[V::splat(0.0); VECTORS]; PIXELS] };
        let mut weights = weights;
        for &(offset, length) in runs {
            let (now, later) = weights.split_at(length * lanes);
            weights = later;
            let seen = |pixel: usize| input[starts[pixel] + offset..][..length].as_ptr();
            let mut pixels = [seen(0); PIXELS];
            // A short tile computes its first pixel several times.
            for (pixel, pointer) in pixels.iter_mut().enumerate().take(starts.len()) {
                *pointer = seen(pixel);
            }
            // SAFETY: what each pixel sees, and the weights, have the length of the run.
            unsafe {
                add_products::<V, PIXELS, VECTORS, 1>(pixels, now.as_ptr(), length, &mut tile)
            };
        }
        for (sums, tile) in sums.chunks_exact_mut(lanes).zip(&tile) {
            for (sums, vector) in sums.chunks_exact_mut(V::COUNT).zip(tile) {
                // SAFETY: the piece is as long as a vector.
                unsafe { vector.store(sums.as_mut_ptr()) };
            }
        }
    }
}
