//! How a user or a scheduler stops what is running: nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};

use super::exit::INTERRUPTED;
use crate::system::console::talk;

/// Becomes true when Ctrl-C or a scheduler's SIGTERM asks for a stop after `what` is done. A second
/// Ctrl-C stops at once. A second SIGTERM does not, for `timeout` sends two; SIGHUP stays as it was,
/// so that `nohup` works.
pub(super) fn stop_flag(what: &'static str) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        talk!("stopping after this {what}; press Ctrl-C again to stop at once");
    })
    .map_err(|error| anyhow!("cannot listen for Ctrl-C ({error})"))?;
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&stop))
        .map_err(|error| anyhow!("cannot listen for SIGTERM ({error})"))?;
    Ok(stop)
}
