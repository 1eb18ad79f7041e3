//! `trainer data fetch`: the words of the command, and its progress as bars, lines or JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Args;
use indicatif::{HumanBytes, ProgressBar};
use serde_json::json;

use super::exit::INTERRUPTED;
use super::stop::stop_flag;
use crate::data::fetch::{FetchEvent, FetchOutcome, FetchRequest, fetch};
use crate::recipes::{DataSet, Source, data_name_parser, find_data};
use crate::system::console::{self, Format, print_either, talk};

/// How often a log without bars tells how far it is.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR: &str = "{bar:32.cyan/dim} {bytes}/{total_bytes}  {bytes_per_sec}  ETA {eta}";
const COUNT: &str = "{spinner} {bytes}  {bytes_per_sec}";
const UNPINNED: &str = "no SHA-256 is known for this archive, so that nobody can tell whether it \
    was altered on the way; the one printed at the end, passed as --sha256, makes later downloads \
    the same";
const FILES: &str = "{spinner} unpacking: {msg}";

#[derive(Debug, Args)]
pub(super) struct FetchArgs {
    /// Data set, or a recipe that needs it (`trainer recipes` lists them)
    #[arg(value_name = "NAME", value_parser = data_name_parser(), hide_possible_values = true)]
    name: String,
    /// Folder to make [default: datasets/NAME]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Another address of the archive: a tar, tar.gz or zip
    #[arg(long)]
    url: Option<String>,
    /// SHA-256 that the archive must have [default: the known one, without --url]
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// Keep the archive beside the folder
    #[arg(long)]
    keep_archive: bool,
    /// How often in a row a failed connection is tried again
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    retries: u32,
    /// Seconds that a server may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(args: &FetchArgs, format: Format) -> Result<ExitCode> {
    let set = find_data(&args.name).ok_or_else(|| {
        anyhow!(
            "{}: no such data set; `trainer recipes` lists all",
            args.name
        )
    })?;
    let request = request(args, set)?;
    let mut talk = Talk::new(format);
    talk.licence(set);
    if request.sha256.is_none() && !has_content(&request.target) {
        console::warning(format, UNPINNED);
    }
    let stop = stop_flag("part")?;
    let outcome = fetch(&request, &stop, &mut |event| talk.on(&event));
    talk.bar.finish_and_clear();
    let target = request.target.display();
    match outcome? {
        FetchOutcome::AlreadyThere => {
            talk.say(&format!(
                "{target} is already there; remove it to fetch it again"
            ));
            let result = json!({"event": "already_there", "folder": request.target});
            print_either(format, &result, &target)?;
        }
        FetchOutcome::Fetched {
            archive_bytes,
            sha256,
            unpacked,
            archive,
        } => {
            talk.say(&format!("SHA-256 of the archive: {sha256}"));
            talk.say(&format!(
                "{} files, {}",
                unpacked.files,
                HumanBytes(unpacked.bytes)
            ));
            let result = json!({"event": "fetched", "folder": request.target,
                "archive_bytes": archive_bytes, "sha256": sha256, "files": unpacked.files,
                "bytes": unpacked.bytes, "archive": archive});
            print_either(format, &result, &target)?;
        }
        FetchOutcome::Interrupted { part } => {
            let path = part.display();
            talk.say(&format!(
                "stopped; run the same command again to resume from {path}"
            ));
            if format == Format::Json {
                talk!("{}", json!({"event": "interrupted", "part": part}));
            }
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn request(args: &FetchArgs, set: &DataSet) -> Result<FetchRequest> {
    let target = args.output.clone().unwrap_or_else(|| set.folder());
    let (url, bytes, known) = match (&args.url, set.source) {
        (Some(url), _) => (url.as_str(), None, None),
        (
            None,
            Source::Archive {
                url, bytes, sha256, ..
            },
        ) => (url, bytes, sha256),
        // What somebody has put there is found before anything is asked for.
        (None, Source::ByHand { page, .. }) if has_content(&target) => (page, None, None),
        (None, Source::ByHand { page, instructions }) => {
            return Err(anyhow!(
                "{}: no program may download it ({}). By hand from {page}: {instructions}",
                set.name,
                set.license
            ));
        }
    };
    Ok(FetchRequest {
        url: url.to_string(),
        bytes,
        sha256: args.sha256.clone().or_else(|| known.map(String::from)),
        target,
        keep_archive: args.keep_archive,
        retries: args.retries,
        timeout: Duration::from_secs(args.timeout),
    })
}

fn has_content(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder);
    entries.is_ok_and(|mut entries| entries.next().is_some())
}

fn sha256(text: &str) -> Result<String, String> {
    let right = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match right {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("must be 64 hexadecimal digits, as `sha256sum` prints them".to_string()),
    }
}

/// Tells people or programs what happens.
struct Talk {
    format: Format,
    bar: ProgressBar,
    /// When how far it is was told, and whether that was about unpacking.
    told: Option<(Instant, bool)>,
}

impl Talk {
    fn new(format: Format) -> Self {
        Self {
            format,
            bar: match format {
                Format::Human => console::bar(None, COUNT),
                Format::Plain | Format::Json => ProgressBar::hidden(),
            },
            told: None,
        }
    }

    fn licence(&self, set: &DataSet) {
        match self.format {
            Format::Json => talk!(
                "{}",
                json!({"event": "licence", "license": set.license, "citation": set.citation})
            ),
            Format::Human | Format::Plain => {
                talk!("licence: {}\nplease cite: {}", set.license, set.citation);
            }
        }
    }

    fn on(&mut self, event: &FetchEvent<'_>) {
        self.draw(event);
        match (self.format, event) {
            (_, FetchEvent::Received { .. } | FetchEvent::Unpacking { .. })
                if !self.is_due(event) => {}
            (Format::Json, event) => talk!("{}", json!(event)),
            (_, FetchEvent::Received { .. } | FetchEvent::Unpacking { .. })
                if !self.bar.is_hidden() => {}
            (_, event) => self.say(&in_words(event)),
        }
    }

    fn draw(&self, event: &FetchEvent<'_>) {
        match event {
            FetchEvent::Downloading {
                total, resumed_at, ..
            } => {
                console::restyle(&self.bar, if total.is_some() { BAR } else { COUNT });
                self.bar.set_length(total.unwrap_or(0));
                self.bar.set_position(*resumed_at);
                self.bar.reset_eta();
            }
            FetchEvent::Received { bytes, .. } => self.bar.set_position(*bytes),
            FetchEvent::Unpacking { .. } => {
                console::restyle(&self.bar, FILES);
                self.bar.set_message(in_words(event));
            }
            _ => {}
        }
    }

    fn is_due(&mut self, event: &FetchEvent<'_>) -> bool {
        let unpacks = matches!(event, FetchEvent::Unpacking { .. });
        let due = self
            .told
            .is_none_or(|(told, was)| was != unpacks || told.elapsed() >= LINE_EVERY);
        if due {
            self.told = Some((Instant::now(), unpacks));
        }
        due
    }

    /// A line of talk; JSON has its events instead.
    fn say(&self, line: &str) {
        if self.format != Format::Json {
            talk!("{line}");
        }
    }
}

fn in_words(event: &FetchEvent<'_>) -> String {
    match event {
        FetchEvent::Downloading {
            url,
            total,
            resumed_at,
        } => {
            let size = total.map_or("unknown size".to_string(), |total| {
                HumanBytes(total).to_string()
            });
            match resumed_at {
                0 => format!("downloading {url} ({size})"),
                _ => format!("resuming {url} at {} of {size}", HumanBytes(*resumed_at)),
            }
        }
        FetchEvent::Received { bytes, total } => {
            let share = total.map_or(String::new(), |total| {
                format!(" ({}%)", bytes * 100 / total.max(1))
            });
            format!("{}{share}", HumanBytes(*bytes))
        }
        FetchEvent::Retrying { reason, wait } => {
            format!("{reason}; trying again in {:.1} s", wait.as_secs_f64())
        }
        FetchEvent::Restarted { reason } => format!("{reason}; beginning again"),
        FetchEvent::Checking { bytes } => format!("checking {}", HumanBytes(*bytes)),
        FetchEvent::Unpacking { files, bytes } => {
            format!("{files} files, {}", HumanBytes(*bytes))
        }
    }
}
