//! `trainer report`: the page of a run, made again from its folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::report::write_report;
use crate::system::console::{Format, print_either};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of a training run, also of one that goes on
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Page to write [default: report.html in the run folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &ReportArgs, format: Format) -> Result<ExitCode> {
    let path = write_report(&args.run, args.output.as_deref())?;
    print_either(format, &json!({"report": path}), path.display())?;
    Ok(ExitCode::SUCCESS)
}
