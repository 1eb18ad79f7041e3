//! `cargo xtask quality`: what our training makes of a data set, beside what PyTorch makes of the
//! same samples in the same order.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{peers, process, programs, workspace};

/// What `cargo xtask quality` was asked for.
pub struct Options {
    pub steps: u64,
    /// Trainings of each data set, with the seeds 1, 2, …
    pub seeds: u64,
    pub base: u32,
    /// Photos to sharpen, besides the drawn façades.
    pub photos: Option<PathBuf>,
    pub task: String,
    /// Drawn façades to validate on, and four times as many to train on.
    pub facades: u64,
}

/// Columns of the table: name in `trainer eval --format json`, title, digits.
const METRICS: [(&str, &str, usize); 6] = [
    ("l1", "L1", 4),
    ("psnr", "PSNR dB", 2),
    ("ssim", "SSIM", 4),
    ("ms_ssim", "MS-SSIM", 4),
    ("weave", "weave", 2),
    ("spectrum", "spectrum dB", 2),
];

/// Whose outputs were judged, and what `eval` said for each seed.
type Judged = [(&'static str, Vec<Value>); 3];

/// Trains both on each data set and prints a table.
pub fn run(options: &Options) -> Result<()> {
    let photos = options.photos.as_deref().map(fs::canonicalize).transpose();
    let photos = photos.context("--photos: no such folder")?;
    peers::ensure_python(&["torch", "numpy", "pillow"])?;
    let trainer = workspace::program("trainer")?;
    let folder = workspace::target().join("quality");
    let harness = Harness {
        options,
        trainer,
        folder,
    };
    let mut sets = Vec::new();
    if options.facades > 0 {
        sets.push(("facades", vec!["--data".to_owned(), harness.drawn()?]));
    }
    if let Some(photos) = photos {
        let words = [
            "--photos",
            &photos.display().to_string(),
            "--task",
            &options.task,
        ];
        sets.push((options.task.as_str(), words.map(str::to_owned).to_vec()));
    }
    print!("{}", header());
    for (name, data) in sets {
        print!("{}", rows(name, &harness.judged(name, &data)?));
    }
    Ok(())
}

struct Harness<'a> {
    options: &'a Options,
    trainer: PathBuf,
    folder: PathBuf,
}

impl Harness<'_> {
    fn trainer(&self) -> Command {
        let mut command = Command::new(&self.trainer);
        command.current_dir(workspace::root());
        command
    }

    /// The folder of the drawn façades.
    fn drawn(&self) -> Result<String> {
        let folder = self.emptied("drawn")?.display().to_string();
        let count = (4 * self.options.facades).to_string();
        let words = ["data", "demo", &folder, "--count", &count];
        run_aside(self.trainer().args(words))?;
        Ok(folder)
    }

    fn judged(&self, name: &str, data: &[String]) -> Result<Judged> {
        let mut judged = [
            ("untouched input", Vec::new()),
            ("ours", Vec::new()),
            ("PyTorch", Vec::new()),
        ];
        for seed in 1..=self.options.seeds {
            let (ours, theirs) = self.trained(name, data, seed)?;
            judged[0].1.push(ours["input"].clone());
            judged[1].1.push(ours["output"].clone());
            judged[2].1.push(theirs["output"].clone());
        }
        Ok(judged)
    }

    /// Trains ours and theirs with one seed, and judges both on the same files.
    fn trained(&self, name: &str, data: &[String], seed: u64) -> Result<(Value, Value)> {
        let folder = self.emptied(&format!("{name}-{seed}"))?;
        let path = |name: &str| folder.join(name).display().to_string();
        let (run, samples, weights, theirs) = (
            path("run"),
            path("samples"),
            path("theirs.pth"),
            path("theirs"),
        );
        let Options { steps, base, .. } = self.options;
        let mut training = self.trainer();
        training.arg("train").args(data).args(["--run", &run]);
        training.args([
            "--net-g=unet_256",
            "--residual=false",
            "--norm=batch",
            "--upsample=transposed",
            "--size=256",
            "--weights=f32",
        ]);
        training.args([format!("--seed={seed}"), format!("--steps={steps}")]);
        training.args([
            format!("--base={base}"),
            "--device=cpu".into(),
            "--format=plain".into(),
        ]);
        run_aside(&mut training)?;
        let words = ["data", "samples", &run, &samples];
        run_aside(self.trainer().args(words))?;
        let mut peer = peers::python_script("pytorch_quality.py");
        run_aside(peer.args([&run, &samples, &weights]))?;
        let words = ["import", &weights, "--weights=f32", "--output", &theirs];
        run_aside(self.trainer().args(words))?;
        let validation = folder.join("samples/val");
        let judged = (
            self.eval(&run, &validation)?,
            self.eval(&theirs, &validation)?,
        );
        // Thousands of images that follow from the run.
        fs::remove_dir_all(&samples).with_context(|| format!("cannot remove {samples}"))?;
        Ok(judged)
    }

    fn eval(&self, model: &str, validation: &Path) -> Result<Value> {
        let validation = validation.display().to_string();
        let words = [
            "eval",
            "--model",
            model,
            "--data",
            &validation,
            "--all",
            "--direction=AtoB",
        ];
        let more = ["--size=256", "--device=cpu", "--format=json"];
        let lines = programs::json_lines(self.trainer().args(words).args(more))?;
        lines
            .into_iter()
            .next()
            .context("trainer eval printed nothing")
    }

    /// A folder below ours, without what lay there.
    fn emptied(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        let emptied = match folder.exists() {
            true => fs::remove_dir_all(&folder),
            false => Ok(()),
        };
        emptied
            .and_then(|()| fs::create_dir_all(&self.folder))
            .with_context(|| format!("cannot empty {}", folder.display()))?;
        Ok(folder)
    }
}

/// Runs a program whose results are talk here: the table alone goes to standard output.
fn run_aside(command: &mut Command) -> Result<()> {
    command.stdout(Stdio::from(io::stderr()));
    process::run(command, "The message above says why.")
}

fn header() -> String {
    let titles = METRICS.map(|(_, title, _)| format!(" {title} |")).concat();
    let lines = METRICS.map(|_| "---:|").concat();
    format!("| data | |{titles}\n|---|---|{lines}\n")
}

fn rows(name: &str, judged: &Judged) -> String {
    let row = |(who, evaluations): &(&str, Vec<Value>)| {
        let cells = METRICS.map(|(key, _, digits)| {
            let values: Vec<f64> = evaluations
                .iter()
                .filter_map(|of| of[key].as_f64())
                .collect();
            format!(" {} |", mean_and_spread(&values, digits))
        });
        format!("| {name} | {who} |{}\n", cells.concat())
    };
    judged.iter().map(row).collect()
}

/// The mean, and the standard deviation of the values where there are several.
fn mean_and_spread(values: &[f64], digits: usize) -> String {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    match values.len() {
        0 => "–".to_owned(),
        1 => format!("{mean:.digits$}"),
        _ => {
            let squares = values.iter().map(|value| (value - mean).powi(2));
            let spread = (squares.sum::<f64>() / (count - 1.0)).sqrt();
            format!("{mean:.digits$} ± {spread:.digits$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mean_and_spread;

    #[test]
    fn the_spread_is_the_sample_standard_deviation() {
        assert_eq!(mean_and_spread(&[1.0, 3.0], 2), "2.00 ± 1.41");
        assert_eq!(mean_and_spread(&[0.18], 3), "0.180");
        assert_eq!(mean_and_spread(&[], 3), "–");
    }
}
