//! Work on parts of a buffer, on all cores where there are threads.

/// Cuts `values` into pieces of `size` and hands each, with its index, to `work`.
#[cfg(not(target_family = "wasm"))]
pub(super) fn for_each_piece<T: Send>(
    values: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    use rayon::prelude::*;

    let pieces = values.par_chunks_mut(size).enumerate();
    pieces.for_each(|(index, piece)| work(index, piece));
}

/// Cuts `values` into pieces of `size` and hands each, with its index, to `work`.
#[cfg(target_family = "wasm")]
pub(super) fn for_each_piece<T: Send>(
    values: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let pieces = values.chunks_mut(size).enumerate();
    pieces.for_each(|(index, piece)| work(index, piece));
}

/// Runs `work` on one of the threads that share work, which then need not be woken for each part.
#[cfg(not(target_family = "wasm"))]
pub(super) fn among_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Runs `work`.
#[cfg(target_family = "wasm")]
pub(super) fn among_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    work()
}
