//! Vectors of each length, with the one operation that products are made of.

/// A few numbers that one instruction works on.
///
/// # Safety
/// `load` and `store` touch [`Self::COUNT`] values and nothing else. Methods are called only where
/// the processor has the instructions that the type is for.
pub(crate) unsafe trait Lanes: Copy {
    /// Numbers in a vector.
    const COUNT: usize;

    /// The same number in all lanes.
    unsafe fn splat(value: f32) -> Self;

    /// # Safety
    /// [`Self::COUNT`] values can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// [`Self::COUNT`] values can be written.
    unsafe fn store(self, to: *mut f32);

    /// `self * factor + summand`.
    unsafe fn multiply_add(self, factor: Self, summand: Self) -> Self;
}

/// A vector that every processor has, or that the compiler makes up.
#[cfg(not(any(target_arch = "aarch64", target_family = "wasm")))]
#[derive(Clone, Copy)]
pub(crate) struct Four([f32; 4]);

#[cfg(not(any(target_arch = "aarch64", target_family = "wasm")))]
// SAFETY: arrays of four, which need no instructions of their own.
unsafe impl Lanes for Four {
    const COUNT: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has four values.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has room for four values.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    /// Rounds twice: not every processor of the target has one instruction for it.
    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, mut summand: Self) -> Self {
        for lane in 0..Self::COUNT {
            summand.0[lane] += self.0[lane] * factor.0[lane];
        }
        summand
    }
}

#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_family = "wasm"
))]
macro_rules! lanes {
    ($(#[$doc:meta])* $name:ident($vector:ty), $count:literal,
     $splat:ident, $load:ident, $store:ident, $multiply_add:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name($vector);

        // SAFETY: the intrinsics touch as many values as the vector has.
        unsafe impl Lanes for $name {
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller has the instructions.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller has the instructions and the values.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller has the instructions and the room.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, factor: Self, summand: Self) -> Self {
                // SAFETY: the caller has the instructions.
                Self(unsafe { $multiply_add(self.0, factor.0, summand.0) })
            }
        }
    };
}

#[cfg(target_arch = "aarch64")]
pub(crate) use self::aarch64::Four;

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::{float32x4_t, vdupq_n_f32, vfmaq_f32, vld1q_f32, vst1q_f32};

    use super::Lanes;

    lanes!(
        /// NEON, which every processor of the target has.
        Four(float32x4_t), 4,
        vdupq_n_f32, vld1q_f32, vst1q_f32, multiply_add
    );

    #[inline(always)]
    unsafe fn multiply_add(
        value: float32x4_t,
        factor: float32x4_t,
        summand: float32x4_t,
    ) -> float32x4_t {
        // SAFETY: every processor of the target has the instruction.
        unsafe { vfmaq_f32(summand, value, factor) }
    }
}

#[cfg(target_family = "wasm")]
pub(crate) use self::wasm::Four;

#[cfg(target_family = "wasm")]
mod wasm {
    use std::arch::wasm32;

    use super::Lanes;

    lanes!(
        /// A browser's vectors. Arrays of four, which compilers are to turn into them, end in memory.
        Four(wasm32::v128), 4,
        splat, load, store, multiply_add
    );

    #[inline(always)]
    unsafe fn splat(value: f32) -> wasm32::v128 {
        wasm32::f32x4_splat(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> wasm32::v128 {
        // SAFETY: the caller has four values.
        unsafe { wasm32::v128_load(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, vector: wasm32::v128) {
        // SAFETY: the caller has room for four values.
        unsafe { wasm32::v128_store(to.cast(), vector) }
    }

    #[inline(always)]
    unsafe fn multiply_add(
        value: wasm32::v128,
        factor: wasm32::v128,
        summand: wasm32::v128,
    ) -> wasm32::v128 {
        // A browser picks what its processor does best: rounding once, or twice.
        #[cfg(feature = "relaxed-simd")]
        return wasm32::f32x4_relaxed_madd(value, factor, summand);
        // Not every browser has one instruction for it.
        #[cfg(not(feature = "relaxed-simd"))]
        return wasm32::f32x4_add(summand, wasm32::f32x4_mul(value, factor));
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use self::x86_64::{Eight, Sixteen};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    use super::Lanes;

    lanes!(
        /// Needs AVX2 and FMA.
        Eight(__m256), 8,
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps
    );
    lanes!(
        /// Needs AVX-512 F.
        Sixteen(__m512), 16,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps
    );
}
