//! Files of others, nearly valid: whatever is in them, reading ends soon, with a result or an
//! error, and takes no more memory than its format allows. Each case follows from a seed and a
//! number. Cases run in a process of their own, which may die; `cargo xtask fuzz` runs many.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "fuzz/formats.rs"]
mod formats;
#[path = "fuzz/mutate.rs"]
mod mutate;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use trainer::system::memory::{peak_resident_bytes, resident_bytes};

use formats::{FORMATS, Format, write_valid};

/// Longest that one case may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Address space of the process, in KiB, where there is such a limit: far above what a case may
/// take, so that the machine survives.
const ADDRESSES: u32 = 12 << 20;
/// Cases of one process.
const BATCH: u64 = 100;

/// What came of the cases of a format.
#[derive(Default)]
struct Tally {
    cases: u64,
    accepted: u64,
    /// Bytes beyond what the process had before, and the case.
    peak: (u64, u64),
    slowest: (Duration, u64),
    failures: Vec<String>,
}

#[test]
fn nearly_valid_files_of_every_format_are_read_or_refused() {
    let tallies = fuzz(1, |_, cases| cases < 40, None);
    let failures: Vec<_> = tallies.values().flat_map(|tally| &tally.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    for (name, tally) in &tallies {
        assert!(tally.cases >= 40, "{name}: {}", tally.cases);
    }
}

/// `FUZZ_SECONDS`, `FUZZ_SEED` and `FUZZ_FORMAT` say how long, which cases and of which format.
#[test]
#[ignore = "runs as long as it is told to, by `cargo xtask fuzz`"]
fn nearly_valid_files_for_a_while() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(60));
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let started = Instant::now();
    let only = env::var("FUZZ_FORMAT").ok();
    let tallies = fuzz(seed, |_, _| started.elapsed() < seconds, only.as_deref());
    let mut failed = 0;
    println!(
        "{:<12} {:>8} {:>8} {:>10} {:>9}  failed",
        "format", "cases", "read", "peak", "slowest"
    );
    for (name, tally) in &tallies {
        let Tally {
            cases,
            accepted,
            peak,
            slowest,
            failures,
        } = tally;
        let (peak, slowest) = (peak.0 >> 20, slowest.0.as_secs_f64());
        let failures_count = failures.len();
        println!(
            "{name:<12} {cases:>8} {accepted:>8} {peak:>6} MiB {slowest:>7.2} s  {failures_count}"
        );
        failures.iter().for_each(|failure| println!("  {failure}"));
        failed += failures_count;
    }
    assert_eq!(
        failed,
        0,
        "of these cases; the files are in {}",
        kept().display()
    );
}

/// What a process of its own does: cases `FUZZ_FIRST` and those after it.
#[test]
#[ignore = "started by the tests above"]
fn cases() {
    let variable = |name: &str| env::var(name).expect(name);
    let format = variable("FUZZ_FORMAT").parse::<usize>().expect("an index");
    let (seed, first) = (variable("FUZZ_SEED"), variable("FUZZ_FIRST"));
    let (seed, first): (u64, u64) = (
        seed.parse().expect("a seed"),
        first.parse().expect("a case"),
    );
    let valid = PathBuf::from(variable("FUZZ_VALID"));
    for case in first..first + BATCH {
        let place = scratch();
        make(format, seed, case, &valid, place.path());
        println!("\nbegun {case}");
        let before = forget_peak();
        let started = Instant::now();
        let outcome = FORMATS[format].read(place.path());
        let micros = started.elapsed().as_micros();
        let peak = peak_resident_bytes().unwrap_or(0).saturating_sub(before);
        println!(
            "\nended {case} {} {peak} {micros}",
            u8::from(outcome.is_ok())
        );
    }
}

fn make(format: usize, seed: u64, case: u64, valid: &Path, place: &Path) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((format as u64) << 48 | case);
    FORMATS[format].make(valid, place, &mut rng);
}

/// In memory where there is such a place: most of the time goes into making and deleting files.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a folder")
}

/// Bytes in memory now, from which on Linux counts the peak anew.
fn forget_peak() -> u64 {
    let _ = fs::write("/proc/self/clear_refs", "5");
    resident_bytes().unwrap_or(0)
}

/// Cases of all formats in turn, on as many processes as there are cores, while `goes_on` says so
/// of a format and its number of cases.
fn fuzz(
    seed: u64,
    goes_on: impl Fn(&Format, u64) -> bool + Sync,
    only: Option<&str>,
) -> BTreeMap<&'static str, Tally> {
    let valid = scratch();
    write_valid(valid.path(), train);
    let chosen = |index: &usize| only.is_none_or(|name| FORMATS[*index].name == name);
    let chosen: Vec<usize> = (0..FORMATS.len()).filter(chosen).collect();
    let next: Vec<AtomicU64> = FORMATS.iter().map(|_| AtomicU64::new(0)).collect();
    let tallies = Mutex::new(BTreeMap::<&str, Tally>::new());
    let turn = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut idle = 0;
                while idle < chosen.len() {
                    let format = chosen[turn.fetch_add(1, Ordering::Relaxed) % chosen.len()];
                    if !goes_on(&FORMATS[format], next[format].load(Ordering::Relaxed)) {
                        idle += 1;
                        continue;
                    }
                    let first = next[format].fetch_add(BATCH, Ordering::Relaxed);
                    let mut tally = Tally::default();
                    run_batch(format, seed, first, valid.path(), &mut tally);
                    let mut tallies = tallies.lock().expect("no panic");
                    tallies.entry(FORMATS[format].name).or_default().add(tally);
                }
            });
        }
    });
    tallies.into_inner().expect("no panic")
}

fn train(folder: &Path) {
    let words = "train --model cyclegan --run run --net-g unet_128 --size 128 --base 1 --base-d 1 \
                 --steps 2 --device cpu --workers 1";
    let status = Command::new(env!("CARGO_BIN_EXE_trainer"))
        .current_dir(folder)
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("the trainer starts").success());
}

/// A batch goes on behind a case that ended its process.
fn run_batch(format: usize, seed: u64, first: u64, valid: &Path, tally: &mut Tally) {
    let mut next = first;
    while next < first + BATCH {
        let mut child = start(format, seed, next, valid);
        let failed = watch(&mut child, &FORMATS[format], tally, next..first + BATCH);
        let _ = child.kill();
        let status = child.wait().expect("it was started");
        let Some((case, problem)) = failed else {
            return;
        };
        let problem = problem.unwrap_or_else(|| status.to_string());
        let name = FORMATS[format].name;
        let place = kept().join(format!("{name}-{seed}-{case}"));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).expect("room");
        make(format, seed, case, valid, &place);
        tally
            .failures
            .push(format!("{name}, seed {seed}, case {case}: {problem}"));
        tally.cases += 1;
        next = case + 1;
    }
}

/// Where the files of cases that fail are kept.
fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz")
}

fn start(format: usize, seed: u64, first: u64, valid: &Path) -> Child {
    let this = env::current_exe().expect("this program");
    let mut command = match cfg!(target_os = "linux") {
        true => {
            let mut shell = Command::new("sh");
            let line = format!("ulimit -v {ADDRESSES}; exec \"$0\" \"$@\"");
            shell.arg("-c").arg(line).arg(this);
            shell
        }
        false => Command::new(this),
    };
    command.args(["--exact", "cases", "--ignored", "--nocapture"]);
    command
        .env("FUZZ_FORMAT", format.to_string())
        .env("FUZZ_SEED", seed.to_string());
    command
        .env("FUZZ_FIRST", first.to_string())
        .env("FUZZ_VALID", valid);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().expect("this program starts")
}

/// Counts cases until one hangs, takes too much, or ends the process: that case, and what was
/// wrong if it is not the process's end.
fn watch(
    child: &mut Child,
    format: &Format,
    tally: &mut Tally,
    cases: Range<u64>,
) -> Option<(u64, Option<String>)> {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        output
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    let mut begun = cases.start;
    loop {
        let line = match lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                return Some((begun, Some(format!("no end after {PATIENCE:?}"))));
            }
            Err(RecvTimeoutError::Disconnected) => return Some((begun, None)),
        };
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        match (words[0], number(1)) {
            ("begun", Some(case)) => begun = case,
            ("ended", Some(case)) => {
                let (peak, micros) = (number(3).unwrap_or(0), number(4).unwrap_or(0));
                if peak > format.memory {
                    return Some((case, Some(format!("took {} MiB", peak >> 20))));
                }
                tally.cases += 1;
                tally.accepted += number(2).unwrap_or(0);
                tally.peak = tally.peak.max((peak, case));
                tally.slowest = tally.slowest.max((Duration::from_micros(micros), case));
                if case + 1 >= cases.end {
                    return None;
                }
            }
            _ => {}
        }
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.accepted += other.accepted;
        self.peak = self.peak.max(other.peak);
        self.slowest = self.slowest.max(other.slowest);
        self.failures.extend(other.failures);
    }
}
