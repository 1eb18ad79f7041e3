//! Named, complete settings of trainings that people know, and the data sets they need. A recipe
//! is flags of `train` plus facts about its data; it trains nothing itself.

mod expand;
mod table;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use serde::Serialize;
use thiserror::Error;

pub use expand::{expand, has as is_typed};
pub use table::RECIPES;

/// Where data sets lie unless somebody says otherwise.
const DATASETS: &str = "datasets";

/// Settings and data set of a training.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Recipe {
    /// What `--recipe` is given.
    pub name: &'static str,
    /// What it learns, in one line.
    pub title: &'static str,
    /// Flags of `train` and their values, as on the command line.
    pub flags: &'static str,
    /// Where the settings come from.
    pub settings_from: &'static str,
    /// What it trains on.
    pub data: DataSet,
}

/// A public data set.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DataSet {
    /// Name of its folder in `datasets`; recipes that share a set share its folder.
    pub name: &'static str,
    pub source: Source,
    /// What lies in its folder.
    pub layout: Layout,
    /// Who may use it for what, in words.
    pub license: &'static str,
    /// Whom to cite.
    pub citation: &'static str,
}

/// Where a data set is had.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Source {
    /// An archive (tar, tar.gz or zip) that anybody may download.
    Archive {
        /// Its address.
        url: &'static str,
        /// Its exact length in bytes, where it is known.
        bytes: Option<u64>,
        /// Its SHA-256 in lower-case hexadecimal digits, where it is known.
        sha256: Option<&'static str>,
        /// Its length for people.
        about: &'static str,
    },
    /// Not for programs: an account or a signature is needed first.
    ByHand {
        /// The page that offers it.
        page: &'static str,
        /// Which files to take and where to put them.
        instructions: &'static str,
    },
}

impl Source {
    /// Whether a download can be told from an altered one; nothing is downloaded of what is had
    /// by hand.
    pub fn is_pinned(self) -> bool {
        !matches!(self, Self::Archive { sha256: None, .. })
    }
}

/// What lies in the folder of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "layout", rename_all = "snake_case")]
pub enum Layout {
    /// Images A|B side by side in `train` and `val`.
    Combined,
    /// Unpaired images in `trainA`, `trainB`, `testA`, `testB`.
    Unpaired,
    /// Photos, from which `task` computes the inputs.
    Photos {
        /// Value of `--task`.
        task: &'static str,
    },
    /// Two folders whose images have the same names.
    TwoFolders { a: &'static str, b: &'static str },
}

/// A recipe that cannot be used yet.
#[derive(Debug, Error)]
pub enum RecipeError {
    #[error(
        "--recipe {recipe}: its data set is not in {}; get it with `trainer data fetch {recipe}`, \
         or say with --data where it is", folder.display()
    )]
    NotFetched {
        recipe: &'static str,
        folder: PathBuf,
    },
    #[error(
        "--recipe {recipe}: its data set is not in {}, and has to be put there by hand from \
         {page}: {instructions}", folder.display()
    )]
    ByHand {
        recipe: &'static str,
        folder: PathBuf,
        page: &'static str,
        instructions: &'static str,
    },
}

impl Recipe {
    /// The flags with their values; a switch has none.
    pub fn settings(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let mut settings: Vec<(&str, Option<&str>)> = Vec::new();
        for word in self.flags.split_whitespace() {
            match (word.starts_with("--"), settings.last_mut()) {
                (false, Some((_, value))) => *value = Some(word),
                _ => settings.push((word, None)),
            }
        }
        settings
    }

    /// Whether a flag is among its settings.
    pub fn has(&self, flag: &str) -> bool {
        self.settings().iter().any(|(name, _)| *name == flag)
    }

    /// Value of one of its flags.
    pub fn setting(&self, flag: &str) -> Option<&'static str> {
        let mut settings = self.settings().into_iter();
        settings.find(|(name, _)| *name == flag)?.1
    }

    /// Makes sure that the data set is there, if one of the `named` folders is its default place.
    pub fn check_data(&self, named: &[&PathBuf]) -> Result<(), RecipeError> {
        let folder = self.data.folder();
        let is_default = named.iter().any(|path| path.starts_with(&folder));
        if !is_default || folder.exists() {
            return Ok(());
        }
        let recipe = self.name;
        Err(match self.data.source {
            Source::Archive { .. } => RecipeError::NotFetched { recipe, folder },
            Source::ByHand { page, instructions } => RecipeError::ByHand {
                recipe,
                folder,
                page,
                instructions,
            },
        })
    }
}

impl DataSet {
    /// The folder it is expected in and downloaded to: `datasets/NAME`.
    pub fn folder(&self) -> PathBuf {
        Path::new(DATASETS).join(self.name)
    }
}

pub fn find(name: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|recipe| recipe.name == name)
}

/// The data set of this name, or that of the recipe of this name.
pub fn find_data(name: &str) -> Option<&'static DataSet> {
    let of_recipe = find(name).map(|recipe| &recipe.data);
    let mut sets = RECIPES.iter().map(|recipe| &recipe.data);
    of_recipe.or_else(|| sets.find(|set| set.name == name))
}

/// Reads `--recipe`: anything else is wrong usage, answered with the nearest name and all names.
pub fn name_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(RECIPES.iter().map(|recipe| recipe.name))
}

/// Reads the name of a data set or of a recipe.
pub fn data_name_parser() -> PossibleValuesParser {
    let mut names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
    for recipe in RECIPES {
        if !names.contains(&recipe.data.name) {
            names.push(recipe.data.name);
        }
    }
    PossibleValuesParser::new(names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_promised_recipes_are_there_once_each() {
        let mut names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
        names.sort_unstable();
        let promised = "apple2orange cityscapes colorize day2night edges2handbags edges2shoes \
            facades flowers-deblur flowers-restore horse2zebra maps monet2photo sparse-depth summer2winter";
        assert_eq!(names, promised.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn every_recipe_sets_what_decides_a_result() {
        for recipe in RECIPES {
            let flags: Vec<&str> = recipe.settings().iter().map(|(flag, _)| *flag).collect();
            let mut wanted = vec![
                "--model",
                "--net-g",
                "--net-d",
                "--base",
                "--base-d",
                "--norm",
                "--norm-d",
                "--dropout",
                "--gan-mode",
                "--batch",
                "--preprocess",
                "--size",
                "--lr",
                "--lr-policy",
                "--direction",
            ];
            wanted.extend(match recipe.setting("--model") {
                Some("pix2pix") => vec!["--lambda-l1"],
                Some("cyclegan") => vec!["--lambda-cycle", "--lambda-identity"],
                other => panic!("{}: --model {other:?}", recipe.name),
            });
            for flag in wanted {
                assert!(flags.contains(&flag), "{} lacks {flag}", recipe.name);
            }
            let length = flags.contains(&"--steps") || flags.contains(&"--epochs-decay");
            assert!(length, "{} has no length", recipe.name);
            let mut once = flags.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), flags.len(), "{} repeats a flag", recipe.name);
        }
    }

    #[test]
    fn sets_of_one_name_are_one_set() {
        let mut sources = BTreeMap::new();
        for recipe in RECIPES {
            let source = serde_json::to_string(&recipe.data.source).expect("JSON");
            let known = sources.entry(recipe.data.name).or_insert(source.clone());
            assert_eq!(*known, source, "{}", recipe.name);
        }
    }

    #[test]
    fn known_hashes_are_hashes_and_addresses_are_addresses() {
        for recipe in RECIPES {
            match recipe.data.source {
                Source::Archive { url, sha256, .. } => {
                    assert!(url.starts_with("https://") || url.starts_with("http://"));
                    let hex = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
                    let right = |hash: &str| hash.len() == 64 && hash.chars().all(hex);
                    assert!(sha256.is_none_or(right), "{}", recipe.name);
                }
                Source::ByHand { page, instructions } => {
                    assert!(page.starts_with("http"));
                    let place = recipe.data.folder();
                    assert!(instructions.contains(&place.display().to_string()));
                }
            }
        }
    }

    #[test]
    fn missing_data_names_the_command_that_fetches_it() {
        let recipe = find("facades").expect("a recipe");
        let place = recipe.data.folder();
        let error = recipe
            .check_data(&[&place])
            .expect_err("no data")
            .to_string();
        assert!(error.contains("trainer data fetch facades"), "{error}");
        assert!(recipe.check_data(&[&PathBuf::from("elsewhere")]).is_ok());
    }
}
