//! `trainer devices`: what is here, and whether it computes right.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::run::device_check::{Comparison, check};
use crate::system::console::{Format, print_result};
use crate::system::device::{self, DeviceChoice};

/// Height and width of the images to check with.
const SIDE: u32 = 256;

#[derive(Debug, Args)]
pub(super) struct DevicesArgs {
    /// Compare a device's numbers with the processor's: forward passes, and steps of pix2pix and
    /// CycleGAN. Exits with 1 where they differ
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, default_missing_value = "auto")]
    check: Option<DeviceChoice>,
}

pub(super) fn run(args: &DevicesArgs, format: Format) -> Result<ExitCode> {
    match args.check {
        Some(choice) => checked(choice, format),
        None => listed(format),
    }
}

fn listed(format: Format) -> Result<ExitCode> {
    for listed in device::list() {
        match format {
            Format::Json => print_result!("{}", serde_json::to_string(&listed)?)?,
            Format::Human | Format::Plain => {
                let auto = if listed.auto { "  <- auto" } else { "" };
                let (device, kind, name) = (listed.device, listed.kind, listed.name);
                print_result!("{device:<12} {kind:<9} {name}{auto}")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn checked(choice: DeviceChoice, format: Format) -> Result<ExitCode> {
    let chosen = choice.open()?;
    let engine = choice.open_engine()?.engine;
    let comparisons = check(&engine, &chosen.device, SIDE)?;
    for comparison in &comparisons {
        let Comparison {
            what,
            difference,
            allowed,
            cpu_ms,
            device_ms,
        } = comparison;
        match format {
            Format::Json => print_result!("{}", serde_json::to_string(comparison)?)?,
            Format::Human | Format::Plain => print_result!(
                "{what:<36} off by {difference:.1e}, {allowed} allowed   CPU {cpu_ms:.0} ms, \
                 device {device_ms:.0} ms"
            )?,
        }
    }
    let agrees = comparisons.iter().all(Comparison::agrees);
    if let Format::Human | Format::Plain = format {
        let name = chosen.name;
        match agrees {
            true => print_result!("{name} computes what the processor computes.")?,
            false => print_result!(
                "{name} computes wrong numbers: update its driver, or use another device."
            )?,
        }
    }
    Ok(match agrees {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
