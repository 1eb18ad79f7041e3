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
use crate::data::Pair;
use crate::device::DeviceChoice;
use crate::export::MANIFEST_FILE;
use crate::metrics::{Evaluation, Metrics};
use crate::picture;
use crate::report::{Format, metrics_table};
use crate::translate::load_model;
use crate::validate::{Judged, judge, sample_grid};

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
    let frame = args
        .data
        .frame(args.size, args.size, translator.size_rule().divisor());
    for problem in validation.drop_unusable(frame)? {
        eprintln!("warning: left out: {problem}");
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
    let warn = |error| bar.suspend(|| eprintln!("warning: left out: {error}"));
    let rows = judge(&validation, frame, validation.len(), translate, warn);
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
    let evaluation = Evaluation::from_rows(&rows);
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

/// A line for each picture: metrics of the output, then those of the untouched input.
fn csv(rows: &[Judged]) -> String {
    let has_depth = rows.iter().any(|row| row.output.depth.is_some());
    let mut names = vec!["l1", "psnr", "ssim", "ms_ssim"];
    if has_depth {
        names.extend(["mae", "rmse", "abs_rel", "delta1"]);
    }
    let heads = ["output", "input"].map(|of| {
        let columns = names.iter().map(|name| format!("{of}_{name}"));
        columns.collect::<Vec<_>>().join(",")
    });
    let mut text = format!("name,{}\n", heads.join(","));
    for row in rows {
        let quoted = row.name.replace('"', "\"\"");
        let columns = [&row.output, &row.input].map(|metrics| columns(metrics, has_depth));
        let _ = writeln!(text, "\"{quoted}\",{}", columns.join(","));
    }
    text
}

fn columns(metrics: &Metrics, has_depth: bool) -> String {
    let mut values = vec![
        Some(metrics.l1),
        Some(metrics.psnr),
        Some(metrics.ssim),
        metrics.ms_ssim,
    ];
    if has_depth {
        let depth = metrics.depth;
        values.push(depth.map(|depth| depth.mae));
        values.push(depth.map(|depth| depth.rmse));
        values.push(depth.map(|depth| depth.abs_rel));
        values.push(depth.map(|depth| depth.delta1));
    }
    let cells = values
        .iter()
        .map(|value| value.map_or(String::new(), |value| format!("{value:.6}")));
    cells.collect::<Vec<_>>().join(",")
}
