//! How a run begins: from chance, from other generators, or where it stopped.

use std::collections::BTreeSet;
use std::path::Path;

use burn::tensor::Device;
use model::state::load_state;
use model::training::{Gan, ModelKind};
use model::weights::open_file;
use model::{Generator, GeneratorConfig, LoadError};
use serde_json::{Map, Value, json};

use super::error::RunError;
use super::state::Run;
use crate::config::TrainConfig;
use crate::convert::model_folder::{MANIFEST_FILE, read_manifest};
use crate::data::direction::Direction;
use crate::run::event::Event;
use crate::run_folder::{Progress, RunFolder};
use crate::system::files::NamesFile;

/// The generators that `--from` names, before anything is written: from A to B, and in CycleGAN
/// back.
pub(super) fn other_generators(
    config: &TrainConfig,
    device: &Device,
) -> Result<Option<Vec<Generator>>, RunError> {
    let Some(root) = &config.from else {
        return Ok(None);
    };
    if root.join(MANIFEST_FILE).exists() {
        let net_g = model_folders_generator(root, config, device)?;
        return Ok(Some(vec![net_g]));
    }
    let from = RunFolder::open(root);
    let there = from.config()?;
    check_shape(root, shape(there.model, there.generator()), config)?;
    // Whether there is an average to start from is up to the other run.
    let config = &TrainConfig {
        ema: there.ema,
        ..config.clone()
    };
    let device = device.clone().autodiff();
    let generator = |direction| from.latest_generator(config, direction, &device);
    let directions: &[Direction] = match config.model {
        ModelKind::Pix2Pix => &[Direction::AtoB],
        ModelKind::CycleGan => &[Direction::AtoB, Direction::BtoA],
    };
    let net_g = directions
        .iter()
        .map(|direction| Ok(generator(*direction)?.0));
    net_g.collect::<Result<_, RunError>>().map(Some)
}

/// The one generator of a model folder.
fn model_folders_generator(
    folder: &Path,
    config: &TrainConfig,
    device: &Device,
) -> Result<Generator, RunError> {
    if config.model == ModelKind::CycleGan {
        return Err(RunError::OneGenerator(folder.to_path_buf()));
    }
    let (manifest, path) = read_manifest(folder)?;
    check_shape(
        folder,
        shape(config.model, manifest.generator.config.clone()),
        config,
    )?;
    let load = || -> Result<_, LoadError> {
        let weights = open_file(&path, manifest.weights_file()?)?;
        let network = config.generator().init(&device.clone().autodiff());
        Ok(load_state(network, weights)?)
    };
    Ok(load().of_file(&path)?)
}

/// What decides the weights of a run's generators.
fn shape(model: ModelKind, generator: GeneratorConfig) -> Map<String, Value> {
    let generator = GeneratorConfig {
        // Without weights of their own.
        resnet_dropout: false,
        residual: false,
        ..generator
    };
    let fields = serde_json::to_value(generator).unwrap_or_default();
    let mut fields = fields.as_object().cloned().unwrap_or_default();
    fields.insert("model".to_string(), json!(model));
    fields
}

/// Refuses to start from a generator of another shape, and names what differs.
fn check_shape(root: &Path, there: Map<String, Value>, here: &TrainConfig) -> Result<(), RunError> {
    let here = shape(here.model, here.generator());
    let names: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    let of = |fields: &Map<String, Value>, name: &str| match fields.get(name) {
        Some(Value::String(word)) => word.clone(),
        Some(value) => value.to_string(),
        None => "the default".to_string(),
    };
    let differences: Vec<String> = names
        .into_iter()
        .filter(|name| there.get(*name) != here.get(*name))
        .map(|name| {
            format!(
                "{name} {} there, {} here",
                of(&there, name),
                of(&here, name)
            )
        })
        .collect();
    match differences.is_empty() {
        true => Ok(()),
        false => Err(RunError::OtherShape {
            run: root.to_path_buf(),
            differences: differences.join("; "),
        }),
    }
}

impl Run<'_> {
    /// The networks of a new run.
    pub(super) fn begin(&mut self, train_pairs: usize, from: Option<Vec<Generator>>) -> Gan {
        self.progress = Progress {
            train_pairs: Some(train_pairs),
            ..Progress::default()
        };
        let mut model = self.config.init(self.device());
        if let Some(net_g) = from {
            model.start_from(net_g);
        }
        model
    }

    /// The networks of a run as it stopped; the run folder is made to look as it did then.
    pub(super) fn resume(&mut self, train_pairs: usize) -> Result<Gan, RunError> {
        self.folder.clear_unfinished()?;
        let mut model = self.config.init(self.device());
        let restored = self.folder.restore(&mut model)?;
        let Some(checkpoint) = restored.checkpoint else {
            (self.listen)(&Event::Resumed {
                step: 0,
                checkpoint: None,
            });
            self.folder.rewind_metrics(0, true)?;
            self.folder.write_config(self.config)?;
            let from = other_generators(self.config, self.device())?;
            return Ok(self.begin(train_pairs, from));
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
