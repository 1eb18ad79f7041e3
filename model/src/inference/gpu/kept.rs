//! Programs of earlier images, for the next of their size.

use super::kernel::Kernel;
use super::program::Program;
use crate::inference::dataflow::Size;

/// What a program may take while another one works.
const MOST_BESIDE: u64 = 256 << 20;

/// Those of the last two sizes; of large ones that of the last alone.
#[derive(Debug, Default)]
pub(super) struct KeptPrograms {
    latest: Option<Program>,
    other: Option<Program>,
}

impl KeptPrograms {
    /// The program for a size, if it is there. Otherwise makes room for a new one.
    pub fn take(&mut self, size: Size) -> Option<Program> {
        if self.is_latest(size) {
            return self.latest.take();
        }
        let other = self.other.take();
        self.other = self.latest.take();
        let other = other.filter(|other| other.size() == size);
        if self
            .other
            .as_ref()
            .is_some_and(|kept| kept.bytes() > MOST_BESIDE)
        {
            self.other = None;
        }
        other
    }

    pub fn put(&mut self, program: Program) {
        self.latest = Some(program);
    }

    /// Of the layers of the last image.
    pub fn kernels(&self) -> Vec<Kernel> {
        let latest = self.latest.as_ref();
        latest.map_or_else(Vec::new, |program| program.kernels.clone())
    }

    fn is_latest(&self, size: Size) -> bool {
        let latest = self.latest.as_ref();
        latest.is_some_and(|program| program.size() == size)
    }
}
