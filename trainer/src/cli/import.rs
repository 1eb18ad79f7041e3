//! `trainer import`: its words, and what it says when it is done.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use model::manifest::InputMode;
use model::{GeneratorArch, NormKind, NormStats, WeightsDtype};
use serde_json::json;

use crate::config::idle::{Acts, refuse_idle};
use crate::config::names::{NET_G, NORM_STATS, NORMS, WEIGHTS};
use crate::config::words::one_of;
use crate::convert::export::Naming;
use crate::convert::import::{ImportOptions, import_checkpoint};
use crate::convert::onnx::read::is_onnx;
use crate::convert::pict::is_pict;
use crate::pytorch::{Given, reference_options};
use crate::system::console::{Format, print_either};

/// Reads a generator that pytorch-CycleGAN-and-pix2pix trained, such as latest_net_G.pth, a
/// safetensors file with the same names, an .onnx file of such a generator, or a .pict file of
/// pix2pix-tensorflow's web demo. Nothing in the file is executed. The network is found from the
/// names and shapes of its tensors, in an .onnx file from its graph.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// State dict saved with torch.save, safetensors, .onnx or .pict
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Model folder to write
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Generator [default: found from the file]
    #[arg(long, value_name = "NAME", value_parser = one_of::<GeneratorArch>(NET_G))]
    net_g: Option<GeneratorArch>,
    /// Normalisation [default: found from the file]
    #[arg(long, value_name = "NAME", value_parser = one_of::<NormKind>(NORMS))]
    norm: Option<NormKind>,
    /// Which network, in a file that holds several, such as netG_A
    #[arg(long, value_name = "NAME")]
    part: Option<String>,
    /// Statistics of batch norms when translating. The reference's test.py uses those of the
    /// image at hand, unless called with --eval. It also leaves dropout on then; here it is off
    #[arg(long, value_name = "NAME", default_value = "batch",
        value_parser = one_of::<NormStats>(NORM_STATS))]
    norm_stats: NormStats,
    /// How to store the weights
    #[arg(long, value_name = "NAME", default_value = "f16",
        value_parser = one_of::<WeightsDtype>(WEIGHTS))]
    weights: WeightsDtype,
    /// The page offers a drawing board: black lines on white
    #[arg(long)]
    draw: bool,
    #[command(flatten)]
    naming: Naming,
}

const RULES: &[Acts<ImportArgs>] = &[
    acts_on_networks("net_g"),
    acts_on_networks("norm"),
    acts_on_tensors("part"),
    acts_on_tensors("norm_stats"),
];

const fn acts_on_networks(flag: &'static str) -> Acts<ImportArgs> {
    Acts {
        flag,
        needs: "a .pth, .safetensors or .onnx file; a .pict file says it itself",
        when: |args| !is_pict(&args.file),
    }
}

const fn acts_on_tensors(flag: &'static str) -> Acts<ImportArgs> {
    Acts {
        flag,
        needs: "a .pth or .safetensors file; an .onnx or .pict file says it itself",
        when: |args| !is_pict(&args.file) && !is_onnx(&args.file),
    }
}

pub(super) fn import(
    args: &ImportArgs,
    given: &BTreeSet<String>,
    format: Format,
) -> Result<ExitCode> {
    refuse_idle(args, given, RULES)?;
    let options = ImportOptions {
        given: Given {
            arch: args.net_g,
            norm: args.norm,
            part: args.part.clone(),
        },
        norm_stats: args.norm_stats,
        weights: args.weights,
        mode: match args.draw {
            true => InputMode::Draw,
            false => InputMode::Photo,
        },
        naming: args.naming.clone(),
    };
    let manifest = import_checkpoint(&args.file, &options, &args.output)?;
    let bytes: u64 = manifest.weights.iter().map(|file| file.bytes).sum();
    let result =
        json!({"model": args.output, "weights_bytes": bytes, "generator": manifest.generator});
    let options = reference_options(&manifest.generator.config);
    let (output, bytes) = (args.output.display(), HumanBytes(bytes));
    print_either(
        format,
        &result,
        format!("{output}  ({options}, {bytes} of weights)"),
    )?;
    Ok(ExitCode::SUCCESS)
}
