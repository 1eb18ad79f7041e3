//! `trainer train`: from words to a run, and what is said when it was stopped.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use model::training::ModelKind;
use serde_json::json;

use super::exit::INTERRUPTED;
use super::stop::stop_flag;
use crate::config::TrainArgs;
use crate::report::Reporter;
use crate::run::{Outcome, RunData, Start};
use crate::run_folder::RunFolder;
use crate::system::console::{self, Format, talk};
use crate::system::memory;

pub(super) fn run(args: &TrainArgs, typed: &[OsString], format: Format) -> Result<ExitCode> {
    if let Some(recipe) = args.recipe.as_deref().and_then(crate::recipes::find) {
        recipe.check_data(&args.data.folders())?;
    }
    let resumed = args.resumed_run()?;
    if resumed.is_none() {
        args.refuse_idle(typed)?;
    }
    let saved = resumed
        .map(|run| RunFolder::open(run).config())
        .transpose()?;
    let (model, images, seed) = match &saved {
        Some(saved) => (saved.model, &saved.data, saved.seed),
        None => (args.model, &args.data, args.seed),
    };
    let (train, validation) = images.open(seed, model == ModelKind::CycleGan)?;
    let data = RunData { train, validation };
    let chosen = args.device.open()?;
    let config = match &saved {
        Some(saved) => args.resumed(saved, data.train.len())?,
        None => args.decide(chosen.is_gpu, data.train.len())?,
    };
    args.device.check_batch(config.batch)?;
    chosen.check_precision(config.precision)?;
    let start = match (resumed, &args.run) {
        (Some(root), _) => Start::Resumed(root.to_path_buf()),
        (None, Some(root)) => Start::New(root.clone()),
        (None, None) => Start::New(free_run_folder(&config.name)),
    };
    memory::keep_blocks();
    let stop = stop_flag("step")?;
    let mut reporter = Reporter::new(format, start.root());
    let outcome = crate::run::train(&config, data, &chosen, &start, &stop, &mut |event| {
        reporter.on(event);
    });
    let outcome = outcome.inspect_err(|error| reporter.failed(error))?;
    Ok(match outcome {
        Outcome::Finished => ExitCode::SUCCESS,
        Outcome::Interrupted => {
            tell_how_to_go_on(args, start.root(), format);
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// Shows the command that goes on with a run, for the same device.
fn tell_how_to_go_on(args: &TrainArgs, run: &Path, format: Format) {
    let mut command = format!(
        "{} train --resume {}",
        console::program(),
        console::shell_word(&run.display().to_string())
    );
    if args.given.contains("device") {
        command += &format!(" --device {}", args.device);
    }
    match format {
        Format::Json => talk!("{}", json!({"event": "interrupted", "go_on": command})),
        Format::Human | Format::Plain => talk!("go on with it:\n  {command}"),
    }
}

/// `runs/NAME`, or the first of `runs/NAME-2`, `runs/NAME-3`… that is not taken.
fn free_run_folder(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let first = runs.join(name);
    if !first.exists() {
        return first;
    }
    let mut numbered = (2u64..).map(|number| runs.join(format!("{name}-{number}")));
    numbered.find(|path| !path.exists()).unwrap_or(first)
}
