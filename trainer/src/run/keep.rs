//! What is kept of a run: checkpoints on the way, the model at the end. A full disk costs no
//! more than what could not be written.

use std::path::PathBuf;

use model::training::Gan;
use model::training::exact::Exact;

use super::error::RunError;
use super::state::{Outcome, Run};
use super::validation::VALIDATION_PAIRS;
use crate::convert::export::{Trained, export_generator};
use crate::data::direction::Direction;
use crate::evaluate::metrics::Evaluation;
use crate::run::event::Event;
use crate::run_folder::{Best, RunFolderError};

impl Run<'_> {
    /// Writes samples and says whether the run never did better. Samples that cannot be written
    /// are left out, with a warning.
    pub(super) fn sample_and_judge(&mut self, model: &Gan) -> bool {
        let evaluation = match self.sample(model) {
            Ok(evaluation) => evaluation,
            Err(error) => {
                self.warn(format!("no samples of this step: {error}"));
                return false;
            }
        };
        self.config.keep_best && self.is_best(&evaluation)
    }

    /// Whether the step did better than the best one kept.
    fn is_best(&mut self, evaluation: &Evaluation) -> bool {
        let losses = self.progress.since_sample.take();
        let score = match evaluation.count {
            0 => losses.map(|loss| -loss),
            _ => Some(evaluation.output.psnr),
        };
        let Some(score) = score.map(Exact) else {
            return false;
        };
        let is_best = self.progress.best.is_none_or(|best| score > best.score);
        if is_best {
            let step = self.progress.step;
            self.progress.best = Some(Best { step, score });
        }
        is_best
    }

    /// Finds out which checkpoint is the best one, also if the run died before it was marked.
    pub(super) fn restore_best(&mut self) -> Result<(), RunFolderError> {
        let marked = self.folder.best();
        let is_past = |best: &Best| best.step <= self.progress.step;
        let known = [marked.filter(is_past), self.progress.best];
        let by_score = |a: &Best, b: &Best| a.score.0.total_cmp(&b.score.0);
        self.progress.best = known.into_iter().flatten().max_by(by_score);
        match self.progress.best {
            Some(best) if Some(best) != marked => self.folder.mark_best(best),
            _ => Ok(()),
        }
    }

    /// Refuses weights that are not numbers, before anything of them is shown or saved. An update
    /// can leave such weights while its losses, which came before, are as they should be.
    pub(super) fn check_weights(&self, model: &Gan) -> Result<(), RunError> {
        match model.not_finite() {
            None => Ok(()),
            Some(network) => Err(RunError::WeightsNotFinite {
                step: self.progress.step,
                network,
                remedy: self.remedy_of_divergence(),
            }),
        }
    }

    /// What is left of a run whose numbers are none any more.
    pub(super) fn remedy_of_divergence(&self) -> String {
        let run = self.folder.root().display();
        match self.saved {
            Some(step) => format!(
                "the last good checkpoint is that of step {step} in {}; start a new run with a \
                 smaller --lr, with --from {run} from there",
                self.folder.checkpoints().display()
            ),
            None => "there is no checkpoint yet; start a new run with a smaller --lr".to_string(),
        }
    }

    /// Writes a checkpoint; if that fails, warns, and the next one is the next try.
    pub(super) fn try_checkpoint(&mut self, model: &Gan) {
        if let Err(error) = self.checkpoint(model) {
            let kept = match self.saved {
                Some(step) => format!("the last checkpoint is that of step {step}"),
                None => "there is no checkpoint yet".to_string(),
            };
            self.warn(format!(
                "no checkpoint of this step: {error}; {kept}, the run goes on"
            ));
            self.progress.best = self.folder.best();
        }
    }

    fn checkpoint(&mut self, model: &Gan) -> Result<(), RunFolderError> {
        let step = self.progress.step;
        if self.saved != Some(step) {
            let path = self.folder.save(model, &self.progress, self.config.keep)?;
            self.saved = Some(step);
            (self.listen)(&Event::Checkpoint { step, path });
        }
        match self.progress.best {
            Some(best) if best.step == step => self.folder.mark_best(best),
            _ => Ok(()),
        }
    }

    /// Saves everything, judges the result and exports the model.
    pub(super) fn finish(mut self, model: &Gan) -> Result<Outcome, RunError> {
        let step = self.progress.step;
        let interrupted = step < self.config.steps;
        self.checkpoint(model)?;
        let sampled = self.last_sample(model);
        if self.config.keep_best && !interrupted && self.is_best(&sampled) {
            self.checkpoint(model)?;
        }
        let judges_more = !interrupted && self.validation.len() > VALIDATION_PAIRS;
        let evaluation = match judges_more {
            true => self.judge(model, self.validation.len()),
            false => sampled,
        };
        let export = |direction: Direction, output: PathBuf| -> Result<Option<PathBuf>, RunError> {
            let Some(generator) = model.generator(direction.index()) else {
                return Ok(None);
            };
            let trained = Trained {
                config: self.config,
                direction,
                steps: step,
                evaluation: &evaluation,
            };
            export_generator(&trained, &generator, &output)?;
            Ok(Some(output))
        };
        export(Direction::AtoB, self.folder.export())?;
        let model_back = export(Direction::BtoA, self.folder.export_back())?;
        (self.listen)(&Event::Finished {
            step,
            elapsed: self.started.elapsed(),
            interrupted,
            evaluation: &evaluation,
            model: self.folder.export(),
            model_back,
            run: self.folder.root().to_path_buf(),
        });
        Ok(match interrupted {
            true => Outcome::Interrupted,
            false => Outcome::Finished,
        })
    }

    /// On the pairs that the steps before were judged on.
    fn last_sample(&mut self, model: &Gan) -> Evaluation {
        match self.validated {
            Some((step, evaluation)) if step == self.progress.step => evaluation,
            _ => self.sample(model).unwrap_or_else(|error| {
                self.warn(format!("no samples of the last step: {error}"));
                Evaluation::default()
            }),
        }
    }

    fn warn(&mut self, message: String) {
        (self.listen)(&Event::Warning { message });
    }
}
