//! `eval`: judges a model on validation pictures.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::progress;
use crate::checkpoint::write_whole;
use crate::config::DataArgs;
use crate::data::{DataError, Pair};
use crate::device::DeviceChoice;
use crate::export::MANIFEST_FILE;
use crate::metrics::perceptual::Perceptual;
use crate::metrics::{COLUMNS, Column, Evaluation, Metrics};
use crate::picture;
use crate::printable::printable;
use crate::report::{Format, metrics_table};
use crate::translate::load_model;
use crate::validate::{Judged, judge_with, sample_grid};

/// Pairs in the grid of `--grid`.
const GRID_ROWS: usize = 6;

#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Model folder, with a manifest.json, or the folder of a run
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Side of the pictures in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: u32,
    /// Seed of the demo set and of the 80/20 split, as in the training
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Also write a grid of input, output and target of the first pictures
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

/// Judges, and prints a table or JSON.
pub fn run(args: &EvalArgs, format: Format) -> Result<ExitCode> {
    let mut validation = args.data.open(args.seed, false)?.1;
    let chosen = args.device.open()?;
    let (_, translator) = load_model(&model_folder(&args.model), &chosen.device)?;
    args.data.check_fits(&translator)?;
    let fid_weights = args.fid_weights.as_ref();
    let mut perceptual = Perceptual::load(&args.lpips_weights, fid_weights, &chosen.device)?;
    let frame = args
        .data
        .frame(args.size, args.size, translator.size_rule().divisor());
    for problem in validation.drop_unusable(frame)? {
        eprintln!("warning: left out: {}", printable(&problem.to_string()));
    }
    let bar = progress(validation.len());
    let failure = RefCell::new(None);
    let translate = |pair: &Pair| {
        bar.inc(1);
        translator
            .translate_raster(&pair.real_a)
            .unwrap_or_else(|error| {
                failure.replace(Some(error));
                pair.real_a.clone()
            })
    };
    let warn = |error: DataError| {
        let reason = error.to_string();
        bar.suspend(|| eprintln!("warning: left out: {}", printable(&reason)));
    };
    let count = validation.len();
    let rows = judge_with(&validation, frame, count, translate, warn, |shown, row| {
        perceptual.observe(shown, row)
    })?;
    if let Some(path) = &args.grid {
        let grid = sample_grid(&validation, frame, GRID_ROWS, translate);
        picture::write_rgb_png(path, grid)?;
    }
    bar.finish_and_clear();
    if let Some(error) = failure.into_inner() {
        return Err(error.into());
    }
    if let Some(path) = &args.csv {
        write_whole(path, csv(&rows).as_bytes())?;
    }
    let mut evaluation = Evaluation::from_rows(&rows);
    if let Some(warning) = perceptual.finish(&mut evaluation) {
        eprintln!("warning: {warning}");
    }
    match format {
        Format::Json => {
            let mut object = serde_json::to_value(evaluation)?;
            object["rows"] = json!(rows);
            println!("{object}");
        }
        Format::Human | Format::Plain => println!("{}", metrics_table(&evaluation)),
    }
    Ok(ExitCode::SUCCESS)
}

/// A run's exported model stands for the run.
fn model_folder(path: &Path) -> PathBuf {
    let export = path.join("export");
    match !path.join(MANIFEST_FILE).exists() && export.join(MANIFEST_FILE).exists() {
        true => export,
        false => path.to_path_buf(),
    }
}

/// A line for each picture: metrics of the output, then those of the untouched input. Columns of
/// what was measured of no picture are left out, but for those that depend on its size alone.
fn csv(rows: &[Judged]) -> String {
    let measured = |column: &&Column| {
        let of_any = |metrics: fn(&Judged) -> &Metrics| {
            rows.iter().any(|row| column.of(metrics(row)).is_some())
        };
        column.key == "ms_ssim" || of_any(|row| &row.output) || of_any(|row| &row.input)
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(measured).collect();
    let heads = ["output", "input"].map(|of| {
        let names = columns.iter().map(|column| format!("{of}_{}", column.key));
        names.collect::<Vec<_>>().join(",")
    });
    let mut text = format!("name,{}\n", heads.join(","));
    for row in rows {
        let quoted = row.name.replace('"', "\"\"");
        let cells = [&row.output, &row.input].map(|metrics| cells(&columns, metrics));
        let _ = writeln!(text, "\"{quoted}\",{}", cells.join(","));
    }
    text
}

fn cells(columns: &[&Column], metrics: &Metrics) -> String {
    let text = |value: f64| format!("{value:.6}");
    let cells = columns.iter().map(|column| column.of(metrics).map(text));
    let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
    cells.join(",")
}
