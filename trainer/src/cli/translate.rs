//! `trainer translate`: its words, what it says about each picture, and about all at the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use model::{Manifest, NormKind, NormStats, TileOptions, Translator};
use serde_json::json;

use crate::config::args::NORM_STATS;
use crate::config::words::one_of;
use crate::device::DeviceChoice;
use crate::memory;
use crate::picture;
use crate::printable::printable;
use crate::report::Format;
use crate::translate::{
    Inputs, Job, Shard, TranslateFileError, Translated, is_finished, load_model_with,
    translate_file,
};

/// How many failures are named again at the end.
const FAILURES_LISTED: usize = 10_000;

/// Translates pictures of any size. Results are PNGs in the folder OUTPUT, under the names and in
/// the folders that the pictures have inside what was named. With --shard, results that are there
/// already are kept, so that the same command goes on where it was stopped.
#[derive(Debug, Args)]
pub(super) struct TranslateArgs {
    /// Model folder, with a manifest.json
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Pictures, folders of pictures, or patterns in quotes: 'photos/**/*.jpg'
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Folder for the results, PNGs of the same names
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Cut pictures into tiles of this side, rounded up to what the network takes [default: only
    /// pictures that are too large for one piece]
    #[arg(long, value_name = "N", value_parser = pixels(16..=16_384))]
    tile: Option<u64>,
    /// Pixels that neighbouring tiles share at least [default: as many as make seams invisible]
    #[arg(long, value_name = "N", value_parser = pixels(0..=8_192))]
    overlap: Option<u64>,
    /// Translate one share of the pictures: 3/16 is the third of sixteen. A picture's share
    /// follows from its name, the same on every machine. Results that are there are kept; 1/1 is
    /// everything that is missing
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Make results of the share again that are there already
    #[arg(long, requires = "shard")]
    overwrite: bool,
    /// Statistics of batch norms: of each picture or tile, or of the training [default: as the
    /// model says]
    #[arg(long, value_name = "NAME", value_parser = one_of::<NormStats>(NORM_STATS))]
    norm_stats: Option<NormStats>,
    /// Device: auto, cpu, vulkan, vulkan:INDEX, cuda, cuda:INDEX
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

fn pixels(range: std::ops::RangeInclusive<u64>) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(range)
}

pub(super) fn run(args: &TranslateArgs, format: Format) -> Result<ExitCode> {
    memory::return_large_blocks();
    let shard = args.shard.unwrap_or(Shard::ALL);
    let inputs = Inputs::find(&args.inputs, &args.output, shard)?;
    // Outside a share, a result of that name may be another picture's or another model's.
    let keeps = args.shard.is_some() && !args.overwrite;
    let chosen = args.device.open()?;
    let (manifest, translator) = load_model_with(&args.model, args.norm_stats, &chosen.device)?;
    let stop = super::stop_flag()?;
    let tiles = TileOptions {
        side: args.tile.map(|side| side as usize),
        overlap: args.overlap.map(|overlap| overlap as usize),
    };
    let mut talk = Talk::new(format, inputs.len());
    for job in inputs.jobs() {
        if stop.load(Ordering::Relaxed) {
            talk.interrupted();
            return Ok(ExitCode::from(super::INTERRUPTED));
        }
        if keeps && is_finished(&translator, &job) {
            talk.kept(&job);
            continue;
        }
        let started = Instant::now();
        match translate_file(&translator, &job, tiles) {
            Ok(translated) => {
                talk.note_colors(&job.input);
                talk.note_tiles(&job.input, &translated, &manifest, &translator);
                talk.translated(&job, &translated, started.elapsed().as_secs_f64());
            }
            Err(error) => talk.failed(&job.input, &error),
        }
    }
    Ok(talk.finished())
}

/// Tells people or programs what happens.
struct Talk {
    format: Format,
    bar: ProgressBar,
    total: usize,
    translated: usize,
    kept: usize,
    failed: usize,
    failures: Vec<String>,
    told_of_colors: bool,
    told_of_tiles: bool,
}

impl Talk {
    fn new(format: Format, total: usize) -> Self {
        Self {
            format,
            bar: match format {
                Format::Human => super::progress(total),
                Format::Plain | Format::Json => ProgressBar::hidden(),
            },
            total,
            translated: 0,
            kept: 0,
            failed: 0,
            failures: Vec::new(),
            told_of_colors: false,
            told_of_tiles: false,
        }
    }

    fn translated(&mut self, job: &Job, translated: &Translated, seconds: f64) {
        self.translated += 1;
        let line = match self.format {
            Format::Json => json!({"event": "translated", "input": job.input,
                "output": translated.output, "width": translated.width,
                "height": translated.height, "tiles": translated.tiles,
                "as_whole": translated.exact, "seconds": seconds})
            .to_string(),
            Format::Human | Format::Plain => translated.output.display().to_string(),
        };
        self.bar.suspend(|| println!("{line}"));
        self.bar.inc(1);
    }

    fn kept(&mut self, job: &Job) {
        self.kept += 1;
        if self.format == Format::Json {
            let line = json!({"event": "kept", "input": job.input, "output": job.output});
            println!("{line}");
        }
        self.bar.inc(1);
    }

    fn failed(&mut self, input: &Path, error: &TranslateFileError) {
        self.failed += 1;
        let message = error.to_string();
        let shown = printable(&message);
        match self.format {
            Format::Json => eprintln!(
                "{}",
                json!({"event": "error", "input": input, "message": message})
            ),
            Format::Human | Format::Plain if self.failures.len() < FAILURES_LISTED => {
                self.failures.push(shown.into_owned());
            }
            Format::Human | Format::Plain => self.bar.suspend(|| eprintln!("error: {shown}")),
        }
        self.bar.inc(1);
    }

    /// Says once that colour profiles are not followed.
    fn note_colors(&mut self, input: &Path) {
        if !self.told_of_colors && picture::has_other_colors(input) {
            self.told_of_colors = true;
            self.note(&format!(
                "{}: its colour profile (ICC) is ignored, here and in other files: samples are \
                 taken for sRGB; convert pictures to sRGB first where colours matter",
                input.display()
            ));
        }
    }

    /// Says once why tiles give another result than the whole picture would.
    fn note_tiles(
        &mut self,
        input: &Path,
        translated: &Translated,
        manifest: &Manifest,
        translator: &Translator,
    ) {
        if self.told_of_tiles || translated.exact {
            return;
        }
        self.told_of_tiles = true;
        let input = input.display();
        let tiles = translated.tiles;
        let message = match (
            translator.receptive_radius(),
            manifest.generator.config.norm,
        ) {
            (Some(radius), _) => format!(
                "{input}: its {tiles} tiles fade into each other; the network looks {radius} \
                 pixels far, so that tiles which share {} pixels would give exactly the result of \
                 the whole picture: --overlap {}, with --tile {} or more",
                2 * radius,
                2 * radius,
                translator.size_rule().padded(3 * radius)
            ),
            (None, NormKind::Batch) => format!(
                "{input}: its {tiles} tiles differ in brightness and colour and fade into each \
                 other, because the norms take statistics of each tile; --norm-stats running uses \
                 those of the training, the same for all"
            ),
            (None, _) => format!(
                "{input}: its {tiles} tiles differ in brightness and colour and fade into each \
                 other, because instance norms take statistics of each tile; scale the picture \
                 down, or take larger tiles with --tile, if that shows"
            ),
        };
        self.note(&message);
    }

    fn note(&self, message: &str) {
        match self.format {
            Format::Json => eprintln!("{}", json!({"event": "warning", "message": message})),
            Format::Human | Format::Plain => {
                self.bar
                    .suspend(|| eprintln!("note: {}", printable(message)));
            }
        }
    }

    fn interrupted(&self) {
        self.bar.finish_and_clear();
        self.list_failures();
        let left = self.total - self.translated - self.kept - self.failed;
        match self.format {
            Format::Json => eprintln!("{}", json!({"event": "interrupted", "left": left})),
            Format::Human | Format::Plain => {
                eprintln!(
                    "stopped with {left} pictures to go; with --shard the same command goes on"
                );
            }
        }
    }

    fn finished(&self) -> ExitCode {
        self.bar.finish_and_clear();
        self.list_failures();
        let (total, kept, failed) = (self.total, self.kept, self.failed);
        if self.format == Format::Json {
            println!(
                "{}",
                json!({"event": "finished", "pictures": total, "translated": self.translated,
                    "kept": kept, "failed": failed})
            );
        } else {
            if kept > 0 {
                eprintln!(
                    "{kept} of {total} results were there and are kept; --overwrite makes them \
                     again, with another model for instance"
                );
            }
            if failed > 0 {
                eprintln!("{failed} of {total} pictures failed, the others are done");
            }
        }
        match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn list_failures(&self) {
        for failure in &self.failures {
            eprintln!("error: {failure}");
        }
    }
}
