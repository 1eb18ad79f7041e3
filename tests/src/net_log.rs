//! The browser's own log of what it asks the network for.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// The log of a browser that is started with its flag.
pub struct NetLog {
    folder: TempDir,
}

impl NetLog {
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot create a folder for the log")?;
        Ok(Self { folder })
    }

    /// The flag to start the browser with.
    pub fn flag(&self) -> String {
        format!("--log-net-log={}", self.path().display())
    }

    /// The parameters of every request, once the browser has ended.
    pub fn requests(&self) -> Result<Vec<Value>> {
        let log: Value = serde_json::from_str(&fs::read_to_string(self.path())?)?;
        let kind = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
        ensure!(kind.is_number(), "the log knows no requests");
        let events = log["events"].as_array().context("a list of events")?;
        let requests = events.iter().filter(|event| &event["type"] == kind);
        let parameters = requests.map(|request| request["params"].clone());
        Ok(parameters.filter(|one| one["url"].is_string()).collect())
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("requests.json")
    }
}
