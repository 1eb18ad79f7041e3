//! What this machine's processor can do at most, measured: a time is judged by how far it is from
//! there.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

/// Independent accumulators: enough to keep the units for multiplication busy.
const CHAINS: usize = 12;
/// Lanes that a sum has where the processor has no vectors of sixteen.
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
            let lanes = (0..count).into_par_iter().map(|_| multiply_adds());
            let operations = 2.0 * (lanes.sum::<usize>() * ROUNDS * CHAINS) as f64;
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

/// Computes [`ROUNDS`] times with each of [`CHAINS`] vectors; how many lanes they have.
fn multiply_adds() -> usize {
    #[cfg(target_arch = "x86_64")]
    match model::Instructions::in_use().name() {
        // SAFETY: the processor has what the function is compiled for.
        "avx512" => return unsafe { fused_512() },
        // SAFETY: as above.
        "avx2" => return unsafe { fused_256() },
        _ => {}
    }
    let (factor, addend) = (black_box(0.999), black_box(0.001));
    let mut accumulators = [[1.0f32; LANES]; CHAINS];
    for _ in 0..ROUNDS {
        for sum in accumulators.as_flattened_mut() {
            *sum = *sum * factor + addend;
        }
    }
    black_box(accumulators);
    LANES
}

#[cfg(target_arch = "x86_64")]
macro_rules! fused {
    ($name:ident, $features:literal, $lanes:literal, $multiply_add:ident, $set:ident) => {
        #[target_feature(enable = $features)]
        fn $name() -> usize {
            use std::arch::x86_64::{$multiply_add, $set};

            let (factor, addend) = ($set(black_box(0.999)), $set(0.001));
            let mut accumulators = [$set(1.0); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut accumulators {
                    *sum = $multiply_add(*sum, factor, addend);
                }
            }
            black_box(accumulators);
            $lanes
        }
    };
}
#[cfg(target_arch = "x86_64")]
fused!(fused_512, "avx512f", 16, _mm512_fmadd_ps, _mm512_set1_ps);
#[cfg(target_arch = "x86_64")]
fused!(fused_256, "avx2,fma", 8, _mm256_fmadd_ps, _mm256_set1_ps);

fn sum(values: &[f32]) -> f32 {
    let mut accumulators = [0.0; LANES];
    for values in values.as_chunks::<LANES>().0 {
        for (sum, value) in accumulators.iter_mut().zip(values) {
            *sum += value;
        }
    }
    accumulators.iter().sum()
}
