//! `trainer report`: the page of a run, made again from its folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::console::print_result;
use crate::report::{Format, write_report};

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
    match format {
        Format::Json => print_result!("{}", json!({"report": path}))?,
        Format::Human | Format::Plain => print_result!("{}", path.display())?,
    }
    Ok(ExitCode::SUCCESS)
}
