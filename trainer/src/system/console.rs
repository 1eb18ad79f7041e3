//! What the program says: results on stdout, talk on stderr. Neither tears the progress bar, and
//! nobody who stops reading stops the work.

use std::fmt::{Arguments, Display};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, WeakProgressBar};
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

use crate::system::printable::printable;

/// As `println!`, for a line of the result.
macro_rules! print_result {
    ($($words:tt)*) => { $crate::system::console::write_result(format_args!($($words)*)) };
}

/// As `eprintln!`, for talk.
macro_rules! talk {
    ($($words:tt)*) => { $crate::system::console::write_talk(format_args!($($words)*)) };
}

/// As `eprintln!`, for what must not be missed.
macro_rules! notice {
    ($($words:tt)*) => { $crate::system::console::write_notice(format_args!($($words)*)) };
}

/// How a command talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Progress bars on a terminal, plain lines elsewhere.
    Human,
    /// Lines of text.
    Plain,
    /// A JSON object a line.
    Json,
}

/// How often a bar is drawn in a second: a slow terminal must not slow a training down.
const DRAWS_PER_SECOND: u8 = 4;

/// Of a bar that counts.
const PROGRESS: &str = "{bar:32.cyan/dim} {pos}/{len}  {rate}  ETA {eta}";

static QUIET: AtomicBool = AtomicBool::new(false);
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

#[derive(Debug, Error)]
#[error("the result cannot be written to stdout ({0}); check where it goes, and the space there")]
pub struct ResultError(#[from] io::Error);

impl ResultError {
    /// Whether the reader has gone, as `head` does when it has enough.
    pub fn has_no_reader(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// From now on, only warnings, errors and results are told.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// A line of the result. In this and all that follows, no text of others commands a terminal.
pub fn write_result(line: Arguments<'_>) -> Result<(), ResultError> {
    above_bar(|| writeln!(io::stdout(), "{}", printable(&line.to_string())))?;
    Ok(())
}

/// The result as JSON, or in words.
pub fn print_either(
    format: Format,
    json: &impl Serialize,
    words: impl Display,
) -> Result<(), ResultError> {
    match format {
        Format::Json => {
            let json = serde_json::to_string(json).map_err(io::Error::from)?;
            print_result!("{json}")
        }
        Format::Human | Format::Plain => print_result!("{words}"),
    }
}

/// A line of talk, which `--quiet` leaves out. Nobody has to listen.
pub fn write_talk(line: Arguments<'_>) {
    if !QUIET.load(Ordering::Relaxed) {
        write_notice(line);
    }
}

/// A line that is told in any case. Nobody has to listen.
pub fn write_notice(line: Arguments<'_>) {
    let _ = above_bar(|| writeln!(io::stderr(), "{}", printable(&line.to_string())));
}

/// A bar on stderr, if that is a terminal. Lines that are told appear above it.
pub fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let shows = io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed);
    let target = match shows {
        true => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(length, target);
    restyle(&bar, template);
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = Some(bar.downgrade());
    }
    bar
}

/// Tells what is odd, while the work goes on.
pub fn warning(format: Format, message: &str) {
    match format {
        Format::Json => notice!("{}", json!({"event": "warning", "message": message})),
        Format::Human | Format::Plain => notice!("warning: {message}"),
    }
}

/// A bar for people.
pub fn progress(length: usize, format: Format) -> ProgressBar {
    match format {
        Format::Human => bar(Some(length as u64), PROGRESS),
        Format::Plain | Format::Json => ProgressBar::hidden(),
    }
}

/// Gives a bar another template, in which `{rate}` is always of the same width.
pub fn restyle(bar: &ProgressBar, template: &str) {
    let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{:>6.2}/s", state.per_sec());
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate));
    }
}

fn above_bar<T>(write: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().ok().and_then(|shown| shown.clone());
    match shown.and_then(|bar| bar.upgrade()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

pub(crate) use {notice, print_result, talk};

/// "1 image", "2 images".
pub fn counted(count: usize, noun: &str) -> String {
    let count_shown = indicatif::HumanCount(count as u64);
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count_shown} {noun}s"),
    }
}

/// How this program was called, so that a command that is shown can be pasted.
pub fn program() -> String {
    let name = std::env::args().next();
    shell_word(name.as_deref().unwrap_or("trainer"))
}

/// A word as a POSIX shell takes it.
pub fn shell_word(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=,+@%".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_spaces_and_quotes_is_one_word_of_a_shell() {
        assert_eq!(shell_word("runs/a-b_1.2"), "runs/a-b_1.2");
        assert_eq!(shell_word("my run"), "'my run'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn one_thing_is_singular() {
        assert_eq!(counted(1, "image"), "1 image");
        assert_eq!(counted(1200, "image"), "1,200 images");
    }
}
