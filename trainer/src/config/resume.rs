//! The settings of a run that goes on: those of its folder, and what may change beside them.

use std::path::Path;

use model::DiscriminatorArch;
use model::training::LrPolicy;
use serde_json::Value;
use thiserror::Error;

use super::args::{NetD, TrainArgs};
use crate::config::TrainConfig;

/// Flags that say how a run is made, not what it learns.
const FREE: [&str; 4] = ["recipe", "device", "run", "resume"];
/// Settings that may change in the middle of a run, because it learns the same.
const CHANGEABLE: [&str; 6] = [
    "sample_every",
    "checkpoint_every",
    "keep",
    "keep_best",
    "workers",
    "weights",
];
/// Flags that make a run longer.
const LENGTH: [&str; 3] = ["steps", "epochs", "epochs_decay"];

/// A flag that does not go with the run that is resumed.
#[derive(Debug, Error)]
pub enum ResumeError {
    #[error("--resume: which run? Pass --resume DIR or --run DIR")]
    NoRun,
    #[error("--resume {resume} and --run {run} name two runs; leave one of them out")]
    TwoRuns { resume: String, run: String },
    #[error(
        "{flag} {given}: the run was started with {saved}; leave the flag out to go on with it, or \
         start a new run"
    )]
    Contradicts {
        flag: String,
        given: String,
        saved: String,
    },
    #[error("{flag} {given}: the run has {saved} already; it can only be raised")]
    Shorter {
        flag: String,
        given: u64,
        saved: u64,
    },
    #[error("{flag}: the run counts {counts}; raise --{counts} instead")]
    OtherUnit { flag: String, counts: &'static str },
}

impl TrainArgs {
    /// The folder of the run to go on with, if that is wanted.
    pub fn resumed_run(&self) -> Result<Option<&Path>, ResumeError> {
        match (&self.resume, &self.run) {
            (None, _) => Ok(None),
            (Some(Some(resume)), Some(run)) if resume != run => Err(ResumeError::TwoRuns {
                resume: resume.display().to_string(),
                run: run.display().to_string(),
            }),
            (Some(Some(run)), _) | (Some(None), Some(run)) => Ok(Some(run)),
            (Some(None), None) => Err(ResumeError::NoRun),
        }
    }

    /// The settings of a run that goes on: `saved`, with a larger number of steps or epochs and
    /// whatever else does not change what is learned. The learning rates of the steps to come are
    /// those of a run that had the larger number from its beginning.
    pub fn resumed(
        &self,
        saved: &TrainConfig,
        training_pairs: usize,
    ) -> Result<TrainConfig, ResumeError> {
        let wanted = self.undecided(false, training_pairs);
        let (wanted_keys, saved_keys) = (keys(&wanted), keys(saved));
        for flag in self.given.iter().filter(|flag| is_fixed(flag)) {
            let (given, saved) = match flag.as_str() {
                "net_d" | "n_layers_d" => self.discriminator(flag, saved),
                "lr_decay_every" => self.lr_decay_every(saved, training_pairs),
                _ => (value(&wanted_keys, flag), value(&saved_keys, flag)),
            };
            if given != saved && !is_same_path(&given, &saved) {
                let (flag, given, saved) = (name(flag), shown(&given), shown(&saved));
                return Err(ResumeError::Contradicts { flag, given, saved });
            }
        }
        let mut config = saved.clone();
        for flag in &self.given {
            match flag.as_str() {
                "sample_every" => config.sample_every = wanted.sample_every,
                "checkpoint_every" => config.checkpoint_every = wanted.checkpoint_every,
                "keep" => config.keep = wanted.keep,
                "keep_best" => config.keep_best = wanted.keep_best,
                "workers" => config.workers = wanted.workers,
                "weights" => config.weights = wanted.weights,
                _ => {}
            }
        }
        self.lengthen(&mut config)?;
        Ok(config)
    }

    fn lengthen(&self, config: &mut TrainConfig) -> Result<(), ResumeError> {
        let schedule = &mut config.schedule;
        let given = |name: &str| self.given.contains(name);
        if let Some(steps) = self.steps.filter(|_| given("steps")) {
            if schedule.unit_steps != 1 {
                return Err(other_unit("steps", "epochs"));
            }
            not_shorter("steps", steps, config.steps)?;
            schedule.constant = match schedule.policy {
                LrPolicy::Cosine => steps,
                _ => steps / 2,
            };
            schedule.decay = steps - steps / 2;
            config.steps = steps;
        }
        if let Some(epochs) = self.epochs.filter(|_| given("epochs")) {
            if schedule.unit_steps == 1 {
                return Err(other_unit("epochs", "steps"));
            }
            not_shorter("epochs", epochs, schedule.constant)?;
            schedule.constant = epochs;
            if let Some(decay) = self.epochs_decay.filter(|_| given("epochs_decay")) {
                not_shorter("epochs_decay", decay, schedule.decay)?;
                schedule.decay = decay;
            }
            let units = schedule.constant.saturating_add(schedule.decay);
            config.steps = units.saturating_mul(schedule.unit_steps);
        }
        Ok(())
    }

    fn discriminator(&self, flag: &str, saved: &TrainConfig) -> (Value, Value) {
        let (kind, layers) = match saved.net_d {
            DiscriminatorArch::Basic => (NetD::Basic, None),
            DiscriminatorArch::NLayers(layers) => (NetD::NLayers, Some(layers)),
            DiscriminatorArch::Pixel => (NetD::Pixel, None),
        };
        match flag {
            "net_d" => (word(self.net_d), word(kind)),
            _ => (
                Value::from(self.n_layers_d),
                // Without such layers, the flag changes nothing.
                Value::from(layers.unwrap_or(usize::from(self.n_layers_d))),
            ),
        }
    }

    fn lr_decay_every(&self, saved: &TrainConfig, training_pairs: usize) -> (Value, Value) {
        let unit = match saved.schedule.unit_steps {
            1 => self.batches(training_pairs),
            _ => 1,
        };
        let given = self.lr_decay_every.saturating_mul(unit);
        (Value::from(given), Value::from(saved.schedule.decay_every))
    }
}

fn is_fixed(flag: &str) -> bool {
    !FREE.contains(&flag) && !CHANGEABLE.contains(&flag) && !LENGTH.contains(&flag)
}

fn keys(config: &TrainConfig) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// The value of a flag in the settings.
fn value(config: &Value, flag: &str) -> Value {
    let found = match flag {
        "no_flip" => config.get("flip"),
        "lr_policy" => config.pointer("/schedule/policy"),
        // The folder, not the part of the settings that has the same name.
        "data" => config.pointer("/data/data"),
        _ => config.get(flag).or_else(|| config["data"].get(flag)),
    };
    found.cloned().unwrap_or_default()
}

fn word(kind: NetD) -> Value {
    let value = clap::ValueEnum::to_possible_value(&kind);
    Value::from(value.map_or(String::new(), |value| value.get_name().to_string()))
}

/// Whether two ways lead to the same place.
fn is_same_path(a: &Value, b: &Value) -> bool {
    let resolved = |value: &Value| Path::new(value.as_str()?).canonicalize().ok();
    resolved(a).is_some_and(|place| Some(place) == resolved(b))
}

/// A clap identifier as people type it.
fn name(flag: &str) -> String {
    format!("--{}", flag.replace('_', "-"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_string(),
        other => other.to_string(),
    }
}

fn other_unit(flag: &str, counts: &'static str) -> ResumeError {
    let flag = name(flag);
    ResumeError::OtherUnit { flag, counts }
}

fn not_shorter(flag: &str, given: u64, saved: u64) -> Result<(), ResumeError> {
    match given < saved {
        false => Ok(()),
        true => Err(ResumeError::Shorter {
            flag: name(flag),
            given,
            saved,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, Command, FromArgMatches};

    fn command() -> Command {
        TrainArgs::augment_args(Command::new("train"))
    }

    fn args(line: &str) -> TrainArgs {
        let words = std::iter::once("train").chain(line.split_whitespace());
        let matches = command().get_matches_from(words);
        let mut args = TrainArgs::from_arg_matches(&matches).expect("arguments");
        args.given = crate::config::idle::given(&matches);
        args
    }

    fn saved(line: &str) -> TrainConfig {
        args(line).decide(false, 10).expect("settings")
    }

    fn resumed(run: &str, line: &str) -> Result<TrainConfig, ResumeError> {
        args(line).resumed(&saved(run), 10)
    }

    #[test]
    fn without_flags_nothing_changes() {
        let run = "--net-g unet_128 --size 128 --batch 2 --steps 70 --ema 0.9";
        let config = resumed(run, "--resume x").expect("settings");
        assert_eq!(keys(&config), keys(&saved(run)));
        let again = resumed(run, &format!("{run} --resume x")).expect("settings");
        assert_eq!(keys(&again), keys(&saved(run)));
    }

    #[test]
    fn every_flag_is_either_free_or_compared_with_what_was_saved() {
        let config = keys(&saved(""));
        for argument in command().get_arguments() {
            let id = argument.get_id().as_str();
            let special = [
                "net_d",
                "n_layers_d",
                "lr_decay_every",
                "no_flip",
                "lr_policy",
            ];
            let known = !is_fixed(id) || special.contains(&id) || id == "help";
            let compared = config.get(id).is_some() || config["data"].get(id).is_some();
            assert!(known || compared, "--{id} would be ignored beside --resume");
        }
    }

    #[test]
    fn a_contradicting_flag_is_named_with_both_values() {
        let run = "--net-g unet_128 --size 128 --net-d n_layers --n-layers-d 2";
        for (line, words) in [
            ("--size 256", ["--size 256", "128"]),
            ("--model cyclegan", ["--model cyclegan", "pix2pix"]),
            ("--net-d pixel", ["--net-d pixel", "n_layers"]),
            ("--n-layers-d 4", ["--n-layers-d 4", "2"]),
            ("--lr-policy cosine", ["--lr-policy cosine", "linear"]),
            ("--seed 3", ["--seed 3", "0"]),
            ("--ema 0.5", ["--ema 0.5", "none"]),
            ("--photos p --task edges", ["--photos p", "none"]),
            ("--data other", ["--data other:", "started with none"]),
            ("--lr-decay-every 7", ["--lr-decay-every", "50"]),
        ] {
            let error = resumed(run, line).expect_err(line).to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn what_does_not_change_the_learning_may_change() {
        let line = "--sample-every 3 --checkpoint-every 4 --keep 5 --keep-best --workers 6 \
                    --weights f32 --device cpu";
        let config = resumed("--steps 50", line).expect("settings");
        let found = (config.sample_every, config.checkpoint_every, config.keep);
        assert_eq!(found, (3, 4, 5));
        assert_eq!((config.keep_best, config.workers), (true, 6));
        assert_eq!(config.weights, model::WeightsDtype::F32);
    }

    #[test]
    fn a_raised_run_has_the_schedule_of_a_run_of_that_length() {
        for policy in ["linear", "cosine", "step", "plateau", "constant"] {
            let run = |steps: u32| format!("--lr-policy {policy} --steps {steps}");
            let raised = resumed(&run(50), "--steps 81").expect("settings");
            assert_eq!(raised.steps, 81);
            assert_eq!(raised.schedule, saved(&run(81)).schedule);
        }
        let run = "--epochs 3 --epochs-decay 2";
        let raised = resumed(run, "--epochs 6").expect("settings");
        assert_eq!(
            raised.schedule,
            saved("--epochs 6 --epochs-decay 2").schedule
        );
        assert_eq!(raised.steps, 80);
        let raised = resumed(run, "--epochs 3 --epochs-decay 9").expect("settings");
        assert_eq!(raised.steps, 120);
    }

    #[test]
    fn a_run_is_never_shortened_nor_counted_in_other_units() {
        for (run, line, words) in [
            ("--steps 50", "--steps 49", "--steps 49"),
            ("--epochs 5", "--epochs 4", "--epochs 4"),
            (
                "--epochs 5",
                "--epochs 5 --epochs-decay 1",
                "--epochs-decay 1",
            ),
            ("--epochs 5", "--steps 1000", "--epochs instead"),
            ("--steps 50", "--epochs 1000", "--steps instead"),
        ] {
            let error = resumed(run, line).expect_err(line).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
