//! `trainer inspect` and `trainer data inspect`: their words, and what they say.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use model::manifest::Manifest;
use model::training::ModelKind;
use model::{NormKind, NormStats, weights};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::DataArgs;
use crate::config::idle::{self, refuse_idle};
use crate::config::names::MODELS;
use crate::config::words::one_of_explained;
use crate::convert::model_folder::read_manifest;
use crate::data::inspect::description::{ChannelStatistics, Group, Inspection, SideStatistics};
use crate::data::inspect::sheet::contact_sheet;
use crate::data::inspect::{Inspected, Thoroughness, inspect};
use crate::data::source::folders::unmatched;
use crate::image_file::{output_format, write_rgb};
use crate::system::console::{Format, counted, print_either, progress};
use crate::system::printable::printable_line;

/// How many names or sizes a list shows; JSON has all.
const SHOWN: usize = 8;

#[derive(Debug, Args)]
pub(super) struct InspectModelArgs {
    /// Model folder, with a manifest.json, or the folder of a run
    #[arg(value_name = "MODEL")]
    model: PathBuf,
}

/// Says what a training with the same flags would find: sizes, counts, mean and deviation of the
/// channels, files without a partner, files that are there twice, what would be left out, and how
/// fast pairs are made.
/// Exits with 1 where a training would refuse the set.
#[derive(Debug, Args)]
pub(super) struct InspectDataArgs {
    /// Folder that --data of a training would name
    #[arg(value_name = "DIR", conflicts_with_all = ["data", "a", "b", "photos"])]
    folder: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Whether pairs are needed
    #[arg(long, default_value = "pix2pix", value_parser = one_of_explained::<ModelKind>(MODELS))]
    model: ModelKind,
    /// Side of training images in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: u32,
    /// Seed of the 80/20 split, as in the training
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Read headers alone: no statistics, no duplicates
    #[arg(long)]
    fast: bool,
    /// Also write a contact sheet, such as sheet.png: pairs as the network sees them, those that validate at the end
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

pub(super) fn data(
    args: &InspectDataArgs,
    given: &BTreeSet<String>,
    format: Format,
) -> Result<ExitCode> {
    let mut data = args.data.clone();
    if args.folder.is_some() {
        data.data.clone_from(&args.folder);
    }
    refuse_idle(&data, given, idle::DATA)?;
    if data.is_demo() {
        return Err(anyhow!(
            "name a set: DIR or --data, --a and --b, or --photos and --task, as for `trainer train`"
        ));
    }
    if let Some(path) = &args.sheet {
        output_format(path)?;
    }
    let thoroughness = match args.fast {
        true => Thoroughness::Headers,
        false => Thoroughness::Pixels,
    };
    let unpaired = args.model == ModelKind::CycleGan;
    let frame = data.frame(args.size, args.size, 1);
    let bar = progress(0, format);
    let set = open(&data, args.seed, unpaired)?;
    let sheet = args.sheet.as_ref().map(|path| {
        let frame = data.validation_frame(frame, frame.size);
        (path, contact_sheet(&set.train, &set.validation, frame))
    });
    let inspection = inspect(set, frame, thoroughness, &|| {
        bar.inc_length(1);
        bar.inc(1);
    });
    bar.finish_and_clear();
    if let Some((path, sheet)) = sheet {
        write_rgb(path, sheet)?;
    }
    print_either(format, &inspection, described(&inspection).trim_end())?;
    Ok(match inspection.refused.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Opens a set, also one with images that have no partner.
fn open(data: &DataArgs, seed: u64, unpaired: bool) -> Result<Inspected> {
    let unmatched = match (&data.a, &data.b, unpaired) {
        (Some(a), Some(b), false) => unmatched(a, b)?,
        _ => Vec::new(),
    };
    let lenient = DataArgs {
        skip_unmatched: data.skip_unmatched || data.a.is_some(),
        ..data.clone()
    };
    let (train, validation) = lenient.open(seed, unpaired)?;
    Ok(Inspected {
        train,
        validation,
        unmatched,
        skips_unmatched: data.skip_unmatched,
        direction: data.direction,
        seed,
    })
}

fn described(inspection: &Inspection) -> String {
    let mut text = String::new();
    for part in &inspection.parts {
        let of_sides = part
            .groups
            .iter()
            .filter(|group| ["A", "B"].contains(&group.name));
        let of_sides =
            of_sides.map(|group| format!("{} of {}", counted(group.files, "image"), group.name));
        let of_sides = of_sides.collect::<Vec<_>>().join(", ");
        let pairs = match of_sides.is_empty() {
            true => counted(part.pairs, "pair"),
            false => of_sides,
        };
        let _ = writeln!(text, "{}: {pairs}", part.name);
        for group in &part.groups {
            text += &described_group(group);
        }
    }
    let shown = |paths: &[PathBuf]| {
        let names = paths
            .iter()
            .take(SHOWN)
            .map(|path| path.display().to_string());
        let more = match paths.len() > SHOWN {
            true => format!(" and {} more", paths.len() - SHOWN),
            false => String::new(),
        };
        names.collect::<Vec<_>>().join(", ") + &more
    };
    if !inspection.unmatched.is_empty() {
        let unmatched = &inspection.unmatched;
        let _ = writeln!(
            text,
            "without a partner ({}): {}",
            unmatched.len(),
            shown(unmatched)
        );
    }
    for duplicate in &inspection.duplicates {
        let across = match duplicate.across {
            true => ", training and validation alike",
            false => "",
        };
        let _ = writeln!(text, "the same{across}: {}", shown(&duplicate.files));
    }
    if let Some(rate) = inspection.pairs_per_second {
        let _ = writeln!(
            text,
            "speed: one thread makes {rate:.0} training pairs a second; a GPU that takes more \
             needs more --workers"
        );
    }
    for (what, lines) in [
        ("left out", &inspection.left_out),
        ("refused", &inspection.refused),
        ("note", &inspection.remarks),
    ] {
        for line in lines {
            let _ = writeln!(text, "{what}: {line}");
        }
    }
    text
}

fn described_group(group: &Group) -> String {
    let sizes = group.sizes.iter().take(SHOWN);
    let sizes = sizes.map(|size| format!("{}×{} ({})", size.width, size.height, size.files));
    let more = match group.sizes.len() > SHOWN {
        true => format!(", {} other sizes", group.sizes.len() - SHOWN),
        false => String::new(),
    };
    let samples = group.samples.iter();
    let samples = samples.map(|(kind, files)| format!("{kind} ({files})"));
    let mut text = format!(
        "  {}: {}, {}\n    sizes     {}{more}\n    samples   {}\n",
        group.name,
        counted(group.files, "file"),
        HumanBytes(group.bytes),
        sizes.collect::<Vec<_>>().join(", "),
        samples.collect::<Vec<_>>().join(", "),
    );
    for side in &group.statistics {
        text += &described_side(side);
    }
    text
}

fn described_side(side: &SideStatistics) -> String {
    let numbers = |number: fn(&ChannelStatistics) -> f64| {
        let digits = if side.white > 1.0 { 1 } else { 4 };
        let numbers = side.channels.iter().map(number);
        let numbers = numbers.map(|number| format!("{number:.digits$}"));
        numbers.collect::<Vec<_>>().join(" ")
    };
    let measured = match side.measured {
        Some(share) => format!(", {:.1}% measured", share * 100.0),
        None => String::new(),
    };
    format!(
        "    {:<9} mean {}, std {} (black 0, white {}{measured})\n",
        side.side,
        numbers(|channel| channel.mean),
        numbers(|channel| channel.std),
        side.white
    )
}

pub(super) fn model(args: &InspectModelArgs, format: Format) -> Result<ExitCode> {
    let (manifest, path) = read_manifest(&args.model)?;
    let weights = weights::open_file(&path, manifest.weights_file()?)
        .map_err(|error| anyhow!("{}: {error}", path.display()))?;
    let parameters = weights.values_where(|name| !name.contains("running_"));
    let described = described_model(&manifest, parameters)?;
    print_either(
        format,
        &in_json(&manifest, parameters)?,
        described.trim_end(),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// A value as files and flags write it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}

/// How far the network looks, where it does not look at the whole image.
fn radius(manifest: &Manifest) -> Option<usize> {
    let generator = &manifest.generator;
    let local = generator.config.is_local(generator.norm_stats);
    local.then(|| generator.config.plan().receptive_radius())
}

fn in_json(manifest: &Manifest, parameters: usize) -> Result<Value> {
    let file = manifest.weights_file()?;
    Ok(json!({
        "name": manifest.name,
        "title": manifest.title,
        "task": manifest.task,
        "generator": manifest.generator,
        "input": manifest.input,
        "output": manifest.output,
        "parameters": parameters,
        "weights": file,
        "receptive_radius": radius(manifest),
        "training": manifest.training,
        "license": manifest.license,
    }))
}

fn described_model(manifest: &Manifest, parameters: usize) -> Result<String> {
    let (generator, file) = (&manifest.generator, manifest.weights_file()?);
    let config = &generator.config;
    let norms = match (config.norm, generator.norm_stats) {
        (NormKind::Batch, NormStats::Batch) => "batch, statistics of each image",
        (NormKind::Batch, NormStats::Running) => "batch, statistics of the training",
        (NormKind::Instance, _) => "instance, statistics of each image",
        (NormKind::None, _) => "none",
    };
    let sees = match radius(manifest) {
        Some(radius) => format!(
            "{radius} pixels far; tiles that share {} join exactly",
            2 * radius
        ),
        None => "the whole image: tiles differ and are blended".to_string(),
    };
    let rows = [
        ("name", manifest.name.clone()),
        ("title", manifest.title.clone()),
        ("task", manifest.task.clone()),
        (
            "network",
            format!("{}, base {}", word(&config.arch), config.base),
        ),
        (
            "channels",
            format!(
                "{} ({}) to {} ({})",
                config.in_channels,
                word(&manifest.input.encoding),
                config.out_channels,
                word(&manifest.output.encoding)
            ),
        ),
        ("norms", norms.to_string()),
        (
            "sizes",
            format!("any; padded to multiples of {}", manifest.input.multiple_of),
        ),
        ("looks", sees),
        ("parameters", HumanCount(parameters as u64).to_string()),
        (
            "weights",
            format!(
                "{}, {}, {}, whole",
                file.path,
                word(&file.dtype),
                HumanBytes(file.bytes)
            ),
        ),
        ("training", manifest.training.to_string()),
        ("licence", manifest.license.clone()),
    ];
    let rows = rows
        .iter()
        .filter(|(_, value)| !value.is_empty() && value != "null");
    Ok(rows.fold(String::new(), |text, (name, value)| {
        text + &format!("{name:<11} {}\n", printable_line(value))
    }))
}
