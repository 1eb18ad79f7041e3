//! How a run begins: from chance, from another run's generators, or where it stopped.

use super::{Run, RunError};
use crate::checkpoint::{Progress, RunFolder};
use crate::config::{Direction, ModelKind};
use crate::event::Event;
use crate::training_model::TrainingModel;

impl Run<'_> {
    /// The networks of a new run.
    pub(super) fn begin(&mut self, train_pairs: usize) -> Result<TrainingModel, RunError> {
        self.progress = Progress {
            train_pairs: Some(train_pairs),
            ..Progress::default()
        };
        let mut model = TrainingModel::new(self.config, self.device());
        if let Some(from) = &self.config.from {
            let device = self.device().clone().autodiff();
            let from = RunFolder::open(from);
            let generator = |direction| from.latest_generator(self.config, direction, &device);
            let (net_g, _) = generator(Direction::AtoB)?;
            let back = match self.config.model {
                ModelKind::Pix2Pix => None,
                ModelKind::CycleGan => Some(generator(Direction::BtoA)?.0),
            };
            model.start_from(net_g, back);
        }
        Ok(model)
    }

    /// The networks of a run as it stopped; the run folder is made to look as it did then.
    pub(super) fn resume(&mut self, train_pairs: usize) -> Result<TrainingModel, RunError> {
        self.folder.clear_unfinished()?;
        let mut model = TrainingModel::new(self.config, self.device());
        let restored = self.folder.restore(&mut model)?;
        let Some(checkpoint) = restored.checkpoint else {
            (self.listen)(&Event::Resumed {
                step: 0,
                checkpoint: None,
            });
            self.folder.rewind_metrics(0, true)?;
            self.folder.write_config(self.config)?;
            return self.begin(train_pairs);
        };
        for error in restored.damaged {
            let path = checkpoint.path().display();
            let message = format!("{error}; set aside, goes on from {path}");
            (self.listen)(&Event::Warning { message });
        }
        self.progress = checkpoint.progress().clone();
        let (step, then) = (self.progress.step, self.progress.train_pairs);
        if let Some(expected) = then.filter(|&then| then != train_pairs) {
            return Err(RunError::DataChanged {
                found: train_pairs,
                expected,
                run: self.folder.root().to_path_buf(),
            });
        }
        self.saved = Some(step);
        self.restore_best()?;
        self.folder
            .rewind_metrics(step, step >= self.config.steps)?;
        self.folder.write_config(self.config)?;
        (self.listen)(&Event::Resumed {
            step,
            checkpoint: Some(checkpoint.path().to_path_buf()),
        });
        Ok(model)
    }
}
