//! Where everything lies in the folder of a run.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::RunFolderError;
use super::files::{damaged, read, write_error, write_whole};
use super::lock::RunLock;
use super::metrics_log::MetricsLine;
use crate::config::{TrainConfig, stored};
use crate::evaluate::metrics::Evaluation;

const CONFIG_FILE: &str = "config.json";
const CHECKPOINTS: &str = "checkpoints";

#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// Makes the folder, takes its lock and writes `config.json`.
    pub fn create(root: &Path, config: &TrainConfig) -> Result<(Self, RunLock), RunFolderError> {
        let folder = Self::open(root);
        fs::create_dir_all(root).map_err(|source| write_error(root, source))?;
        let lock = RunLock::take(root)?;
        if folder.is_run() {
            let path = root.to_path_buf();
            return Err(RunFolderError::Occupied { path });
        }
        for path in [folder.samples(), folder.checkpoints()] {
            fs::create_dir_all(&path).map_err(|source| write_error(&path, source))?;
        }
        folder.write_config(config)?;
        Ok((folder, lock))
    }

    /// An existing run.
    pub fn open(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether a run has begun in it.
    pub fn is_run(&self) -> bool {
        self.root.join(CONFIG_FILE).is_file()
    }

    pub fn checkpoints(&self) -> PathBuf {
        self.root.join(CHECKPOINTS)
    }

    pub fn samples(&self) -> PathBuf {
        self.root.join("samples")
    }

    /// Where the exported model goes.
    pub fn export(&self) -> PathBuf {
        self.root.join("export")
    }

    /// Where the model of the way back goes, which CycleGAN learns too.
    pub fn export_back(&self) -> PathBuf {
        self.root.join("export-BtoA")
    }

    /// The page that shows the run.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// Losses and metrics, a JSON object a line.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    pub fn config(&self) -> Result<TrainConfig, RunFolderError> {
        let path = self.root.join(CONFIG_FILE);
        stored::read(&read(&path)?).map_err(|reason| RunFolderError::Config { path, reason })
    }

    /// Replaces the run's settings.
    pub fn write_config(&self, config: &TrainConfig) -> Result<(), RunFolderError> {
        let path = self.root.join(CONFIG_FILE);
        let json = serde_json::to_vec_pretty(config).map_err(|error| damaged(&path, error))?;
        write_whole(&path, &json)
    }

    /// What the last validation after `step` steps said, if there was one.
    pub fn last_evaluation(&self, step: u64) -> Result<Evaluation, RunFolderError> {
        let text = read(&self.metrics())?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().rev();
        let lines = lines.filter_map(|line| serde_json::from_str::<MetricsLine>(line).ok());
        let found = lines.into_iter().find_map(|line| match line {
            MetricsLine::Validated(row) if row.step == step => Some(row.evaluation),
            MetricsLine::Finished(end) if end.step == step => end.evaluation,
            _ => None,
        });
        Ok(found.unwrap_or_default())
    }

    /// Cuts off the metrics from the first line on that is not of the run up to `step`, so that no
    /// step is told twice. If `judge_again`, validations at `step` itself will be made again.
    pub fn rewind_metrics(&self, step: u64, judge_again: bool) -> Result<(), RunFolderError> {
        let path = self.metrics();
        if !path.exists() {
            return Ok(());
        }
        let bytes = read(&path)?;
        let is_kept = |line: &[u8]| match serde_json::from_slice::<MetricsLine>(line) {
            Ok(line @ MetricsLine::Validated(_)) if judge_again => line.step() < step,
            Ok(line) => line.step() <= step,
            Err(_) => line.ends_with(b"\n"),
        };
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let kept: usize = lines
            .take_while(|line| is_kept(line))
            .map(<[u8]>::len)
            .sum();
        let cut = || -> std::io::Result<()> {
            let file = fs::OpenOptions::new().write(true).open(&path)?;
            file.set_len(kept as u64)?;
            file.sync_all()
        };
        cut().map_err(|source| write_error(&path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_cut_after_the_step_that_is_resumed_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder::open(folder.path());
        let step = |step: u64| {
            format!("{{\"event\":\"step\",\"step\":{step},\"lr\":0.1,\"losses\":{{}}}}\n")
        };
        let validated = |step: u64| {
            let evaluation = serde_json::to_string(&Evaluation::default()).expect("JSON");
            format!("{{\"event\":\"validated\",\"step\":{step},\"evaluation\":{evaluation}}}\n")
        };
        let kept = [step(1), "not JSON\n".to_string(), step(2), validated(2)].concat();
        let text = [kept.as_str(), &step(3), &validated(3), "{\"event\":\"st"].concat();
        fs::write(run.metrics(), text).expect("a file");
        run.rewind_metrics(2, false).expect("cut");
        let found = |run: &RunFolder| fs::read_to_string(run.metrics()).expect("a file");
        assert_eq!(found(&run), kept);
        run.rewind_metrics(2, true).expect("cut");
        assert_eq!(found(&run), kept.replace(&validated(2), ""));
        assert_eq!(
            run.last_evaluation(2).expect("metrics"),
            Evaluation::default()
        );
    }
}
