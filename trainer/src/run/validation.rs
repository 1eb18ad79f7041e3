//! How a run is judged, and shown: the same validation images each time.

use image::RgbImage;
use model::training::{A_TO_B, B_TO_A, Gan};
use model::{Generator, Mode, Raster};

use super::error::RunError;
use super::state::Run;
use crate::data::Pair;
use crate::data::direction::Direction;
use crate::evaluate::judge::{cycle_grid, judge, sample_grid, translate_raster};
use crate::evaluate::metrics::Evaluation;
use crate::evaluate::snapshot::Snapshot;
use crate::image_file::write_rgb_png;
use crate::run::event::Event;

/// Pairs in a sample grid.
const GRID_ROWS: usize = 4;
/// Pairs judged during the run, the same ones each time; the end judges all, too.
pub(super) const VALIDATION_PAIRS: usize = 16;

impl Run<'_> {
    /// Judges the model on some pairs, always the same, and writes a sample grid.
    pub(super) fn sample(&mut self, model: &Gan) -> Result<Evaluation, RunError> {
        if self.validation.is_empty() {
            return Ok(Evaluation::default());
        }
        let step = self.progress.step;
        let evaluation = self.judge(model, VALIDATION_PAIRS);
        let path = self.folder.samples().join(format!("{step:08}.png"));
        write_rgb_png(&path, self.grid(model))?;
        let snapshot = Snapshot::take(model, self.config, &self.validation, self.device());
        (self.listen)(&Event::Validated {
            step,
            evaluation: &evaluation,
            validation_pairs: self.validation.len(),
            grid: path,
            snapshot: &snapshot,
        });
        self.validated = Some((step, evaluation));
        Ok(evaluation)
    }

    /// Judges the model on `pairs` pairs; without pairs there is no target to compare with.
    pub(super) fn judge(&mut self, model: &Gan, pairs: usize) -> Evaluation {
        let (Some(net_g), None) = (model.generator(A_TO_B), model.generator(B_TO_A)) else {
            return Evaluation::default();
        };
        let mut problems = Vec::new();
        let frame = self.config.validation_frame();
        let translate = |pair: &Pair| self.translate(&net_g, &pair.real_a);
        let rows = judge(&self.validation, frame, pairs, translate, |error| {
            problems.push(error);
        });
        self.warn_of(&problems);
        Evaluation::from_rows(&rows)
    }

    fn grid(&self, model: &Gan) -> RgbImage {
        let (source, frame) = (&self.validation, self.config.validation_frame());
        let there = model.generator(A_TO_B);
        match (there, model.generator(B_TO_A)) {
            (Some(net_g), Some(back)) => {
                let translate = |direction, image: &Raster| match direction {
                    Direction::AtoB => self.translate(&net_g, image),
                    Direction::BtoA => self.translate(&back, image),
                };
                cycle_grid(source, frame, GRID_ROWS, translate)
            }
            (Some(net_g), None) => {
                let translate = |pair: &Pair| self.translate(&net_g, &pair.real_a);
                sample_grid(source, frame, GRID_ROWS, translate)
            }
            (None, _) => RgbImage::new(1, 1),
        }
    }

    fn translate(&self, net_g: &Generator, image: &Raster) -> Raster {
        let mode = Mode::Inference(self.config.norm_stats);
        translate_raster(net_g, mode, image, self.device())
    }
}
