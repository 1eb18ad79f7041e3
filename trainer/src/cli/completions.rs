//! `trainer completions` and `trainer man`: what shells and `man` read.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

use crate::system::console::print_result;
use crate::system::files::make_folder;

/// Prints what a shell completes this program's words with, such as
/// `trainer completions bash > ~/.local/share/bash-completion/completions/trainer`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    print_result!("{}", String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Folder for a page for each command
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn man(args: &ManArgs, command: Command) -> Result<ExitCode> {
    make_folder(&args.folder)?;
    let written = clap_mangen::generate_to(command, &args.folder);
    written.with_context(|| {
        let folder = args.folder.display();
        format!("{folder}: manual pages cannot be written; check space and permissions")
    })?;
    print_result!("{}", args.folder.display())?;
    Ok(ExitCode::SUCCESS)
}
