//! The one place that tells people and files what happens in a run.

mod append_file;
mod chart;
mod history;
mod images;
mod metrics_file;
mod page;
mod reading;
mod tensorboard;
mod terminal;

use std::path::{Path, PathBuf};

use crate::run::RunError;
use crate::run::event::Event;
use crate::run_folder::{RunFolder, write_whole};
use crate::system::console::Format;
use history::History;
use images::Images;
use metrics_file::MetricsFile;
use tensorboard::TensorBoardFile;
use terminal::{Human, Json, Plain};

pub use history::ReportError;
pub use terminal::{metrics_table, rows_table};

/// Passes each event on to the terminal and to the files of the run folder.
pub struct Reporter {
    terminal: Terminal,
    metrics: MetricsFile,
    tensorboard: TensorBoardFile,
    page: Page,
}

/// `report.html` of a run that goes on.
#[derive(Default)]
struct Page {
    run: Option<PathBuf>,
    images: Images,
    failed: bool,
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
            page: Page::default(),
        }
    }

    /// Reports one event. A file that cannot be written is a warning, once.
    pub fn on(&mut self, event: &Event<'_>) {
        self.tell(event);
        let problems = [
            self.metrics.on(event),
            self.tensorboard.on(event),
            self.page.on(event),
        ];
        for message in problems.into_iter().flatten() {
            self.tell(&Event::Warning { message });
        }
    }

    /// Puts the end of a run that failed onto record. The error itself is told elsewhere.
    pub fn failed(&mut self, error: &RunError) {
        let message = format!("the run stopped: {error}");
        if self.page.run.is_some() {
            self.metrics.on(&Event::Warning { message });
            self.page.write();
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

impl Page {
    fn on(&mut self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Started { run, .. } => {
                self.run = Some(run.clone());
                None
            }
            Event::Validated { .. } | Event::Finished { .. } => self.write(),
            _ => None,
        }
    }

    /// Writes the page; the first failure of a row of them gives a message.
    fn write(&mut self) -> Option<String> {
        let run = self.run.as_deref()?;
        let written = write_page(run, &RunFolder::open(run).report(), &mut self.images);
        let told_before = std::mem::replace(&mut self.failed, written.is_err());
        let error = written.err().filter(|_| !told_before)?;
        Some(format!("the report is not up to date: {error}"))
    }
}

/// Writes the page of a run, to `output` or into its folder, whole or not at all. Gives its path.
pub fn write_report(run: &Path, output: Option<&Path>) -> Result<PathBuf, ReportError> {
    let path = output.map_or_else(|| RunFolder::open(run).report(), Path::to_path_buf);
    write_page(run, &path, &mut Images::default())?;
    Ok(path)
}

fn write_page(run: &Path, path: &Path, images: &mut Images) -> Result<(), ReportError> {
    let history = History::read(run)?;
    write_whole(path, page::page(&history, images).as_bytes())?;
    Ok(())
}
