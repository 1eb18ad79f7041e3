//! The one place that tells people and files what happens in a run.

pub mod metrics_file;
mod terminal;

use std::path::Path;

use clap::ValueEnum;

use crate::event::Event;
use metrics_file::MetricsFile;
pub use terminal::metrics_table;
use terminal::{Human, Json, Plain};

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

/// Passes each event on to the terminal and to `metrics.jsonl`.
pub struct Reporter {
    terminal: Terminal,
    metrics: MetricsFile,
}

enum Terminal {
    Human(Human),
    Plain(Plain),
    Json(Json),
}

impl Reporter {
    /// Reports in `format`, and into the file `metrics`.
    pub fn new(format: Format, metrics: &Path) -> Self {
        use std::io::IsTerminal;
        let terminal = match format {
            Format::Human if std::io::stderr().is_terminal() => Terminal::Human(Human::new()),
            Format::Human | Format::Plain => Terminal::Plain(Plain::new()),
            Format::Json => Terminal::Json(Json),
        };
        Self {
            terminal,
            metrics: MetricsFile::new(metrics),
        }
    }

    /// Reports one event. A file of metrics that cannot be written is a warning, once.
    pub fn on(&mut self, event: &Event<'_>) {
        self.tell(event);
        if let Some(message) = self.metrics.on(event) {
            self.tell(&Event::Warning { message });
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        match &mut self.terminal {
            Terminal::Human(human) => human.on(event),
            Terminal::Plain(plain) => plain.on(event),
            Terminal::Json(json) => json.on(event),
        }
    }
}
