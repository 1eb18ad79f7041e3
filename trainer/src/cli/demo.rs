//! `trainer data demo`: the drawn façades as files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Args;
use serde_json::json;

use crate::config::words::{at_least_one, share};
use crate::data::demo::{self, DemoSplit};
use crate::image_file::grid::combined;
use crate::image_file::write_rgb_png;
use crate::system::console::{Format, print_either, progress};
use crate::system::files::make_folder;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Folder to write; gets `train` and `val` inside
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Images to train on; a quarter as many validate
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = at_least_one::<u64>)]
    count: u64,
    /// Side of each half in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    /// Share of façades of which only a part is seen, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    close_ups: f64,
    /// Seed of the set
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Refuses a folder that has images already: half of them would be of another set.
pub(super) fn run(args: &DemoArgs, format: Format) -> Result<ExitCode> {
    let parts = [
        ("train", DemoSplit::Train, args.count),
        ("val", DemoSplit::Val, args.count.div_ceil(4)),
    ];
    for (name, ..) in parts {
        let folder = args.folder.join(name);
        let has_files = std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some());
        if has_files {
            return Err(anyhow!(
                "{}: has files already; name another folder, or remove them",
                folder.display()
            ));
        }
    }
    let bar = progress(
        parts.iter().map(|(_, _, count)| *count as usize).sum(),
        format,
    );
    for (name, split, count) in parts {
        let folder = args.folder.join(name);
        make_folder(&folder)?;
        for index in 0..count {
            let facade =
                demo::facade_or_close_up((args.seed, split, index), args.size, args.close_ups);
            let combined = combined(&facade.label, &facade.photo);
            write_rgb_png(&folder.join(format!("{index:04}.png")), combined)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let [(_, _, train), (_, _, validation)] = parts;
    let result = json!({"folder": args.folder, "train": train, "validation": validation});
    print_either(format, &result, args.folder.display())?;
    Ok(ExitCode::SUCCESS)
}
