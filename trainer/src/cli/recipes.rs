//! `trainer recipes`: the table of recipes, and one of them in full.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::recipes::{RECIPES, Recipe, Source, find, name_parser};
use crate::system::console::{Format, print_result};

#[derive(Debug, Args)]
pub(super) struct RecipesArgs {
    /// Recipe to show in full [default: a line for each]
    #[arg(value_name = "NAME", value_parser = name_parser(), hide_possible_values = true)]
    name: Option<String>,
}

pub(super) fn run(args: &RecipesArgs, format: Format) -> Result<ExitCode> {
    let one = args.name.as_deref().and_then(find);
    match (format, one) {
        (Format::Json, Some(recipe)) => print_result!("{}", in_json(recipe))?,
        (Format::Json, None) => {
            for recipe in RECIPES {
                print_result!("{}", in_json(recipe))?;
            }
        }
        (Format::Human | Format::Plain, Some(recipe)) => print_result!("{}", in_full(recipe))?,
        (Format::Human | Format::Plain, None) => print_result!("{}", table())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_json(recipe: &Recipe) -> Value {
    let settings = recipe.settings().into_iter();
    let words = settings.flat_map(|(flag, value)| [Some(flag), value]);
    let flags: Vec<&str> = words.flatten().collect();
    json!({
        "name": recipe.name,
        "title": recipe.title,
        "flags": flags,
        "settings_from": recipe.settings_from,
        "data": recipe.data,
        "folder": recipe.data.folder(),
    })
}

fn table() -> String {
    let mut lines = vec![line(["RECIPE", "MODEL", "DIRECTION", "DATA SET", "LEARNS"])];
    for recipe in RECIPES {
        let size = match recipe.data.source {
            Source::Archive { about, .. } if recipe.data.source.is_pinned() => about.to_string(),
            Source::Archive { about, .. } => format!("{about} *"),
            Source::ByHand { .. } => "by hand".to_string(),
        };
        lines.push(line([
            recipe.name,
            recipe.setting("--model").unwrap_or_default(),
            recipe.setting("--direction").unwrap_or_default(),
            &size,
            recipe.title,
        ]));
    }
    lines.push(String::new());
    lines.push("* comes unchecked: no SHA-256 of it is known; `data fetch` prints it".to_string());
    lines.push(String::new());
    lines.push("settings, licence and source of one:  trainer recipes NAME".to_string());
    lines.push("get its data set:                     trainer data fetch NAME".to_string());
    lines.push("train it:                             trainer train --recipe NAME".to_string());
    lines.join("\n")
}

fn line([name, model, direction, size, title]: [&str; 5]) -> String {
    format!("{name:<15} {model:<9} {direction:<10} {size:<20} {title}")
}

fn in_full(recipe: &Recipe) -> String {
    let source = match recipe.data.source {
        Source::Archive {
            url, about, sha256, ..
        } => {
            let pin = sha256.unwrap_or(
                "not known, so that an altered archive is not noticed; `data fetch` prints it and \
                 takes it as --sha256",
            );
            format!("{url} ({about})\nSHA-256    {pin}")
        }
        Source::ByHand { page, instructions } => format!("{page}\nby hand    {instructions}"),
    };
    format!(
        "{name}: {title}\n\nsettings   {flags}\nfrom       {settings_from}\n\ndata set   {source}\n\
         folder     {folder}\nlicence    {license}\ncite       {citation}\n\nget it     trainer \
         data fetch {name}\ntrain it   trainer train --recipe {name}",
        name = recipe.name,
        title = recipe.title,
        flags = recipe.flags,
        settings_from = recipe.settings_from,
        folder = recipe.data.folder().display(),
        license = recipe.data.license,
        citation = recipe.data.citation,
    )
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::recipes::expand;

    fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(expand(words.iter().map(OsString::from).collect()))
    }

    #[test]
    fn every_recipe_is_a_valid_command_line() {
        for recipe in RECIPES {
            let cli = parse(&["trainer", "train", "--recipe", recipe.name]);
            let cli = cli.unwrap_or_else(|error| panic!("{}: {error}", recipe.name));
            let Some(Command::Train(args)) = cli.command else {
                panic!("{}: not a training", recipe.name);
            };
            assert!(!args.data.is_demo(), "{}", recipe.name);
        }
    }

    #[test]
    fn an_unknown_recipe_is_answered_with_the_nearest_and_all() {
        for words in [
            &["trainer", "train", "--recipe", "horse2zebr"][..],
            &["trainer", "recipes", "horse2zebr"],
            &["trainer", "data", "fetch", "horse2zebr"],
        ] {
            let error = parse(words).expect_err("no such recipe").to_string();
            let tip = error.find("similar").expect("a tip");
            assert!(error[tip..].contains("'horse2zebra'"), "{error}");
            assert!(
                error.contains("facades") && error.contains("sparse-depth"),
                "{error}"
            );
        }
    }
}
