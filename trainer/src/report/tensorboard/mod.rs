//! `events.out.tfevents.…`: scalars and images of a run, as TensorBoard reads them.

mod messages;
mod records;

use std::io::Cursor;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use image::{DynamicImage, ImageFormat};

use super::append_file::AppendFile;
use crate::evaluate::metrics::COLUMNS;
use crate::run::event::Event;
use messages::{Summary, What, encoded};
use records::framed;

const LOST: &str = "TensorBoard shows nothing new";

/// The file of one start of a run.
pub(super) struct TensorBoardFile {
    file: AppendFile,
    begun: bool,
    config: String,
}

impl TensorBoardFile {
    /// A file in the folder `root` that no other start of the run writes.
    pub(super) fn new(root: &Path) -> Self {
        let seconds = wall_time() as u64;
        let process = std::process::id();
        let name = format!("events.out.tfevents.{seconds:010}.trainer.{process}");
        Self {
            file: AppendFile::new(root.join(name)),
            begun: false,
            config: String::new(),
        }
    }

    /// Appends what belongs into the file; a failure gives a message, once.
    pub(super) fn on(&mut self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Started { config, .. } => {
                let json = serde_json::to_string_pretty(config).unwrap_or_default();
                self.config = format!("```json\n{json}\n```");
                None
            }
            Event::Step {
                step,
                losses,
                lr,
                pace,
                ..
            } => {
                let named = losses.iter();
                let mut values: Vec<Summary> = named
                    .map(|(name, value)| Summary::scalar(format!("loss/{name}"), value))
                    .collect();
                values.push(Summary::scalar("schedule/lr", *lr as f32));
                let rate = pace.steps_per_second() as f32;
                values.push(Summary::scalar("speed/steps_per_second", rate));
                if let Some(bytes) = crate::system::memory::resident_bytes() {
                    let mebibytes = (bytes >> 20) as f32;
                    values.push(Summary::scalar("memory/program_MiB", mebibytes));
                }
                self.append(*step, values)
            }
            Event::Validated { step, .. } => self.append(*step, validation(event)),
            _ => None,
        }
    }

    fn append(&mut self, step: u64, values: Vec<Summary>) -> Option<String> {
        let mut events = Vec::new();
        if !self.begun {
            let config = Summary::text("config", std::mem::take(&mut self.config));
            // What an earlier start wrote about this step and later ones is void from here on.
            events.extend([What::Version, What::Start, What::Values(vec![config])]);
            self.begun = true;
        }
        events.push(What::Values(values));
        let wall_time = wall_time();
        let records = events
            .iter()
            .flat_map(|what| framed(&encoded(wall_time, step, what)));
        self.file.append(&records.collect::<Vec<u8>>(), LOST)
    }
}

fn validation(event: &Event<'_>) -> Vec<Summary> {
    let Event::Validated {
        evaluation,
        grid,
        snapshot,
        ..
    } = event
    else {
        return Vec::new();
    };
    let mut values = Vec::new();
    if evaluation.count > 0 {
        let rows = [("output", &evaluation.output), ("input", &evaluation.input)];
        for (row, metrics) in rows {
            values.extend(COLUMNS.iter().filter_map(|column| {
                let tag = format!("validation_{}/{row}", column.tag);
                Some(Summary::scalar(tag, column.of(metrics)? as f32))
            }));
        }
    }
    for outputs in &snapshot.outputs {
        let name = &outputs.name;
        let named = [
            ("variety", outputs.variety),
            ("correlation", outputs.correlation),
        ];
        let known = named.into_iter().filter_map(|(what, value)| {
            let tag = format!("outputs_{what}/{name}");
            value.map(|value| Summary::scalar(tag, value as f32))
        });
        values.extend(known);
    }
    // A grid that cannot be read was reported when it could not be written.
    if let (Ok(png), Ok((width, height))) = (std::fs::read(grid), image::image_dimensions(grid)) {
        values.push(Summary::image("samples", width, height, png));
    }
    for maps in &snapshot.maps {
        let (width, height) = maps.image.dimensions();
        let image = DynamicImage::ImageLuma8(maps.image.clone());
        let mut png = Cursor::new(Vec::new());
        if image.write_to(&mut png, ImageFormat::Png).is_ok() {
            let tag = format!("patches_{}", maps.name);
            values.push(Summary::image(tag, width, height, png.into_inner()));
        }
    }
    values
}

/// Seconds since 1970.
fn wall_time() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
