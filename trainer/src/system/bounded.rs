//! Readers that give up: after more bytes than were expected, or when somebody asks to stop.
//! What parses a file then needs no care of its own.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

/// How much may still be read.
pub struct Budget<'a> {
    left: Cell<Option<u64>>,
    stop: Option<&'a AtomicBool>,
}

impl<'a> Budget<'a> {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self {
            left: Cell::new(Some(bytes)),
            stop: None,
        }
    }

    /// Ends also when `stop` is set.
    #[must_use]
    pub fn until(self, stop: &'a AtomicBool) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// From now on, so many bytes.
    pub fn renew(&self, bytes: u64) {
        self.left.set(Some(bytes));
    }

    /// Whether more was asked for than there was.
    pub fn is_spent(&self) -> bool {
        self.left.get().is_none()
    }

    fn spend(&self, bytes: u64) -> io::Result<()> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(io::Error::other("stopped"));
        }
        let left = self.left.get().and_then(|left| left.checked_sub(bytes));
        self.left.set(left);
        match left {
            Some(_) => Ok(()),
            None => Err(io::Error::other("it has more bytes than are read of it")),
        }
    }
}

/// A reader that spends a budget.
pub struct Bounded<'a, R> {
    inner: R,
    budget: &'a Budget<'a>,
}

impl<'a, R> Bounded<'a, R> {
    /// Reads from `inner` what `budget` allows.
    pub fn new(inner: R, budget: &'a Budget<'a>) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<'_, R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: usize, budget: &Budget<'_>) -> io::Result<u64> {
        io::copy(
            &mut Bounded::new(io::repeat(7).take(bytes as u64), budget),
            &mut io::sink(),
        )
    }

    #[test]
    fn as_many_bytes_as_the_budget_has_are_read_and_no_more() {
        let budget = Budget::new(100);
        assert_eq!(read(100, &budget).expect("within"), 100);
        assert!(!budget.is_spent());
        assert!(read(1, &budget).is_err() && budget.is_spent());
        budget.renew(5);
        assert_eq!(read(5, &budget).expect("within"), 5);
    }

    #[test]
    fn a_stop_ends_reading_at_once() {
        let stop = AtomicBool::new(true);
        let budget = Budget::new(u64::MAX).until(&stop);
        assert!(read(1, &budget).is_err() && !budget.is_spent());
    }
}
