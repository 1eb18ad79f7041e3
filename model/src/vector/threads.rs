//! Parts of the work on all threads of the processor, under rayon's names. WebAssembly has one.

#[cfg(not(target_family = "wasm"))]
pub(crate) use rayon::{current_num_threads, prelude::*};

#[cfg(target_family = "wasm")]
pub(crate) use one_thread::*;

/// Runs `work` on one of the threads that share work, which then need not be woken for each part.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn among_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

#[cfg(target_family = "wasm")]
#[cfg_attr(
    not(feature = "training"),
    expect(dead_code, reason = "only training shares out all of this")
)]
mod one_thread {
    use std::slice::{Chunks, ChunksExact, ChunksExactMut, ChunksMut, Iter};

    pub(crate) fn current_num_threads() -> usize {
        1
    }

    /// Runs `work`.
    pub(crate) fn among_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    pub(crate) trait Parts<T> {
        fn par_iter(&self) -> Iter<'_, T>;
        fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T>;
        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T>;
    }

    impl<T> Parts<T> for [T] {
        fn par_iter(&self) -> Iter<'_, T> {
            self.iter()
        }

        fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
            self.chunks(size)
        }

        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
            self.chunks_mut(size)
        }

        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T> {
            self.chunks_exact(size)
        }

        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T> {
            self.chunks_exact_mut(size)
        }
    }

    pub(crate) trait Items: IntoIterator + Sized {
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }

        fn map_init<T, R>(
            self,
            init: impl Fn() -> T,
            work: impl Fn(&mut T, Self::Item) -> R,
        ) -> impl Iterator<Item = R> {
            let mut kept = init();
            self.into_iter().map(move |item| work(&mut kept, item))
        }
    }

    impl<I: IntoIterator> Items for I {}
}
