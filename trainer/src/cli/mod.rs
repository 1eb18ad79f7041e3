//! The command line: words to values, values to work, results to output and exit code.

mod bench;
mod completions;
mod demo;
mod devices;
mod eval;
mod exit;
mod export;
mod fetch;
mod import;
mod inspect;
mod judging;
mod recipes;
mod report;
mod samples;
mod serve;
mod stop;
mod train;
mod translate;
mod version;

use std::process::ExitCode;

use anyhow::Error;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::json;

use crate::config::TrainArgs;
use crate::config::idle::{self, IdleFlag, MissingFlag};
use crate::system::console::{self, Format, ResultError, notice};
use crate::system::device;
use exit::{NO_READER, WRONG_USAGE};
use version::long_version;

/// Where flags of all commands stand in their help.
const LAST: usize = 900;

/// Trains image-to-image translators (pix2pix) and translates images with them.
///
/// Without a command it trains on façades that it draws itself, on the best device found.
#[derive(Debug, Parser)]
#[command(
    name = "trainer",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// How to report
    #[arg(long, global = true, default_value = "human", display_order = LAST)]
    format: Format,
    /// Tell only results, warnings and errors
    #[arg(long, short, global = true, display_order = LAST)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a translator
    Train(Box<TrainArgs>),
    /// Translate images with a model
    Translate(translate::TranslateArgs),
    /// Judge a model on validation images: L1, PSNR, SSIM, beside the untouched input
    Eval(eval::EvalArgs),
    /// Write the model folder of a run, for the browser and for `translate`, or a .pth file
    Export(export::ExportArgs),
    /// Make a model folder of a generator that PyTorch or TensorFlow trained
    Import(import::ImportArgs),
    /// Open a model in the browser of this machine
    Serve(serve::ServeArgs),
    /// Get and make data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// List the recipes: named, complete settings and the data sets they need
    Recipes(recipes::RecipesArgs),
    /// Check a model folder and say what is in it
    Inspect(inspect::InspectModelArgs),
    /// Write the page that shows a run: losses, samples, metrics, what they mean
    Report(report::ReportArgs),
    /// List the devices that can compute, or check one
    Devices(devices::DevicesArgs),
    /// Measure a forward pass, a training step and a checkpoint: time and memory
    Bench(bench::BenchArgs),
    /// Print what a shell completes this program's words with
    Completions(completions::CompletionsArgs),
    /// Write a manual page for each command
    #[command(hide = true)]
    Man(completions::ManArgs),
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Write façades of the built-in set as combined images, label map left, photo right
    Demo(demo::DemoArgs),
    /// Download the public data set of a recipe
    Fetch(fetch::FetchArgs),
    /// Describe a data set, and say what a training would find wrong with it
    Inspect(Box<inspect::InspectDataArgs>),
    /// Write what a run learns from, sample by sample, as combined images
    Samples(samples::SamplesArgs),
}

/// Reads the command line, does the work and says how it went. `commit` is that of the sources, if it
/// is known.
pub fn main(commit: Option<&'static str>) -> ExitCode {
    device::hush_display_probes();
    let typed: Vec<_> = std::env::args_os().collect();
    let words = crate::recipes::expand(typed.clone());
    let described = || Cli::command().long_version(long_version(commit));
    let matches = described().get_matches_from(words);
    let given = idle::given(of_subcommand(&matches));
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let format = cli.format;
    if cli.quiet {
        console::be_quiet();
    }
    // Without a command: `train` with its defaults, from the same definitions.
    let command = cli
        .command
        .or_else(|| Cli::parse_from(["trainer", "train"]).command);
    let done = match command {
        None => return ExitCode::from(WRONG_USAGE),
        Some(Command::Train(mut args)) => {
            args.given = given;
            train::run(&args, &typed, format)
        }
        Some(Command::Translate(args)) => translate::run(&args, format),
        Some(Command::Eval(args)) => eval::run(&args, &given, format),
        Some(Command::Export(args)) => export::run(&args, &given, format),
        Some(Command::Import(args)) => import::import(&args, &given, format),
        Some(Command::Data(DataCommand::Demo(args))) => demo::run(&args, format),
        Some(Command::Data(DataCommand::Fetch(args))) => fetch::run(&args, format),
        Some(Command::Data(DataCommand::Inspect(args))) => inspect::data(&args, &given, format),
        Some(Command::Data(DataCommand::Samples(args))) => samples::run(&args, format),
        Some(Command::Inspect(args)) => inspect::model(&args, format),
        Some(Command::Recipes(args)) => recipes::run(&args, format),
        Some(Command::Report(args)) => report::run(&args, format),
        Some(Command::Devices(args)) => devices::run(&args, format),
        Some(Command::Bench(args)) => bench::run(&args, &given),
        Some(Command::Serve(args)) => serve::run(&args, format),
        Some(Command::Completions(args)) => completions::completions(&args, described()),
        Some(Command::Man(args)) => completions::man(&args, described()),
    };
    done.unwrap_or_else(|error| failed(&error, format))
}

/// The words of the innermost subcommand.
fn of_subcommand(matches: &ArgMatches) -> &ArgMatches {
    match matches.subcommand() {
        Some((_, inner)) => of_subcommand(inner),
        None => matches,
    }
}

/// Tells why the work ended, and gives the exit code.
fn failed(error: &Error, format: Format) -> ExitCode {
    let closed = error.downcast_ref::<ResultError>();
    if closed.is_some_and(ResultError::has_no_reader) {
        return ExitCode::from(NO_READER);
    }
    match format {
        Format::Json => notice!(
            "{}",
            json!({"event": "error", "message": error.to_string()})
        ),
        Format::Human | Format::Plain => notice!("error: {error}"),
    }
    match error.is::<IdleFlag>() || error.is::<MissingFlag>() {
        true => ExitCode::from(WRONG_USAGE),
        false => ExitCode::FAILURE,
    }
}
