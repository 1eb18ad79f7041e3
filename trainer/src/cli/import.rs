//! `trainer import`: its words, and what it says when it is done.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::config::{NetG, Norm, Stats, WeightsArg};
use crate::import::{ImportOptions, import_checkpoint};
use crate::pytorch::{Given, reference_options};
use crate::report::Format;

/// Reads a generator that pytorch-CycleGAN-and-pix2pix trained, such as latest_net_G.pth, or a
/// safetensors file with the same names. Nothing in the file is executed. The network is found
/// from the names and shapes of its tensors.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// State dict saved with torch.save, or safetensors
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Model folder to write
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Generator [default: found from the file]
    #[arg(long)]
    net_g: Option<NetG>,
    /// Normalisation [default: found from the file]
    #[arg(long)]
    norm: Option<Norm>,
    /// Which network, in a file that holds several, such as netG_A
    #[arg(long, value_name = "NAME")]
    part: Option<String>,
    /// Statistics of batch norms when translating. The reference's test.py uses those of the
    /// picture at hand, unless called with --eval. It also leaves dropout on then; here it is off
    #[arg(long, default_value = "batch")]
    norm_stats: Stats,
    /// How to store the weights
    #[arg(long, default_value = "f16")]
    weights: WeightsArg,
    /// Name of the model [default: that of the folder]
    #[arg(long)]
    name: Option<String>,
    /// Name for people [default: the name]
    #[arg(long)]
    title: Option<String>,
    /// Licence of the weights
    #[arg(long)]
    license: Option<String>,
}

pub(super) fn import(args: &ImportArgs, format: Format) -> Result<ExitCode> {
    let options = ImportOptions {
        given: Given {
            arch: args.net_g.map(Into::into),
            norm: args.norm.map(Into::into),
            part: args.part.clone(),
        },
        norm_stats: args.norm_stats.into(),
        weights: args.weights.into(),
        name: args.name.clone(),
        title: args.title.clone(),
        license: args.license.clone(),
    };
    let manifest = import_checkpoint(&args.file, &options, &args.output)?;
    let bytes: u64 = manifest.weights.iter().map(|file| file.bytes).sum();
    match format {
        Format::Json => println!(
            "{}",
            json!({"model": args.output, "weights_bytes": bytes, "generator": manifest.generator})
        ),
        Format::Human | Format::Plain => println!(
            "{}  ({}, {} of weights)",
            args.output.display(),
            reference_options(&manifest.generator.config),
            indicatif::HumanBytes(bytes)
        ),
    }
    Ok(ExitCode::SUCCESS)
}
