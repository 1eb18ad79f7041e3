//! The folder of a run: where everything lies, who may write, and what went wrong.

mod checkpoint;
mod content;
mod error;
mod files;
mod folder;
mod lock;
pub mod metrics_log;
mod pool;
mod store;

pub use checkpoint::{Best, Checkpoint, Progress};
pub use error::RunFolderError;
pub use files::write_whole;
pub use folder::RunFolder;
pub use lock::RunLock;
pub use store::Restored;
