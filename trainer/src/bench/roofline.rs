//! What this machine's processor can do at most, measured: a time is judged by how far it is from
//! there.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

/// Independent accumulators: enough to keep the units for multiplication busy.
const CHAINS: usize = 12;
const LANES: usize = 8;
const ROUNDS: usize = 4_000_000;
/// More than caches hold.
const BYTES: usize = 256 << 20;

/// Limits of the processor.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Roofline {
    /// Billions of f32 operations a second, a multiplication and an addition being two, of one
    /// thread that has everything in registers.
    pub thread_gflops: f64,
    /// The same of all threads.
    pub gflops: f64,
    /// Billions of bytes a second that all threads read.
    pub read_gb_s: f64,
}

impl Roofline {
    /// Takes a second.
    pub fn measure() -> Self {
        let threads = rayon::current_num_threads();
        let on_threads = |count: usize| {
            let started = Instant::now();
            (0..count).into_par_iter().for_each(|_| {
                black_box(multiply_adds());
            });
            let operations = 2.0 * (count * ROUNDS * CHAINS * LANES) as f64;
            operations / started.elapsed().as_secs_f64() / 1e9
        };
        let values = vec![1.0f32; BYTES / size_of::<f32>()];
        let started = Instant::now();
        let accumulators = values.par_chunks(1 << 16).map(sum);
        black_box(accumulators.sum::<f32>());
        Self {
            read_gb_s: BYTES as f64 / started.elapsed().as_secs_f64() / 1e9,
            thread_gflops: on_threads(1),
            gflops: on_threads(threads),
        }
    }

    /// Milliseconds that `operations` on `bytes` take at least, with all threads.
    pub fn floor_ms(&self, operations: f64, bytes: f64) -> f64 {
        let (computing, reading) = (operations / self.gflops, bytes / self.read_gb_s);
        computing.max(reading) / 1e6
    }
}

fn multiply_adds() -> f32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { fused() };
    }
    let (factor, addend) = (black_box(0.999), black_box(0.001));
    let mut accumulators = [[1.0f32; LANES]; CHAINS];
    for _ in 0..ROUNDS {
        for sum in accumulators.as_flattened_mut() {
            *sum = *sum * factor + addend;
        }
    }
    accumulators.as_flattened().iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fused() -> f32 {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};

    let (factor, addend) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(0.001));
    let mut accumulators = [_mm256_set1_ps(1.0); CHAINS];
    for _ in 0..ROUNDS {
        for sum in &mut accumulators {
            *sum = _mm256_fmadd_ps(*sum, factor, addend);
        }
    }
    accumulators
        .into_iter()
        .map(|sum| _mm256_cvtss_f32(sum))
        .sum()
}

fn sum(values: &[f32]) -> f32 {
    let mut accumulators = [0.0; LANES];
    for values in values.as_chunks::<LANES>().0 {
        for (sum, value) in accumulators.iter_mut().zip(values) {
            *sum += value;
        }
    }
    accumulators.iter().sum()
}
