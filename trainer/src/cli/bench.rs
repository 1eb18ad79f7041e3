//! `trainer bench`: a row of JSON for each width, size and batch.

use std::collections::BTreeSet;
use std::process::{Command as Program, ExitCode};

use anyhow::Result;
use clap::Args;
use model::Precision;
use model::training::ModelKind;
use serde::Serialize;

use crate::bench::{self, Measured, Measurement};
use crate::config::idle::{Acts, refuse_idle};
use crate::config::names::{MODELS, PRECISIONS};
use crate::config::words::{at_least_one, one_of, one_of_explained};
use crate::system::console::print_result;
use crate::system::device::DeviceChoice;

const NEEDS_STEPS: &str = "training steps, which --forward leaves out";
const RULES: &[Acts<BenchArgs>] = &[
    Acts {
        flag: "precision",
        needs: NEEDS_STEPS,
        when: |args| !args.forward,
    },
    Acts {
        flag: "no-checkpoints",
        needs: NEEDS_STEPS,
        when: |args| !args.forward,
    },
];

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Device: auto, cpu, gpu, vulkan, metal, dx12 or cuda; a GPU also with its index, such as gpu:1
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// What is trained: pix2pix's U-Net 256, or CycleGAN's ResNets of 9 blocks
    #[arg(long, default_value = "pix2pix", value_parser = one_of_explained::<ModelKind>(MODELS))]
    model: ModelKind,
    /// Feature maps of the outermost layer, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [16u32, 32, 64])]
    base: Vec<u32>,
    /// Height and width of images, a multiple of 256, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [bench::SIDE], value_parser = multiple_of_side)]
    size: Vec<u32>,
    /// Images per batch, several with commas
    #[arg(long, value_delimiter = ',', default_values_t = [1], value_parser = at_least_one::<u32>)]
    batch: Vec<u32>,
    /// What convolutions of the training step compute in
    #[arg(long, default_value = "f32", value_parser = one_of::<Precision>(PRECISIONS))]
    precision: Precision,
    /// Measure forward passes only
    #[arg(long)]
    forward: bool,
    /// Leave out checkpoints, which are large
    #[arg(long)]
    no_checkpoints: bool,
    /// A GPU's shader for every layer that it can do [default: the fastest of each]
    #[arg(long, value_name = "NAME", value_parser = KERNELS)]
    kernel: Option<String>,
    /// Timed repetitions; the median counts
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = at_least_one::<u32>)]
    repeat: u32,
}

const KERNELS: [&str; 5] = ["direct", "split", "tiled-64", "tiled-32", "grouped"];

/// A line of `bench`.
#[derive(Serialize)]
struct BenchRow<'a> {
    device: &'a str,
    model: ModelKind,
    base: u32,
    size: u32,
    batch: u32,
    precision: Precision,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<&'a str>,
    #[serde(flatten)]
    measured: Measured,
}

/// A row for each width, size and batch.
pub(super) fn run(args: &BenchArgs, given: &BTreeSet<String>) -> Result<ExitCode> {
    refuse_idle(args, given, RULES)?;
    if let ([base], [size], [batch]) = (&args.base[..], &args.size[..], &args.batch[..]) {
        let engine = args.device.open_engine()?.tuned(args.kernel.as_deref())?;
        let chosen = (!args.forward).then(|| args.device.open()).transpose()?;
        if let Some(chosen) = &chosen {
            chosen.check_precision(args.precision)?;
        }
        let what = Measurement {
            model: args.model,
            base: *base,
            size: *size,
            batch: *batch,
            repeat: args.repeat,
            precision: args.precision,
            with_checkpoints: !args.no_checkpoints,
        };
        let device = chosen.as_ref().map(|chosen| &chosen.device);
        let row = BenchRow {
            device: &engine.name,
            model: args.model,
            base: *base,
            size: *size,
            batch: *batch,
            precision: args.precision,
            kernel: args.kernel.as_deref(),
            measured: bench::measure(&engine.engine, device, what)?,
        };
        print_result!("{}", serde_json::to_string(&row)?)?;
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
                    .args(
                        args.kernel
                            .iter()
                            .map(|kernel| format!("--kernel={kernel}")),
                    )
                    .args(args.no_checkpoints.then_some("--no-checkpoints"))
                    .arg(match args.forward {
                        true => "--forward".to_string(),
                        false => format!("--precision={}", args.precision.name()),
                    });
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
