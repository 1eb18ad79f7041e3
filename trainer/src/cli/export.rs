//! `trainer export`: the model folder of a run, or its generator for PyTorch or as ONNX.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use indicatif::HumanBytes;
use model::WeightsDtype;
use serde_json::json;

use crate::config::idle::{Acts, refuse_idle};
use crate::config::names::WEIGHTS;
use crate::config::words::one_of;
use crate::convert::export::{ExportOptions, Naming, export_run};
use crate::convert::export_pytorch::export_pytorch;
use crate::convert::model_folder::MANIFEST_FILE;
use crate::convert::onnx::{OnnxOptions, OnnxPrecision, OnnxSize, export_onnx};
use crate::data::direction::Direction;
use crate::system::console::{Format, print_either};

/// A model folder has one generator; single files have no place for all of the rest.
const RULES: &[Acts<ExportArgs>] = &[
    Acts {
        flag: "direction",
        needs: "the folder of a run",
        when: |args| !args.run.join(MANIFEST_FILE).exists(),
    },
    for_web("weights"),
    for_web("draw"),
    for_web("sample"),
    named("name"),
    named("title"),
    named("license"),
    for_onnx("precision"),
    for_onnx("size"),
];

const fn for_web(flag: &'static str) -> Acts<ExportArgs> {
    Acts {
        flag,
        needs: "--to web, for no other file has a place for it",
        when: |args| args.to == ExportTarget::Web,
    }
}

const fn named(flag: &'static str) -> Acts<ExportArgs> {
    Acts {
        flag,
        needs: "--to web or --to onnx, for a .pth file has no place for it",
        when: |args| args.to != ExportTarget::Pytorch,
    }
}

const fn for_onnx(flag: &'static str) -> Acts<ExportArgs> {
    Acts {
        flag,
        needs: "--to onnx, for other files say nothing of it",
        when: |args| args.to == ExportTarget::Onnx,
    }
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Folder of a training run; with --to pytorch and --to onnx also a model folder
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Model folder to write; with --to pytorch the .pth file, with --to onnx the .onnx file
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,
    /// For whom
    #[arg(long, default_value = "web")]
    to: ExportTarget,
    /// Which generator of a cyclegan run [default: that of the run's own direction]
    #[arg(long)]
    direction: Option<Direction>,
    /// How to store the weights [default: as the run was configured]
    #[arg(long, value_name = "NAME", value_parser = one_of::<WeightsDtype>(WEIGHTS))]
    weights: Option<WeightsDtype>,
    #[command(flatten)]
    naming: Naming,
    /// The page offers a drawing board: black lines on white
    #[arg(long)]
    draw: bool,
    /// Image to offer as an example input; may be given several times
    #[arg(long, value_name = "FILE")]
    sample: Vec<PathBuf>,
    /// With --to onnx, what convolutions compute in and how their weights are stored
    #[arg(long, default_value = "f32")]
    precision: OnnxPrecision,
    /// With --to onnx, height and width of the images: a number of pixels, or dynamic for all that
    /// the network takes
    #[arg(long, value_name = "N|dynamic", default_value = "dynamic")]
    size: OnnxSize,
}

/// Who reads the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportTarget {
    /// The browser and `translate`: a model folder
    Web,
    /// pytorch-CycleGAN-and-pix2pix: a state dict
    Pytorch,
    /// ONNX Runtime and whatever else reads an .onnx file, of opset 17
    Onnx,
}

pub(super) fn run(args: &ExportArgs, given: &BTreeSet<String>, format: Format) -> Result<ExitCode> {
    refuse_idle(args, given, RULES)?;
    match args.to {
        ExportTarget::Web => export_model_folder(args, format),
        ExportTarget::Pytorch => export_state_dict(args, format),
        ExportTarget::Onnx => export_graph(args, format),
    }
}

fn export_model_folder(args: &ExportArgs, format: Format) -> Result<ExitCode> {
    let options = ExportOptions {
        direction: args.direction,
        weights: args.weights,
        naming: args.naming.clone(),
        draw: args.draw,
        samples: args.sample.clone(),
    };
    let manifest = export_run(&args.run, &options, &args.output)?;
    let bytes: u64 = manifest.weights.iter().map(|file| file.bytes).sum();
    let result = json!({"model": args.output, "weights_bytes": bytes});
    let (output, bytes) = (args.output.display(), HumanBytes(bytes));
    print_either(format, &result, format!("{output}  ({bytes} of weights)"))?;
    Ok(ExitCode::SUCCESS)
}

fn export_state_dict(args: &ExportArgs, format: Format) -> Result<ExitCode> {
    let options = export_pytorch(&args.run, args.direction, &args.output)?;
    let result = json!({"file": args.output, "options": options});
    let words = format!("{}  ({options})", args.output.display());
    print_either(format, &result, words)?;
    Ok(ExitCode::SUCCESS)
}

fn export_graph(args: &ExportArgs, format: Format) -> Result<ExitCode> {
    let options = OnnxOptions {
        precision: args.precision,
        size: args.size,
    };
    let bytes = export_onnx(
        &args.run,
        args.direction,
        &args.naming,
        &options,
        &args.output,
    )?;
    let result = json!({"file": args.output, "bytes": bytes});
    let words = format!("{}  ({})", args.output.display(), HumanBytes(bytes));
    print_either(format, &result, words)?;
    Ok(ExitCode::SUCCESS)
}
