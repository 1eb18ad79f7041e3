//! Vector instructions that not every processor of the target has, found while the program runs.

use std::sync::LazyLock;

/// What innermost loops are compiled for; whoever has a value is on a processor that has these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instructions(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every processor of the target has.
    Baseline,
    /// x86-64 with vectors of eight and multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with vectors of sixteen.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Instructions {
    /// Names the instructions that are used at most, for tests of what other processors run.
    pub const VARIABLE: &str = "PIX2PIX_INSTRUCTIONS";

    /// Those that this processor has, the plainest first.
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;

            let avx2 = has!("avx2") && has!("fma");
            let avx512 = avx2 && has!("avx512f") && has!("avx512vl") && has!("avx512dq");
            let levels = [
                (Level::Baseline, true),
                (Level::Avx2, avx2),
                (Level::Avx512, avx512),
            ];
            let levels = levels.into_iter().filter(|(_, has)| *has);
            levels.map(|(level, _)| Self(level)).collect()
        }
        #[cfg(not(target_arch = "x86_64"))]
        vec![Self(Level::Baseline)]
    }

    /// Those in use: the best, unless [`Self::VARIABLE`] names others of [`Self::available`].
    pub fn in_use() -> Self {
        static IN_USE: LazyLock<Instructions> = LazyLock::new(|| {
            let available = Instructions::available();
            let named = std::env::var(Instructions::VARIABLE).unwrap_or_default();
            let found = available.iter().find(|one| one.name() == named);
            let found = found.or(available.last()).copied();
            found.unwrap_or(Instructions(Level::Baseline))
        });
        *IN_USE
    }

    /// The word for them.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            Level::Baseline if cfg!(target_arch = "aarch64") => "neon",
            Level::Baseline if cfg!(target_arch = "x86_64") => "sse2",
            Level::Baseline => "scalar",
        }
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }

    /// Calls `work`, compiled for these instructions as far as it is inlined.
    #[inline(always)]
    pub(crate) fn run<R>(self, work: impl FnOnce() -> R) -> R {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only `available` makes values of these levels, for processors that have them.
            Level::Avx512 => unsafe { avx512(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { avx2(work) },
            Level::Baseline => baseline(work),
        }
    }
}

/// A module with relaxed SIMD is only loaded by browsers that have it.
#[cfg_attr(
    all(target_family = "wasm", feature = "relaxed-simd"),
    target_feature(enable = "relaxed-simd")
)]
fn baseline<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
fn avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
