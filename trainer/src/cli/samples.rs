//! `trainer data samples`: what a run learns from as files, for the eye and for other programs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use model::Encoding;
use model::training::ModelKind;
use serde_json::json;

use crate::config::words::at_least_one;
use crate::data::Pair;
use crate::data::loader::Loader;
use crate::evaluate::judge::fixed_pairs;
use crate::image_file::grid::{combined, painted};
use crate::image_file::write_rgb_png;
use crate::run_folder::RunFolder;
use crate::system::console::{Format, print_either, progress, warning};
use crate::system::files::make_folder;

#[derive(Debug, Args)]
pub(super) struct SamplesArgs {
    /// Folder of a run of pix2pix
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Folder to write; gets `train`, in the order of the training, and `val` inside
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Training samples to write [default: as many as the run takes]
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    count: Option<u64>,
}

pub(super) fn run(args: &SamplesArgs, format: Format) -> Result<ExitCode> {
    let config = RunFolder::open(&args.run).config()?;
    if config.model == ModelKind::CycleGan {
        return Err(anyhow!(
            "{}: cyclegan learns without pairs; name a run of pix2pix",
            args.run.display()
        ));
    }
    let (mut train, mut validation) = config.data.open(config.seed, false)?;
    let mut left_out = train.drop_unusable(config.frame())?;
    left_out.extend(validation.drop_unusable(config.validation_frame())?);
    for problem in left_out {
        warning(format, &format!("left out: {problem}"));
    }
    let encodings = train.encodings();
    let [train_folder, val_folder] = ["train", "val"].map(|part| args.folder.join(part));
    [&train_folder, &val_folder]
        .into_iter()
        .try_for_each(|folder| make_folder(folder))?;
    let count = args.count.unwrap_or(config.steps * u64::from(config.batch));
    let bar = progress(count as usize + validation.len(), format);
    let mut loader = Loader::start(train, config.loader(), 0);
    let mut written = 0;
    while written < count {
        let Some(loaded) = loader.next_batch() else {
            break;
        };
        for pair in loaded.pairs.iter().take((count - written) as usize) {
            write_pair(&train_folder, written, pair, encodings)?;
            written += 1;
            bar.inc(1);
        }
    }
    let pairs = fixed_pairs(
        &validation,
        config.validation_frame(),
        validation.len(),
        |_| (),
    );
    let mut validating = 0;
    for pair in pairs {
        write_pair(&val_folder, validating, &pair, encodings)?;
        validating += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let result = json!({"folder": args.folder, "train": written, "validation": validating});
    print_either(format, &result, args.folder.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Input left, target right, as people see them.
fn write_pair(
    folder: &Path,
    number: u64,
    pair: &Pair,
    (input, target): (Encoding, Encoding),
) -> Result<()> {
    let left = painted(&input.shown(&pair.real_a, &pair.real_a));
    let right = painted(&target.shown(&pair.real_b, &pair.real_a));
    write_rgb_png(
        &folder.join(format!("{number:06}.png")),
        combined(&left, &right),
    )?;
    Ok(())
}
