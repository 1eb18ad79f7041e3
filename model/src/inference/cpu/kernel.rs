//! The innermost loops: products of pixels and packed weights, for the instruction sets that are
//! worth a copy of their own. Nothing here knows of layers or images.

/// How a convolution's outputs are cut up: sums of some pixels times `lanes` stay in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegisterTile {
    /// Output channels at a time.
    pub lanes: usize,
    instructions: Instructions,
}

/// Browsers' compilers spill sums of more pixels into memory, which takes half as long again.
const BASELINE_PIXELS: usize = if cfg!(target_family = "wasm") { 4 } else { 6 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    /// What every processor of the target has.
    Baseline,
    /// x86-64 with vectors of eight and multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// Consecutive input values, counted from the first under the kernel, and how many.
pub(super) type Run = (usize, usize);

impl RegisterTile {
    /// The tile that wastes least on this processor for as many output channels.
    pub fn for_channels(channels: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            return Self {
                lanes: if channels <= 8 { 8 } else { 16 },
                instructions: Instructions::Avx2,
            };
        }
        Self {
            lanes: if channels <= 4 { 4 } else { 8 },
            instructions: Instructions::Baseline,
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
        match (self.instructions, self.lanes) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `for_channels` found these instructions on this processor.
            (Instructions::Avx2, 8) => unsafe { avx2_8(weights, input, starts, runs, sums) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            (Instructions::Avx2, _) => unsafe { avx2_16(weights, input, starts, runs, sums) },
            (Instructions::Baseline, 4) => baseline_4(weights, input, starts, runs, sums),
            (Instructions::Baseline, _) => baseline_8(weights, input, starts, runs, sums),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2_16(weights: &[f32], input: &[f32], starts: &[usize], runs: &[Run], sums: &mut [f32]) {
    multiply::<6, 16>(weights, input, starts, runs, sums, add_product);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2_8(weights: &[f32], input: &[f32], starts: &[usize], runs: &[Run], sums: &mut [f32]) {
    multiply::<12, 8>(weights, input, starts, runs, sums, add_product);
}

#[cfg_attr(
    all(target_family = "wasm", feature = "relaxed-simd"),
    target_feature(enable = "relaxed-simd")
)]
fn baseline_8(weights: &[f32], input: &[f32], starts: &[usize], runs: &[Run], sums: &mut [f32]) {
    multiply::<BASELINE_PIXELS, 8>(weights, input, starts, runs, sums, add_baseline_product);
}

#[cfg_attr(
    all(target_family = "wasm", feature = "relaxed-simd"),
    target_feature(enable = "relaxed-simd")
)]
fn baseline_4(weights: &[f32], input: &[f32], starts: &[usize], runs: &[Run], sums: &mut [f32]) {
    multiply::<BASELINE_PIXELS, 4>(weights, input, starts, runs, sums, add_baseline_product);
}

/// Adds a value times weights to sums, each rounded once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
fn add_product<const LANES: usize>(value: f32, weights: &[f32; LANES], sums: &mut [f32; LANES]) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum = value.mul_add(*weight, *sum);
    }
}

#[cfg(target_arch = "aarch64")]
use add_product as add_baseline_product;

/// The same where every processor of the target has no one instruction for it.
#[cfg(not(any(
    target_arch = "aarch64",
    all(target_family = "wasm", feature = "relaxed-simd")
)))]
#[inline(always)]
fn add_baseline_product<const LANES: usize>(
    value: f32,
    weights: &[f32; LANES],
    sums: &mut [f32; LANES],
) {
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum += value * *weight;
    }
}

/// The same where a browser picks what its processor does best: rounding once, or twice.
#[cfg(all(target_family = "wasm", feature = "relaxed-simd"))]
#[inline(always)]
fn add_baseline_product<const LANES: usize>(
    value: f32,
    weights: &[f32; LANES],
    sums: &mut [f32; LANES],
) {
    use std::arch::wasm32::{f32x4_relaxed_madd, f32x4_splat, v128};
    const { assert!(LANES.is_multiple_of(4)) };
    let value = f32x4_splat(value);
    let weights = weights.as_ptr().cast::<v128>();
    let sums = sums.as_mut_ptr().cast::<v128>();
    for vector in 0..LANES / 4 {
        // SAFETY: both arrays are so many vectors long; the function that this is inlined into
        // has the instruction.
        unsafe {
            let weight = weights.add(vector).read_unaligned();
            let sum = sums.add(vector).read_unaligned();
            let sum = f32x4_relaxed_madd(value, weight, sum);
            sums.add(vector).write_unaligned(sum);
        }
    }
}

/// Inlined into each instruction set's copy, so that the compiler turns the arrays into registers
/// of that set.
#[inline(always)]
fn multiply<const PIXELS: usize, const LANES: usize>(
    weights: &[f32],
    input: &[f32],
    starts: &[usize],
    runs: &[Run],
    sums: &mut [f32],
    add_product: impl Fn(f32, &[f32; LANES], &mut [f32; LANES]) + Copy,
) {
    let tiles = starts.chunks(PIXELS);
    for (starts, sums) in tiles.zip(sums.chunks_mut(PIXELS * LANES)) {
        // A short tile computes its last pixel several times.
        let starts: [usize; PIXELS] =
            std::array::from_fn(|pixel| starts[pixel.min(starts.len() - 1)]);
        let tile = tile::<PIXELS, LANES>(weights, input, starts, runs, add_product);
        for (sums, tile) in sums.chunks_exact_mut(LANES).zip(&tile) {
            sums.copy_from_slice(tile);
        }
    }
}

#[inline(always)]
fn tile<const PIXELS: usize, const LANES: usize>(
    weights: &[f32],
    input: &[f32],
    starts: [usize; PIXELS],
    runs: &[Run],
    add_product: impl Fn(f32, &[f32; LANES], &mut [f32; LANES]) + Copy,
) -> [[f32; LANES]; PIXELS] {
    let mut sums = [[0.0; LANES]; PIXELS];
    let mut weights = weights.as_chunks::<LANES>().0;
    for &(offset, length) in runs {
        let seen: [&[f32]; PIXELS] =
            std::array::from_fn(|pixel| &input[starts[pixel] + offset..][..length]);
        let (now, later) = weights.split_at(length);
        weights = later;
        for (index, weights) in now.iter().enumerate() {
            for (sums, seen) in sums.iter_mut().zip(&seen) {
                // SAFETY: what each pixel sees is as long as `now`.
                let value = unsafe { *seen.get_unchecked(index) };
                add_product(value, weights, sums);
            }
        }
    }
    sums
}
