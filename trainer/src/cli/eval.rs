//! `eval`: judges a model on pictures that it did not learn from. What is not said on the command
//! line is as in the training.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Error, Result, anyhow};
use clap::Args;
use model::{Raster, Translator};
use serde_json::json;

use super::{progress, warning};
use crate::checkpoint::write_whole;
use crate::config::idle::{self, Acts, refuse_idle};
use crate::config::{DataArgs, Direction};
use crate::console::{counted, print_result};
use crate::data::{Frame, Pair, PairSource};
use crate::device::DeviceChoice;
use crate::evaluation::{Judging, JudgingError, NamedSettings};
use crate::metrics::cycle::{CycleEvaluation, CycleRow, judge_cycles};
use crate::metrics::perceptual::Perceptual;
use crate::metrics::{COLUMNS, Column, Evaluation, Metrics};
use crate::picture;
use crate::report::{Format, metrics_table, rows_table};
use crate::translate::load_model;
use crate::validate::{Judged, cycle_grid, judge_with, sample_grid};

/// Pairs in the grid of `--grid`.
const GRID_ROWS: usize = 6;

const EXAMPLES: &str = "\
Examples:
  trainer eval --model runs/demo                              the run's own validation pictures
  trainer eval --model runs/maps --data maps/test --all       every picture of a folder
  trainer eval --model models/sharper --photos photos --csv rows.csv";

/// Judges a model: L1, PSNR and SSIM of its outputs, with those of the untouched inputs beside
/// them; of CycleGAN the cycle and identity losses. The pictures are those that validate in the
/// model's run, unless others are named. Direction, channels, task and size are those of the
/// training, unless said otherwise.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// Model folder, with a manifest.json, or the folder of a run
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Judge on every picture of the set, also on those that train
    #[arg(long)]
    all: bool,
    /// Side of the pictures in pixels [default: as in the run's validation, or 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: Option<u32>,
    /// Seed of the demo set and of the 80/20 split [default: as in the run, or 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Also write a grid of input, output and target of some pictures
    #[arg(long, value_name = "FILE")]
    grid: Option<PathBuf>,
    /// Also write the metrics of each picture, as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also judge by LPIPS, with these weights: the state dict of lpips.LPIPS(net='alex'), or
    /// torchvision's AlexNet and v0.1/alex.pth of the Python package lpips
    #[arg(long, value_name = "FILE", num_args = 1..=2)]
    lpips_weights: Vec<PathBuf>,
    /// Also judge the whole set by FID, with these weights: pytorch-fid's
    /// pt_inception-2015-12-05-6726825d.pth
    #[arg(long, value_name = "FILE")]
    fid_weights: Option<PathBuf>,
    /// Device: auto, cpu, vulkan, vulkan:INDEX, cuda, cuda:INDEX
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

/// What needs a target for each input.
const PAIRED: &[Acts<bool>] = &[for_pairs("lpips_weights"), for_pairs("fid_weights")];

const fn for_pairs(flag: &'static str) -> Acts<bool> {
    Acts {
        flag,
        needs: "pairs: sets without them are judged by cycle and identity losses",
        when: |is_paired| *is_paired,
    }
}

/// Judges, and prints a table or JSON.
pub fn run(args: &EvalArgs, given: &BTreeSet<String>, format: Format) -> Result<ExitCode> {
    let named = NamedSettings {
        data: &args.data,
        given,
        size: args.size,
        seed: args.seed,
    };
    let judging = Judging::decide(&args.model, &named).map_err(|error| match error {
        JudgingError::NoPictures(missing) => Error::new(missing),
        other => Error::new(other),
    })?;
    refuse_idle(&judging.data, given, idle::DATA)?;
    refuse_idle(&!judging.is_unpaired, given, PAIRED)?;
    if let Some(path) = &args.grid {
        picture::output_format(path)?;
    }
    let (train, validation) = judging.data.open(judging.seed, judging.is_unpaired)?;
    let set = Set::of(args.all, train, validation, &judging.data)?;
    match judging.is_unpaired {
        true => judge_without_pairs(args, &judging, set, format),
        false => judge_pairs(args, &judging, set, format),
    }
}

/// The pictures that are judged on, and how they are told.
struct Set {
    source: PairSource,
    /// What one of them is called.
    noun: &'static str,
    /// Of what they are, in words.
    of: String,
}

impl Set {
    fn of(all: bool, train: PairSource, validation: PairSource, data: &DataArgs) -> Result<Self> {
        let described = data.described();
        if all {
            let joined = PairSource::joined(train, validation);
            let source = joined.ok_or_else(|| {
                anyhow!("--all: the drawn set has no end; name pictures with --data or --photos")
            })?;
            return Ok(Self {
                source,
                noun: "picture",
                of: format!(", all of {described}"),
            });
        }
        let others = match data.is_demo() {
            true => String::new(),
            false => format!("; --all judges the other {} too", train.len()),
        };
        Ok(Self {
            source: validation,
            noun: "validation picture",
            of: format!(" of {described}{others}"),
        })
    }

    /// Leaves out what cannot be used, and says so.
    fn drop_unusable(&mut self, frame: Frame, format: Format) -> Result<()> {
        for problem in self.source.drop_unusable(frame)? {
            warning(format, &format!("left out: {problem}"));
        }
        Ok(())
    }
}

fn judge_pairs(
    args: &EvalArgs,
    judging: &Judging,
    mut set: Set,
    format: Format,
) -> Result<ExitCode> {
    let chosen = args.device.open()?;
    let (_, translator) = load_model(&judging.model, &chosen.device)?;
    judging.data.check_fits(&translator)?;
    let fid_weights = args.fid_weights.as_ref();
    let mut perceptual = Perceptual::load(&args.lpips_weights, fid_weights, &chosen.device)?;
    let frame = judging.frame(translator.size_rule().divisor());
    set.drop_unusable(frame, format)?;
    let count = set.source.len();
    let bar = progress(count, format);
    let failure = RefCell::new(None);
    let translate = |pair: &Pair| {
        bar.inc(1);
        translated(&translator, &pair.real_a, &failure)
    };
    let warn = |error| warning(format, &format!("left out: {error}"));
    let rows = judge_with(&set.source, frame, count, translate, warn, |shown, row| {
        perceptual.observe(shown, row)
    })?;
    if let Some(path) = &args.grid {
        picture::write_rgb(path, sample_grid(&set.source, frame, GRID_ROWS, translate))?;
    }
    bar.finish_and_clear();
    if let Some(error) = failure.into_inner() {
        return Err(error.into());
    }
    if let Some(path) = &args.csv {
        write_whole(path, csv(&rows).as_bytes())?;
    }
    let mut evaluation = Evaluation::from_rows(&rows);
    if let Some(message) = perceptual.finish(&mut evaluation) {
        warning(format, &message);
    }
    match format {
        Format::Json => {
            let mut object = serde_json::to_value(evaluation)?;
            object["rows"] = json!(rows);
            object["set"] = json!({"data": judging.data, "all": args.all, "seed": judging.seed});
            print_result!("{object}")?;
        }
        Format::Human | Format::Plain => {
            print_result!("{}", metrics_table(&evaluation, set.noun, &set.of))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn judge_without_pairs(
    args: &EvalArgs,
    judging: &Judging,
    mut set: Set,
    format: Format,
) -> Result<ExitCode> {
    let chosen = args.device.open()?;
    let (there, back) = judging.both_ways()?;
    let (_, there) = load_model(&there, &chosen.device)?;
    let (_, back) = load_model(&back, &chosen.device)?;
    judging.data.check_fits(&there)?;
    let frame = judging.frame(there.size_rule().divisor());
    set.drop_unusable(frame, format)?;
    let bar = progress(set.source.len(), format);
    let failure = RefCell::new(None);
    let translate = |direction, picture: &Raster| match direction {
        Direction::AtoB => translated(&there, picture, &failure),
        Direction::BtoA => translated(&back, picture, &failure),
    };
    let warn = |error| warning(format, &format!("left out: {error}"));
    let rows = judge_cycles(&set.source, frame, translate, warn);
    if let Some(path) = &args.grid {
        picture::write_rgb(path, cycle_grid(&set.source, frame, GRID_ROWS, translate))?;
    }
    bar.finish_and_clear();
    if let Some(error) = failure.into_inner() {
        return Err(error.into());
    }
    if let Some(path) = &args.csv {
        write_whole(path, cycle_csv(&rows).as_bytes())?;
    }
    let evaluation = CycleEvaluation::from_rows(&rows);
    match format {
        Format::Json => {
            let mut object = serde_json::to_value(evaluation)?;
            object["rows"] = json!(rows);
            object["set"] = json!({"data": judging.data, "all": args.all, "seed": judging.seed});
            print_result!("{object}")?;
        }
        Format::Human | Format::Plain => {
            // "of A and 2 of B of reds" would be one too many.
            let of = set.of.strip_prefix(" of ");
            let caption = format!(
                "{} of A and {} of B{}",
                counted(evaluation.count_a, set.noun),
                evaluation.count_b,
                of.map_or(set.of.clone(), |of| format!(" in {of}"))
            );
            print_result!("{}", rows_table(&evaluation.rows(), &caption))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What becomes of a picture; it comes back as it is where that fails, and the failure is kept.
fn translated(
    translator: &Translator,
    picture: &Raster,
    failure: &RefCell<Option<model::TranslateError>>,
) -> Raster {
    let made = translator.translate_raster(picture);
    made.unwrap_or_else(|error| {
        failure.replace(Some(error));
        picture.clone()
    })
}

/// A line for each picture: metrics of the output, then those of the untouched input.
fn csv(rows: &[Judged]) -> String {
    let columns = measured(rows.iter().flat_map(|row| [&row.output, &row.input]));
    let mut text = format!(
        "name,{},{}\n",
        heads(&columns, "output"),
        heads(&columns, "input")
    );
    for row in rows {
        let (output, input) = (cells(&columns, &row.output), cells(&columns, &row.input));
        let _ = writeln!(text, "{},{output},{input}", quoted(&row.name));
    }
    text
}

/// A line for each picture: its side, there and back, and through the other generator.
fn cycle_csv(rows: &[CycleRow]) -> String {
    let columns = measured(rows.iter().map(|row| &row.cycle));
    let mut text = format!(
        "side,name,{},{}\n",
        heads(&columns, "cycle"),
        heads(&columns, "idt")
    );
    for row in rows {
        let idt = row.idt.as_ref();
        let idt = idt.map_or(",".repeat(columns.len().saturating_sub(1)), |metrics| {
            cells(&columns, metrics)
        });
        let cycle = cells(&columns, &row.cycle);
        let _ = writeln!(text, "{},{},{cycle},{idt}", row.side, quoted(&row.name));
    }
    text
}

/// Columns of what was measured of any picture, and of what depends on its size alone.
fn measured<'a>(metrics: impl Iterator<Item = &'a Metrics> + Clone) -> Vec<&'static Column> {
    let measured = |column: &&Column| {
        column.key == "ms_ssim" || metrics.clone().any(|metrics| column.of(metrics).is_some())
    };
    COLUMNS.iter().filter(measured).collect()
}

fn heads(columns: &[&Column], of: &str) -> String {
    let names = columns.iter().map(|column| format!("{of}_{}", column.key));
    names.collect::<Vec<_>>().join(",")
}

fn cells(columns: &[&Column], metrics: &Metrics) -> String {
    let text = |value: f64| format!("{value:.6}");
    let cells = columns.iter().map(|column| column.of(metrics).map(text));
    let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
    cells.join(",")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
