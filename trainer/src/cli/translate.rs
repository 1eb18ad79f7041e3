//! `trainer translate`: its words, what it says about each image, and about all at the end.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use model::{Manifest, NormKind, NormStats, TileOptions, Translator};
use serde_json::json;

use super::exit::INTERRUPTED;
use super::stop::stop_flag;
use crate::config::names::NORM_STATS;
use crate::config::words::one_of;
use crate::image_file;
use crate::system::console::{self, Format, ResultError, counted, notice, print_result, talk};
use crate::system::device::DeviceChoice;
use crate::system::memory;
use crate::translate::{
    Inputs, Job, PAGE_FILE, Shard, Shown, StreamError, TranslateFileError, Translated, is_finished,
    load_model_with, translate_file, translate_stream, write_page,
};

const EXAMPLES: &str = "\
Examples:
  trainer translate --model runs/demo photo.jpg -o result.jpg
  trainer translate --model runs/demo photos/ 'more/**/*.png' -o translated/ --page
  trainer translate --model models/sharper small.png -o large.png --enlarge 4
  tar -c photos | trainer translate --model runs/demo --stdin | tar -x -C translated

A model that fills holes (train --task inpaint) looks for them in mid-grey: paint what is to be
filled with RGB 128, 128, 128. One for more resolution (train --task super-resolve) keeps the size
of an image and sharpens it; --enlarge 4 makes a small image larger first.";

/// How many failures are named again at the end.
const FAILURES_LISTED: usize = 10_000;

/// Translates images of any size. Results are PNGs in the folder OUTPUT, under the names and in
/// the folders that the images have inside what was named; of a single image OUTPUT may be a
/// file. With --shard, results that are there already are kept, so that the same command goes on
/// where it was stopped.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TranslateArgs {
    /// Model folder, with a manifest.json, or the folder of a run
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Images, folders of images, or patterns in quotes: 'photos/**/*.jpg'
    #[arg(value_name = "INPUT", required_unless_present = "stdin")]
    inputs: Vec<PathBuf>,
    /// Folder for the results, PNGs of the same names; for one image also a file that ends with
    /// .png, .jpg, .webp, .tif or .bmp
    #[arg(long, short, value_name = "PATH", required_unless_present = "stdin")]
    output: Option<PathBuf>,
    /// Read images as a tar stream and write their results as another to stdout, in the same order:
    /// NAME.png for NAME, or NAME.error with the reason
    #[arg(long, conflicts_with_all = ["inputs", "output", "page", "shard", "overwrite"])]
    stdin: bool,
    /// Also write index.html beside the results: inputs and results side by side
    #[arg(long)]
    page: bool,
    /// Scale images up so many times first, bicubic: for models that add resolution
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    enlarge: u32,
    /// Cut images into tiles of this side, rounded up to what the network takes [default: only
    /// images that are too large for one piece]
    #[arg(long, value_name = "N", value_parser = pixels(16..=16_384))]
    tile: Option<u64>,
    /// Pixels that neighbouring tiles share at least [default: as many as make seams invisible]
    #[arg(long, value_name = "N", value_parser = pixels(0..=8_192))]
    overlap: Option<u64>,
    /// Translate one share of the images: 3/16 is the third of sixteen. An image's share
    /// follows from its name, the same on every machine. Results that are there are kept; 1/1 is
    /// everything that is missing
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Make results of the share again that are there already
    #[arg(long, requires = "shard")]
    overwrite: bool,
    /// Statistics of batch norms: of each image or tile, or of the training [default: as the
    /// model says]
    #[arg(long, value_name = "NAME", value_parser = one_of::<NormStats>(NORM_STATS))]
    norm_stats: Option<NormStats>,
    /// Device: auto, cpu, gpu, vulkan, metal, dx12 or cuda; a GPU also with its index, such as gpu:1
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

fn pixels(range: std::ops::RangeInclusive<u64>) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(range)
}

pub(super) fn run(args: &TranslateArgs, format: Format) -> Result<ExitCode> {
    memory::return_large_blocks();
    let tiles = TileOptions {
        side: args.tile.map(|side| side as usize),
        overlap: args.overlap.map(|overlap| overlap as usize),
    };
    let Some(output) = &args.output else {
        return stream(args, tiles, format);
    };
    let shard = args.shard.unwrap_or(Shard::ALL);
    let inputs = Inputs::find(&args.inputs, output, shard)?;
    // Outside a share, a result of that name may be another image's or another model's.
    let keeps = args.shard.is_some() && !args.overwrite;
    let engine = args.device.open_engine()?.engine;
    let (manifest, translator) = load_model_with(&args.model, args.norm_stats, &engine)?;
    let stop = stop_flag("image")?;
    let mut talk = Talk::new(args, inputs.len(), format);
    for job in inputs.jobs() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if keeps && is_finished(&translator, &job) {
            talk.kept(&job)?;
            continue;
        }
        let started = Instant::now();
        match translate_file(&translator, &job, tiles, args.enlarge) {
            Ok(translated) => {
                talk.note_colors(&job.input);
                talk.note_frames(&job.input);
                talk.note_tiles(&job.input, &translated, &manifest, &translator);
                talk.translated(&job, &translated, started.elapsed().as_secs_f64())?;
            }
            Err(error) => talk.failed(&job.input, &error),
        }
    }
    if let Some(shown) = &talk.shown {
        write_page(inputs.folder(), &manifest.title, shown)?;
    }
    talk.finished(output, inputs.folder())
}

/// stdout carries the results alone.
fn stream(args: &TranslateArgs, tiles: TileOptions, format: Format) -> Result<ExitCode> {
    let engine = args.device.open_engine()?.engine;
    let (_, translator) = load_model_with(&args.model, args.norm_stats, &engine)?;
    let stop = stop_flag("image")?;
    let (mut done, mut failed) = (0, 0);
    let ends = (io::stdin().lock(), io::stdout().lock());
    let options = (tiles, args.enlarge);
    let streamed = translate_stream(&translator, options, ends, &stop, &mut |name, outcome| {
        let failure = outcome.as_ref().err();
        match failure {
            None => done += 1,
            Some(_) => failed += 1,
        }
        match (format, failure) {
            (Format::Json, None) => talk!("{}", json!({"event": "translated", "input": name})),
            (Format::Json, Some(message)) => notice!(
                "{}",
                json!({"event": "error", "input": name, "message": message})
            ),
            (Format::Human | Format::Plain, Some(message)) => notice!("error: {message}"),
            (Format::Human | Format::Plain, None) => {}
        }
    });
    streamed.map_err(|error| match error {
        StreamError::Write(error) => anyhow::Error::from(ResultError::from(error)),
        other => other.into(),
    })?;
    if let Format::Human | Format::Plain = format {
        talk!("{} translated, {failed} failed", counted(done, "image"));
    }
    Ok(match (stop.load(Ordering::Relaxed), failed) {
        (true, _) => ExitCode::from(INTERRUPTED),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// Tells people or programs what happens.
struct Talk {
    format: Format,
    bar: ProgressBar,
    started: Instant,
    is_share: bool,
    total: usize,
    translated: usize,
    kept: usize,
    failed: usize,
    failures: Vec<String>,
    /// What the page shows, if there is to be one.
    shown: Option<Vec<Shown>>,
    told_of_colors: bool,
    told_of_frames: bool,
    told_of_tiles: bool,
}

impl Talk {
    fn new(args: &TranslateArgs, total: usize, format: Format) -> Self {
        Self {
            format,
            bar: console::progress(total, format),
            started: Instant::now(),
            is_share: args.shard.is_some(),
            total,
            translated: 0,
            kept: 0,
            failed: 0,
            failures: Vec::new(),
            shown: args.page.then(Vec::new),
            told_of_colors: false,
            told_of_frames: false,
            told_of_tiles: false,
        }
    }

    fn show(&mut self, input: &Path, output: &Path) {
        if let Some(shown) = &mut self.shown {
            shown.push(Shown {
                input: input.to_path_buf(),
                output: output.to_path_buf(),
            });
        }
    }

    fn translated(
        &mut self,
        job: &Job,
        translated: &Translated,
        seconds: f64,
    ) -> Result<(), ResultError> {
        self.translated += 1;
        self.show(&job.input, &translated.output);
        let line = match self.format {
            Format::Json => json!({"event": "translated", "input": job.input,
                "output": translated.output, "width": translated.width,
                "height": translated.height, "tiles": translated.tiles,
                "as_whole": translated.exact, "seconds": seconds})
            .to_string(),
            Format::Human | Format::Plain => translated.output.display().to_string(),
        };
        self.bar.inc(1);
        print_result!("{line}")
    }

    fn kept(&mut self, job: &Job) -> Result<(), ResultError> {
        self.kept += 1;
        self.show(&job.input, &job.output);
        self.bar.inc(1);
        match self.format {
            Format::Json => {
                let line = json!({"event": "kept", "input": job.input, "output": job.output});
                print_result!("{line}")
            }
            Format::Human | Format::Plain => Ok(()),
        }
    }

    fn failed(&mut self, input: &Path, error: &TranslateFileError) {
        self.failed += 1;
        let message = error.to_string();
        match self.format {
            Format::Json => notice!(
                "{}",
                json!({"event": "error", "input": input, "message": message})
            ),
            Format::Human | Format::Plain if self.failures.len() < FAILURES_LISTED => {
                self.failures.push(message);
            }
            Format::Human | Format::Plain => notice!("error: {message}"),
        }
        self.bar.inc(1);
    }

    /// Says once that colour profiles are not followed.
    fn note_colors(&mut self, input: &Path) {
        if !self.told_of_colors && image_file::has_other_colors(input) {
            self.told_of_colors = true;
            self.note(&format!(
                "{}: its colour profile (ICC) is ignored, here and in other files: samples are \
                 taken for sRGB; convert images to sRGB first where colours matter",
                input.display()
            ));
        }
    }

    /// Says once that of a moving image one frame alone is translated.
    fn note_frames(&mut self, input: &Path) {
        if !self.told_of_frames && image_file::is_animated(input) {
            self.told_of_frames = true;
            self.note(&format!(
                "{}: has several frames, of which the first alone is translated, here and in other \
                 files; save the others as files of their own first",
                input.display()
            ));
        }
    }

    /// Says once why tiles give another result than the whole image would.
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
                 the whole image: --overlap {}, with --tile {} or more",
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
                 other, because instance norms take statistics of each tile; scale the image \
                 down, or take larger tiles with --tile, if that shows"
            ),
        };
        self.note(&message);
    }

    fn note(&self, message: &str) {
        match self.format {
            Format::Json => notice!("{}", json!({"event": "warning", "message": message})),
            Format::Human | Format::Plain => notice!("note: {message}"),
        }
    }

    /// The end, and the exit code; images that nobody has come to were left by an interruption.
    fn finished(&self, output: &Path, folder: &Path) -> Result<ExitCode> {
        self.bar.finish_and_clear();
        for failure in &self.failures {
            notice!("error: {failure}");
        }
        let left = self.total - self.translated - self.kept - self.failed;
        match self.format {
            Format::Json => self.finished_in_json(left)?,
            Format::Human | Format::Plain => self.finished_in_words(left, output, folder),
        }
        Ok(match (left, self.failed) {
            (1.., _) => ExitCode::from(INTERRUPTED),
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::FAILURE,
        })
    }

    fn finished_in_json(&self, left: usize) -> Result<(), ResultError> {
        if left > 0 {
            notice!("{}", json!({"event": "interrupted", "left": left}));
            return Ok(());
        }
        print_result!(
            "{}",
            json!({"event": "finished", "pictures": self.total, "translated": self.translated,
                "kept": self.kept, "failed": self.failed})
        )
    }

    fn finished_in_words(&self, left: usize, output: &Path, folder: &Path) {
        let (total, kept, failed) = (self.total, self.kept, self.failed);
        if kept > 0 {
            talk!(
                "{kept} of {total} results were there and are kept; --overwrite makes them again, \
                 with another model for instance"
            );
        }
        talk!(
            "{} translated in {:.1} s, into {}",
            counted(self.translated, "image"),
            self.started.elapsed().as_secs_f64(),
            output.display()
        );
        if self.shown.is_some() {
            talk!("side by side: {}", folder.join(PAGE_FILE).display());
        }
        if failed > 0 {
            notice!(
                "{failed} of {} failed, the others are done",
                counted(total, "image")
            );
        }
        if left > 0 {
            let words: Vec<String> = std::env::args()
                .map(|word| console::shell_word(&word))
                .collect();
            let share = if self.is_share { "" } else { " --shard 1/1" };
            notice!(
                "stopped with {} to go; go on with them:\n  {}{share}",
                counted(left, "image"),
                words.join(" ")
            );
        }
    }
}
