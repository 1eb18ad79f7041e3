//! Files that the browser saves.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// The one file in a folder, once it is there in full.
pub fn wait_for_download(folder: &Path) -> Result<PathBuf> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        // Chromium first holds the name with an empty file.
        if let [file] = &files[..]
            && file
                .path()
                .extension()
                .is_some_and(|end| end != "crdownload")
            && file.metadata().is_ok_and(|file| file.len() > 0)
        {
            return Ok(file.path());
        }
        ensure!(Instant::now() < deadline, "nothing was downloaded");
        sleep(Duration::from_millis(50));
    }
}
