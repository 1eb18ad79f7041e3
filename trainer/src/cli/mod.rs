//! The command line: words to values, values to work, results to output and exit code.

mod eval;
mod fetch;
mod import;
mod inspect;
mod recipes;
mod report;
mod translate;

use std::path::{Path, PathBuf};
use std::process::{Command as Program, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use image::{RgbImage, imageops};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::{Precision, WeightsDtype};
use serde::Serialize;
use serde_json::json;

use crate::bench::{self, Measured, Measurement};
use crate::checkpoint::RunFolder;
use crate::config::args::{PRECISIONS, WEIGHTS};
use crate::config::words::one_of;
use crate::config::{Direction, ModelKind, TrainArgs};
use crate::data::demo::{self, DemoSplit};
use crate::device::{self, DeviceChoice};
use crate::export::{ExportOptions, export_run};
use crate::export_pytorch::export_pytorch;
use crate::picture;
use crate::printable::printable;
use crate::report::{Format, Reporter};
use crate::run::{self, Outcome, RunData, Start};

/// Exit code of a command line that makes no sense; clap's own.
const WRONG_USAGE: u8 = 2;
/// Exit code after an interruption that lost nothing.
const INTERRUPTED: u8 = 130;
const PROGRESS: &str = "{bar:32.cyan/dim} {pos}/{len}  {per_sec}  ETA {eta}";

/// Trains image-to-image translators (pix2pix) and translates pictures with them.
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
    #[arg(long, global = true, default_value = "human")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a translator
    Train(Box<TrainArgs>),
    /// Translate pictures with a model
    Translate(translate::TranslateArgs),
    /// Judge a model on validation pictures: L1, PSNR, SSIM, beside the untouched input
    Eval(eval::EvalArgs),
    /// Write the model folder of a run, for the browser and for `translate`, or a .pth file
    Export(ExportArgs),
    /// Make a model folder of a generator that PyTorch trained
    Import(import::ImportArgs),
    /// Get and make data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// List the recipes: named, complete settings and the data sets they need
    Recipes(recipes::RecipesArgs),
    /// Check a model folder and say what is in it
    Inspect(inspect::InspectModelArgs),
    /// Write the page that shows a run: losses, samples, metrics, what they mean
    Report(report::ReportArgs),
    /// List the devices that can compute
    Devices,
    /// Measure a forward pass, a training step and a checkpoint: time and memory
    Bench(BenchArgs),
}

#[derive(Debug, Args)]
struct ExportArgs {
    /// Folder of a training run; with --to pytorch also a model folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Model folder to write; with --to pytorch the .pth file
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,
    /// For whom
    #[arg(long, default_value = "web")]
    to: ExportTarget,
    /// Which generator of a cyclegan run
    #[arg(long, default_value = "AtoB")]
    direction: Direction,
    /// How to store the weights [default: as the run was configured]
    #[arg(long, value_name = "NAME", value_parser = one_of::<WeightsDtype>(WEIGHTS))]
    weights: Option<WeightsDtype>,
    /// Name of the model [default: that of the run]
    #[arg(long)]
    name: Option<String>,
    /// Name for people [default: the name]
    #[arg(long)]
    title: Option<String>,
    /// Licence of the weights
    #[arg(long)]
    license: Option<String>,
    /// Picture to offer as an example input; may be given several times
    #[arg(long, value_name = "FILE")]
    sample: Vec<PathBuf>,
}

/// Who reads the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportTarget {
    /// The browser and `translate`: a model folder
    Web,
    /// pytorch-CycleGAN-and-pix2pix: a state dict
    Pytorch,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Write façades of the built-in set as combined pictures, label map left, photo right
    Demo(DemoArgs),
    /// Download the public data set of a recipe
    Fetch(fetch::FetchArgs),
    /// Describe a data set, and say what a training would find wrong with it
    Inspect(Box<inspect::InspectDataArgs>),
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// Folder to write; gets `train` and `val` inside
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Pictures to train on; a quarter as many validate
    #[arg(long, value_name = "N", default_value_t = 400)]
    count: u64,
    /// Side of each half in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    /// Seed of the set
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Args)]
struct BenchArgs {
    /// Device: auto, cpu, vulkan, vulkan:INDEX, cuda, cuda:INDEX
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// What is trained: pix2pix's U-Net 256, or CycleGAN's ResNets of 9 blocks
    #[arg(long, default_value = "pix2pix")]
    model: ModelKind,
    /// Feature maps of the outermost layer, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [16u32, 32, 64])]
    base: Vec<u32>,
    /// Height and width of pictures, a multiple of 256, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [bench::SIDE], value_parser = multiple_of_side)]
    size: Vec<u32>,
    /// Pictures per batch, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [1], value_parser = clap::value_parser!(u32).range(1..))]
    batch: Vec<u32>,
    /// What convolutions of the training step compute in
    #[arg(long, default_value = "f32", value_parser = one_of::<Precision>(PRECISIONS))]
    precision: Precision,
    /// Measure forward passes only
    #[arg(long)]
    forward: bool,
    /// Timed repetitions; the median counts
    #[arg(long, default_value_t = 9)]
    repeat: u32,
}

/// A line of `bench`.
#[derive(Serialize)]
struct BenchRow<'a> {
    device: &'a str,
    model: ModelKind,
    base: u32,
    size: u32,
    batch: u32,
    precision: Precision,
    #[serde(flatten)]
    measured: Measured,
}

/// Reads the command line, does the work and says how it went.
pub fn main() -> ExitCode {
    let words = crate::recipes::expand(std::env::args_os().collect());
    let matches = Cli::command().get_matches_from(words);
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let (Some(Command::Train(args)), Some(matches)) =
        (&mut cli.command, matches.subcommand_matches("train"))
    {
        args.note_given(matches);
    }
    let format = cli.format;
    // Without a command: `train` with its defaults, from the same definitions.
    let command = cli
        .command
        .or_else(|| Cli::parse_from(["trainer", "train"]).command);
    let done = match command {
        None => return ExitCode::from(WRONG_USAGE),
        Some(Command::Train(args)) => train(&args, format),
        Some(Command::Translate(args)) => translate::run(&args, format),
        Some(Command::Eval(args)) => eval::run(&args, format),
        Some(Command::Export(args)) => export(&args, format),
        Some(Command::Import(args)) => import::import(&args, format),
        Some(Command::Data(DataCommand::Demo(args))) => data_demo(&args),
        Some(Command::Data(DataCommand::Fetch(args))) => fetch::run(&args, format),
        Some(Command::Data(DataCommand::Inspect(args))) => inspect::data(&args, format),
        Some(Command::Inspect(args)) => inspect::model(&args, format),
        Some(Command::Recipes(args)) => recipes::run(&args, format),
        Some(Command::Report(args)) => report::run(&args, format),
        Some(Command::Devices) => devices(format),
        Some(Command::Bench(args)) => bench(&args),
    };
    done.unwrap_or_else(|error| {
        match format {
            Format::Json => eprintln!(
                "{}",
                json!({"event": "error", "message": error.to_string()})
            ),
            Format::Human | Format::Plain => eprintln!("error: {}", printable(&error.to_string())),
        }
        ExitCode::FAILURE
    })
}

fn train(args: &TrainArgs, format: Format) -> Result<ExitCode> {
    if let Some(recipe) = args.recipe.as_deref().and_then(crate::recipes::find) {
        recipe.check_data(&args.data)?;
    }
    let resumed = args.resumed_run()?;
    let saved = resumed
        .map(|run| RunFolder::open(run).config())
        .transpose()?;
    let (model, pictures, seed) = match &saved {
        Some(saved) => (saved.model, &saved.data, saved.seed),
        None => (args.model, &args.data, args.seed),
    };
    let (train, validation) = pictures.open(seed, model == ModelKind::CycleGan)?;
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
    let stop = stop_flag()?;
    let mut reporter = Reporter::new(format, start.root());
    let outcome = run::train(&config, data, &chosen, &start, &stop, &mut |event| {
        reporter.on(event);
    });
    let outcome = outcome.inspect_err(|error| reporter.failed(error))?;
    Ok(match outcome {
        Outcome::Finished => ExitCode::SUCCESS,
        Outcome::Interrupted => ExitCode::from(INTERRUPTED),
    })
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

/// The first Ctrl-C asks for a stop, the second one stops at once.
fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("stopping after this step; press Ctrl-C again to stop at once");
    })
    .map_err(|error| anyhow!("cannot listen for Ctrl-C ({error})"))?;
    Ok(stop)
}

fn progress(length: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(PROGRESS);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

fn export(args: &ExportArgs, format: Format) -> Result<ExitCode> {
    if args.to == ExportTarget::Pytorch {
        return export_state_dict(args, format);
    }
    let options = ExportOptions {
        direction: args.direction,
        weights: args.weights,
        name: args.name.clone(),
        title: args.title.clone(),
        license: args.license.clone(),
        samples: args.sample.clone(),
    };
    let manifest = export_run(&args.run, &options, &args.output)?;
    let bytes: u64 = manifest.weights.iter().map(|file| file.bytes).sum();
    match format {
        Format::Json => println!("{}", json!({"model": args.output, "weights_bytes": bytes})),
        Format::Human | Format::Plain => println!(
            "{}  ({} of weights)",
            args.output.display(),
            indicatif::HumanBytes(bytes)
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn export_state_dict(args: &ExportArgs, format: Format) -> Result<ExitCode> {
    let for_web = [
        ("--weights", args.weights.is_some()),
        ("--name", args.name.is_some()),
        ("--title", args.title.is_some()),
        ("--license", args.license.is_some()),
        ("--sample", !args.sample.is_empty()),
    ];
    if let Some((flag, _)) = for_web.into_iter().find(|(_, given)| *given) {
        eprintln!("error: {flag}: a .pth file has no place for it; leave it out or use --to web");
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    let options = export_pytorch(&args.run, args.direction, &args.output)?;
    match format {
        Format::Json => println!("{}", json!({"file": args.output, "options": options})),
        Format::Human | Format::Plain => println!("{}  ({options})", args.output.display()),
    }
    Ok(ExitCode::SUCCESS)
}

fn data_demo(args: &DemoArgs) -> Result<ExitCode> {
    let parts = [
        ("train", DemoSplit::Train, args.count),
        ("val", DemoSplit::Val, args.count.div_ceil(4)),
    ];
    let bar = progress(parts.iter().map(|(_, _, count)| *count as usize).sum());
    for (name, split, count) in parts {
        let folder = args.folder.join(name);
        std::fs::create_dir_all(&folder)
            .map_err(|error| anyhow!("{}: cannot be made ({error})", folder.display()))?;
        for index in 0..count {
            let facade = demo::facade(args.seed, split, index, args.size);
            let mut combined = RgbImage::new(2 * args.size, args.size);
            imageops::replace(&mut combined, &facade.label, 0, 0);
            imageops::replace(&mut combined, &facade.photo, i64::from(args.size), 0);
            picture::write_rgb_png(&folder.join(format!("{index:04}.png")), combined)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    println!("{}", args.folder.display());
    Ok(ExitCode::SUCCESS)
}

fn devices(format: Format) -> Result<ExitCode> {
    for listed in device::list() {
        match format {
            Format::Json => println!("{}", serde_json::to_string(&listed)?),
            Format::Human | Format::Plain => {
                let auto = if listed.auto { "  <- auto" } else { "" };
                println!(
                    "{:<12} {:<9} {}{auto}",
                    listed.device, listed.kind, listed.name
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn bench(args: &BenchArgs) -> Result<ExitCode> {
    if let ([base], [size], [batch]) = (&args.base[..], &args.size[..], &args.batch[..]) {
        let chosen = args.device.open()?;
        chosen.check_precision(args.precision)?;
        let what = Measurement {
            model: args.model,
            base: *base,
            size: *size,
            batch: *batch,
            repeat: args.repeat,
            precision: args.precision,
            only_forward: args.forward,
        };
        let row = BenchRow {
            device: &chosen.name,
            model: args.model,
            base: *base,
            size: *size,
            batch: *batch,
            precision: args.precision,
            measured: bench::measure(&chosen.device, what)?,
        };
        println!("{}", serde_json::to_string(&row)?);
        return Ok(ExitCode::SUCCESS);
    }
    // A process for each, so that none is charged for the memory of those before.
    for base in &args.base {
        for size in &args.size {
            for batch in &args.batch {
                let mut row = Program::new(std::env::current_exe()?);
                row.arg("bench")
                    .arg(format!("--device={}", args.device))
                    .arg(format!("--model={}", args.model.name()))
                    .arg(format!("--base={base}"))
                    .arg(format!("--size={size}"))
                    .arg(format!("--batch={batch}"))
                    .arg(format!("--repeat={}", args.repeat))
                    .arg(format!("--precision={}", args.precision.name()))
                    .args(args.forward.then_some("--forward"));
                if !row.status()?.success() {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn multiple_of_side(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(size) if size > 0 && size.is_multiple_of(bench::SIDE) => Ok(size),
        _ => Err(format!("must be a multiple of {}", bench::SIDE)),
    }
}
