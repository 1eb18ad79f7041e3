//! The one place that tells people and files what happens in a run.

mod append_file;
mod memory;
pub mod metrics_file;
mod tensorboard;
mod terminal;

use std::path::Path;

use clap::ValueEnum;

use crate::checkpoint::RunFolder;
use crate::event::Event;
use metrics_file::MetricsFile;
use tensorboard::TensorBoardFile;
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

/// Name of the page in a run folder.
pub const REPORT_FILE: &str = "report.html";

/// Passes each event on to the terminal and to the files of the run folder.
pub struct Reporter {
    terminal: Terminal,
    metrics: MetricsFile,
    tensorboard: TensorBoardFile,
}

enum Terminal {
    Human(Human),
    Plain(Plain),
    Json(Json),
}

impl Reporter {
    /// Reports in `format`, and into files of the run folder `root` once something happened.
    pub fn new(format: Format, root: &Path) -> Self {
        use std::io::IsTerminal;
        let terminal = match format {
            Format::Human if std::io::stderr().is_terminal() => Terminal::Human(Human::new()),
            Format::Human | Format::Plain => Terminal::Plain(Plain::new()),
            Format::Json => Terminal::Json(Json),
        };
        Self {
            terminal,
            metrics: MetricsFile::new(RunFolder::open(root).metrics()),
            tensorboard: TensorBoardFile::new(root),
        }
    }

    /// Reports one event. A file that cannot be written is a warning, once.
    pub fn on(&mut self, event: &Event<'_>) {
        self.tell(event);
        let problems = [self.metrics.on(event), self.tensorboard.on(event)];
        for message in problems.into_iter().flatten() {
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
