//! `eval`: judges a model on images that it did not learn from. What is not said on the command
//! line is as in the training.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Error, Result, anyhow};
use burn::tensor::Device;
use clap::Args;
use image::RgbImage;
use model::{Engine, Raster, TranslateError, Translator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::judging::{Judging, JudgingError, NamedSettings};
use crate::config::DataArgs;
use crate::config::idle::{self, Acts, refuse_idle};
use crate::data::direction::Direction;
use crate::data::{DataError, Frame, Pair, PairSource};
use crate::evaluate::judge::{cycle_grid, judge, judge_with, sample_grid};
use crate::evaluate::metrics::cycle::{CycleEvaluation, judge_cycles};
use crate::evaluate::metrics::perceptual::Perceptual;
use crate::evaluate::metrics::{COLUMNS, Column, Evaluation, Metrics};
use crate::image_file;
use crate::report::{metrics_table, rows_table};
use crate::run_folder::write_whole;
use crate::system::console::{Format, counted, print_either, progress, warning};
use crate::system::device::DeviceChoice;
use crate::translate::load_model;

/// Pairs in the grid of `--grid`.
const GRID_ROWS: usize = 6;

const EXAMPLES: &str = "\
Examples:
  trainer eval --model runs/demo                              the run's own validation images
  trainer eval --model runs/maps --data maps/test --all       every image of a folder
  trainer eval --model models/sharper --photos photos --csv rows.csv";

/// Judges a model: L1, PSNR and SSIM of its outputs, with those of the untouched inputs beside
/// them; of CycleGAN the cycle and identity losses. The images are those that validate in the
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
    /// Judge on every image of the set, also on those that train
    #[arg(long)]
    all: bool,
    /// Side of the images in pixels [default: as in the run's validation, or 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    size: Option<u32>,
    /// Seed of the demo set and of the 80/20 split [default: as in the run, or 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Also write a grid of input, output and target of some images
    #[arg(long, value_name = "FILE")]
    grid: Option<PathBuf>,
    /// Also write the metrics of each image, as CSV
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
    /// Device: auto, cpu, gpu, vulkan, metal, dx12 or cuda; a GPU also with its index, such as gpu:1
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
        JudgingError::NoImages(missing) => Error::new(missing),
        other => Error::new(other),
    })?;
    refuse_idle(&judging.data, given, idle::DATA)?;
    refuse_idle(&!judging.is_unpaired, given, PAIRED)?;
    if let Some(path) = &args.grid {
        image_file::output_format(path)?;
    }
    let (train, validation) = judging.data.open(judging.seed, judging.is_unpaired)?;
    let set = Set::of(args.all, train, validation, &judging.data)?;
    let judge = Judge {
        args,
        device: args.device.open()?.device,
        engine: args.device.open_engine()?.engine,
        format,
        failure: RefCell::new(None),
    };
    let mut found = match judging.is_unpaired {
        true => judge.without_pairs(&judging, set)?,
        false => judge.pairs(&judging, set)?,
    };
    if let Some(error) = judge.failure.into_inner() {
        return Err(error.into());
    }
    if let (Some(path), Some(grid)) = (&args.grid, found.grid) {
        image_file::write_rgb(path, grid)?;
    }
    if let Some(path) = &args.csv {
        write_whole(path, found.csv.as_bytes())?;
    }
    found.evaluation["set"] = json!({"data": judging.data, "all": args.all, "seed": judging.seed});
    print_either(format, &found.evaluation, found.table)?;
    Ok(ExitCode::SUCCESS)
}

/// The images that are judged on, and how they are told.
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
                anyhow!("--all: the drawn set has no end; name images with --data or --photos")
            })?;
            return Ok(Self {
                source,
                noun: "image",
                of: format!(", all of {described}"),
            });
        }
        let others = match data.is_demo() {
            true => String::new(),
            false => format!("; --all judges the other {} too", train.len()),
        };
        Ok(Self {
            source: validation,
            noun: "validation image",
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

/// What was found out about a model.
struct Findings {
    /// Of all images together, and in `rows` of each.
    evaluation: Value,
    /// The first in words.
    table: String,
    csv: String,
    grid: Option<RgbImage>,
}

struct Judge<'a> {
    args: &'a EvalArgs,
    /// Of the networks that perceptual metrics ask.
    device: Device,
    engine: Engine,
    format: Format,
    /// Why an image could not be translated.
    failure: RefCell<Option<TranslateError>>,
}

impl Judge<'_> {
    fn pairs(&self, judging: &Judging, mut set: Set) -> Result<Findings> {
        let (_, translator) = load_model(&judging.model, &self.engine)?;
        judging.data.check_fits(&translator)?;
        let fid_weights = self.args.fid_weights.as_ref();
        let mut perceptual = Perceptual::load(&self.args.lpips_weights, fid_weights, &self.device)?;
        let frame = judging.frame(translator.size_rule().divisor());
        set.drop_unusable(frame, self.format)?;
        let (count, parts) = (set.source.len(), set.source.parts());
        let bar = progress(count * (1 + parts.len()), self.format);
        let translate = |pair: &Pair| {
            bar.inc(1);
            self.translated(&translator, &pair.real_a)
        };
        let left_out = |error| self.left_out(&error);
        let rows = judge_with(
            &set.source,
            frame,
            count,
            translate,
            left_out,
            |shown, row| perceptual.observe(shown, row),
        )?;
        let wanted = self.args.grid.is_some();
        let grid = wanted.then(|| sample_grid(&set.source, frame, GRID_ROWS, translate));
        let parts: Vec<Part> = parts
            .iter()
            .map(|(name, source)| {
                // What is left out was said of the whole set.
                let rows = judge(source, frame, count, translate, |_| ());
                Part {
                    part: name,
                    evaluation: Evaluation::from_rows(&rows),
                }
            })
            .collect();
        bar.finish_and_clear();
        let mut evaluation = Evaluation::from_rows(&rows);
        if let Some(message) = perceptual.finish(&mut evaluation) {
            warning(self.format, &message);
        }
        let cells = rows.iter().map(|row| {
            let metrics = [Some(&row.output), Some(&row.input)];
            (quoted(&row.name), metrics)
        });
        let mut table = metrics_table(&evaluation, set.noun, &set.of);
        let mut evaluation = with_rows(&evaluation, &rows)?;
        if !parts.is_empty() {
            table += &format!("\n\n{}", parts_table(&parts));
            evaluation["parts"] = json!(parts);
        }
        Ok(Findings {
            evaluation,
            table,
            csv: csv("name", ["output", "input"], &cells.collect::<Vec<_>>()),
            grid,
        })
    }

    fn without_pairs(&self, judging: &Judging, mut set: Set) -> Result<Findings> {
        let (there, back) = judging.both_ways()?;
        let (_, there) = load_model(&there, &self.engine)?;
        let (_, back) = load_model(&back, &self.engine)?;
        judging.data.check_fits(&there)?;
        let frame = judging.frame(there.size_rule().divisor());
        set.drop_unusable(frame, self.format)?;
        let bar = progress(set.source.len(), self.format);
        let translate = |direction, image: &Raster| match direction {
            Direction::AtoB => self.translated(&there, image),
            Direction::BtoA => self.translated(&back, image),
        };
        let rows = judge_cycles(&set.source, frame, translate, |error| self.left_out(&error));
        let wanted = self.args.grid.is_some();
        let grid = wanted.then(|| cycle_grid(&set.source, frame, GRID_ROWS, translate));
        bar.finish_and_clear();
        let evaluation = CycleEvaluation::from_rows(&rows);
        // "of A and 2 of B of reds" would be one too many.
        let of = set.of.strip_prefix(" of ");
        let caption = format!(
            "{} of A and {} of B{}",
            counted(evaluation.count_a, set.noun),
            evaluation.count_b,
            of.map_or(set.of.clone(), |of| format!(" in {of}"))
        );
        let cells = rows.iter().map(|row| {
            let name = format!("{},{}", row.side, quoted(&row.name));
            (name, [Some(&row.cycle), row.idt.as_ref()])
        });
        Ok(Findings {
            evaluation: with_rows(&evaluation, &rows)?,
            table: rows_table(&evaluation.rows(), &caption),
            csv: csv("side,name", ["cycle", "idt"], &cells.collect::<Vec<_>>()),
            grid,
        })
    }

    /// What becomes of an image; it comes back as it is where that fails, and the failure is kept.
    fn translated(&self, translator: &Translator, image: &Raster) -> Raster {
        translator.translate_raster(image).unwrap_or_else(|error| {
            self.failure.replace(Some(error));
            image.clone()
        })
    }

    fn left_out(&self, error: &DataError) {
        warning(self.format, &format!("left out: {error}"));
    }
}

/// The same photos with inputs of one kind.
#[derive(Serialize)]
struct Part<'a> {
    part: &'a str,
    #[serde(flatten)]
    evaluation: Evaluation,
}

/// Inputs of each kind as they are, and what becomes of them.
fn parts_table(parts: &[Part]) -> String {
    let rows = parts.iter().flat_map(|Part { part, evaluation }| {
        [(*part, evaluation.input), ("  output", evaluation.output)]
    });
    rows_table(
        &rows.collect::<Vec<_>>(),
        "the same photos, inputs of one kind",
    )
}

fn with_rows(evaluation: &impl Serialize, rows: &impl Serialize) -> Result<Value> {
    let mut object = serde_json::to_value(evaluation)?;
    object["rows"] = json!(rows);
    Ok(object)
}

/// A line for each image: which it is, and two sets of metrics with what was measured of any, and
/// of what depends on its size alone.
fn csv(name: &str, sets: [&str; 2], rows: &[(String, [Option<&Metrics>; 2])]) -> String {
    let measured = |column: &&Column| {
        let mut metrics = rows.iter().flat_map(|(_, sets)| sets).flatten();
        column.key == "ms_ssim" || metrics.any(|metrics| column.of(metrics).is_some())
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(measured).collect();
    let mut text = name.to_string();
    for set in sets {
        let heads = columns
            .iter()
            .map(|column| format!(",{set}_{}", column.key));
        text.extend(heads);
    }
    for (name, sets) in rows {
        text += &format!("\n{name}");
        for metrics in sets {
            text.extend(columns.iter().map(|column| {
                let value = metrics.and_then(|metrics| column.of(metrics));
                value.map_or(",".to_string(), |value| format!(",{value:.6}"))
            }));
        }
    }
    text + "\n"
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
