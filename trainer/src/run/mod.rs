//! A training run from the first step to the exported model. The loop emits events; whoever
//! listens reports them. What is kept of a run, and how it is judged, lies beside it.

pub mod device_check;
mod error;
pub mod event;
mod keep;
mod losses;
pub mod replicas;
mod start;
mod state;
mod training_loop;
mod validation;
pub mod watch;

pub use error::RunError;
pub use state::{Outcome, RunData, Start};
pub use training_loop::train;
