//! Flags that can do nothing in the company that they are in. Each is named, with what it needs,
//! before anything starts.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::ArgMatches;
use clap::parser::ValueSource;
use model::training::{LrPolicy, ModelKind};
use model::{DiscriminatorArch, GeneratorArch, InitType, NormKind};
use thiserror::Error;

use super::args::TrainArgs;
use super::data::DataArgs;
use crate::data::sample::frame::Preprocess;

/// A flag that acts only beside others.
pub struct Acts<A: 'static> {
    /// Its name, as clap has it: that of its field.
    pub flag: &'static str,
    pub needs: &'static str,
    /// Whether it acts.
    pub when: fn(&A) -> bool,
}

#[derive(Debug, Error)]
#[error("--{flag} can do nothing here: it needs {needs}; leave it out otherwise")]
pub struct IdleFlag {
    /// Its name without dashes in front.
    flag: String,
    needs: &'static str,
}

#[derive(Debug, Error)]
#[error("{0}")]
pub struct MissingFlag(pub String);

/// The flags that were on the command line, by the names of their fields, as opposed to those that
/// are left at their defaults.
pub fn given(matches: &ArgMatches) -> BTreeSet<String> {
    let ids = matches.ids().map(clap::Id::as_str);
    let given = ids.filter(|id| {
        // Groups have no source of their own.
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    });
    given.map(str::to_string).collect()
}

/// Refuses the first flag of `given` that does nothing, by the rules of `table`.
pub fn refuse_idle<A>(
    args: &A,
    given: &BTreeSet<String>,
    table: &[Acts<A>],
) -> Result<(), IdleFlag> {
    let idle = |rule: &&Acts<A>| given.contains(rule.flag) && !(rule.when)(args);
    match table.iter().find(idle) {
        None => Ok(()),
        Some(rule) => Err(IdleFlag {
            flag: rule.flag.replace('_', "-"),
            needs: rule.needs,
        }),
    }
}

const fn acts<A>(flag: &'static str, needs: &'static str, when: fn(&A) -> bool) -> Acts<A> {
    Acts { flag, needs, when }
}

/// Flags that say where pairs come from.
pub const DATA: &[Acts<DataArgs>] = &[
    acts(
        "photos",
        "--task, which says what to learn: deblur, colorize, edges, inpaint, super-resolve or \
         restore",
        |data| data.task.is_some(),
    ),
    acts("task", "--photos, from which it makes the inputs", |data| {
        data.photos.is_some()
    }),
    acts("skip_unmatched", "--a and --b", |data| data.a.is_some()),
    acts(
        "direction",
        "pairs, of --data or of --a and --b; --photos always go from what --task makes to the photo",
        |data| data.photos.is_none(),
    ),
];

/// Settings of a training.
pub const TRAIN: &[Acts<TrainArgs>] = &[
    acts("skip_unmatched", "--model pix2pix", is_pix2pix),
    acts("lambda_l1", "--model pix2pix", is_pix2pix),
    acts("lambda_gan", "--model pix2pix", is_pix2pix),
    acts("lambda_cycle", "--model cyclegan", |args| !is_pix2pix(args)),
    acts(
        "lambda_identity",
        "--model cyclegan, with --lambda-cycle above 0",
        |args| !is_pix2pix(args) && args.lambda_cycle > 0.0,
    ),
    acts("pool_size", "--model cyclegan", |args| !is_pix2pix(args)),
    acts("n_layers_d", "--net-d n_layers", |args| {
        matches!(args.net_d(), DiscriminatorArch::NLayers(_))
    }),
    acts("patches", "--net-d basic or n_layers", |args| {
        args.net_d() != DiscriminatorArch::Pixel
    }),
    acts(
        "decoder",
        "--net-g unet_128, unet_256 or unet_512",
        |args| {
            !matches!(
                args.net_g,
                Some(GeneratorArch::Resnet6Blocks | GeneratorArch::Resnet9Blocks)
            ) && (is_pix2pix(args) || args.net_g.is_some())
        },
    ),
    acts("norm_stats", "--norm batch", |args| {
        let norm = args.norm.or(is_pix2pix(args).then_some(NormKind::Batch));
        norm == Some(NormKind::Batch)
    }),
    acts("init_gain", "--init normal, xavier or orthogonal", |args| {
        args.init != InitType::Kaiming
    }),
    acts("epochs_decay", "--epochs", |args| args.epochs.is_some()),
    acts("lr_decay_every", "--lr-policy step", |args| {
        args.lr_policy == LrPolicy::Step
    }),
    acts(
        "diff_augment",
        "--lambda-gan above 0: without it nobody listens to the discriminator",
        |args| !is_pix2pix(args) || args.lambda_gan > 0.0,
    ),
    acts(
        "load_size",
        "--preprocess resize_and_crop, scale_width or scale_width_and_crop",
        |args| !matches!(args.data.preprocess, Preprocess::Crop | Preprocess::None),
    ),
    acts(
        "no_flip",
        "images of your own; the drawn façades are never mirrored",
        |args| !args.data.is_demo(),
    ),
];

impl TrainArgs {
    /// Refuses flags that can do nothing beside the others. Those that `typed` lacks come from the
    /// recipe, which may name more than a user's changes leave to act.
    pub fn refuse_idle(&self, typed: &[OsString]) -> Result<(), IdleFlag> {
        let recipe = self.recipe.as_deref().and_then(crate::recipes::find);
        let is_typed = |id: &&String| {
            let flag = format!("--{}", id.replace('_', "-"));
            let in_recipe = recipe.is_some_and(|recipe| recipe.has(&flag));
            !in_recipe || crate::recipes::is_typed(typed, &flag)
        };
        let given = self.given.iter().filter(is_typed).cloned().collect();
        refuse_idle(&self.data, &given, DATA)?;
        refuse_idle(self, &given, TRAIN)
    }
}

fn is_pix2pix(args: &TrainArgs) -> bool {
    args.model == ModelKind::Pix2Pix
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    /// The flag that is refused.
    fn refused(line: &str) -> Option<String> {
        let words = std::iter::once("train").chain(line.split_whitespace());
        let matches = TrainArgs::augment_args(Command::new("train")).get_matches_from(words);
        let args = TrainArgs::from_arg_matches(&matches).expect("arguments");
        let given = given(&matches);
        let data = refuse_idle(&args.data, &given, DATA);
        let refused = data.and_then(|()| refuse_idle(&args, &given, TRAIN));
        refused.err().map(|idle| idle.to_string())
    }

    #[test]
    fn every_rule_names_a_flag_refuses_it_alone_and_lets_it_act_beside_what_it_needs() {
        let command = TrainArgs::augment_args(Command::new("train"));
        let known: Vec<&str> = command
            .get_arguments()
            .map(|flag| flag.get_id().as_str())
            .collect();
        let rules = DATA.iter().map(|rule| rule.flag);
        for flag in rules.chain(TRAIN.iter().map(|rule| rule.flag)) {
            assert!(known.contains(&flag), "{flag}");
        }
        const CYCLEGAN: &str = "--model cyclegan --a x --b y";
        for (flag, idle, acting) in [
            ("--photos x", "", "--task edges"),
            ("--task edges", "--data x", "--photos x"),
            ("--skip-unmatched", "--data x", "--a x --b y"),
            ("--skip-unmatched", CYCLEGAN, "--a x --b y"),
            ("--direction AtoB", "--photos x --task edges", "--data x"),
            ("--lambda-l1 9", CYCLEGAN, ""),
            ("--lambda-gan 2", CYCLEGAN, ""),
            ("--lambda-cycle 9", "", CYCLEGAN),
            ("--lambda-identity 1", "", CYCLEGAN),
            ("--pool-size 9", "--data x", CYCLEGAN),
            ("--n-layers-d 3", "", "--net-d n_layers"),
            ("--patches listed", "--net-d pixel", ""),
            ("--decoder listed", "--net-g resnet_9blocks", ""),
            ("--decoder listed", CYCLEGAN, "--net-g unet_128"),
            ("--norm-stats batch", "--norm none", ""),
            ("--norm-stats batch", CYCLEGAN, "--norm batch"),
            ("--init-gain 1", "--init kaiming", ""),
            ("--epochs-decay 2", "--steps 9", "--epochs 2"),
            ("--lr-decay-every 9", "", "--lr-policy step"),
            ("--diff-augment color", "--lambda-gan 0", ""),
            ("--load-size 300", "--preprocess crop", ""),
            ("--no-flip", "", "--data x"),
        ] {
            let name = flag.split(' ').next().unwrap_or_default();
            let message = refused(&format!("{idle} {flag}"));
            let message = message.unwrap_or_else(|| panic!("{idle} {flag} is let through"));
            assert!(
                message.starts_with(&format!("{name} can do nothing")),
                "{message}"
            );
            assert_eq!(refused(&format!("{acting} {flag}")), None);
        }
    }
}
