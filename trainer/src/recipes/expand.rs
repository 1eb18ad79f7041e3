//! `train --recipe NAME` as the flags it stands for. Words in, words out; what is wrong about them
//! is left for clap to say.

use std::ffi::{OsStr, OsString};

use super::{Layout, Recipe, find};

/// Flags that say where the data is.
const DATA: [&str; 4] = ["--data", "--a", "--b", "--photos"];

/// Puts the settings of a named recipe between `train` and the user's own flags. What the user
/// sets wins; `--data DIR` says where the recipe's data set lies, whatever its layout. A command
/// line without a known recipe comes back as it was.
pub fn expand(words: Vec<OsString>) -> Vec<OsString> {
    let Some(train) = position_of_train(&words) else {
        return words;
    };
    let (before, user) = words.split_at(train + 1);
    let recipe = value(user, "--recipe").and_then(|name| find(name.to_str()?));
    let Some(recipe) = recipe else {
        return words;
    };
    let (data, user) = data_words(recipe, user);
    let mut expanded = before.to_vec();
    for (flag, value) in recipe.settings() {
        if !is_decided(&user, flag) {
            expanded.push(flag.into());
            expanded.extend(value.map(OsString::from));
        }
    }
    expanded.extend(data);
    expanded.extend(user);
    expanded
}

/// The subcommand is the first word that is neither a global flag nor its value.
fn position_of_train(words: &[OsString]) -> Option<usize> {
    let mut index = 1;
    while let Some(word) = words.get(index) {
        match word.to_str()? {
            "train" => return Some(index),
            "--format" => index += 2,
            word if word.starts_with("--format=") => index += 1,
            _ => return None,
        }
    }
    None
}

/// Where the recipe's data lies, in its layout, and the user's words without those that said so.
fn data_words(recipe: &Recipe, user: &[OsString]) -> (Vec<OsString>, Vec<OsString>) {
    let named: Vec<&str> = DATA.into_iter().filter(|flag| has(user, flag)).collect();
    let own_flag = match recipe.data.layout {
        Layout::Photos { .. } => "--photos",
        _ => "--data",
    };
    let folder = match named.as_slice() {
        [] => recipe.data.folder().into_os_string(),
        [flag] if *flag == "--data" || *flag == own_flag => match value(user, flag) {
            Some(folder) => folder,
            None => return (Vec::new(), user.to_vec()),
        },
        // Another layout than the recipe's: the user says it all.
        _ => return (Vec::new(), user.to_vec()),
    };
    let mut rest = user.to_vec();
    for flag in named {
        rest = without(&rest, flag);
    }
    let inside = |name: &str| std::path::Path::new(&folder).join(name).into_os_string();
    let words = match recipe.data.layout {
        Layout::Combined | Layout::Unpaired => vec!["--data".into(), folder],
        Layout::Photos { task } => {
            let mut words = vec!["--photos".into(), folder];
            if !has(user, "--task") {
                words.extend(["--task".into(), task.into()]);
            }
            words
        }
        Layout::TwoFolders { a, b } => {
            vec!["--a".into(), inside(a), "--b".into(), inside(b)]
        }
    };
    (words, rest)
}

/// Whether the user's words settle `flag`, by naming it or something that rules it out.
fn is_decided(user: &[OsString], flag: &str) -> bool {
    let ruled_out = match flag {
        "--epochs" | "--epochs-decay" => has(user, "--steps"),
        "--steps" => has(user, "--epochs"),
        _ => false,
    };
    ruled_out || has(user, flag)
}

/// Whether a flag is among the words, with or without a value.
pub fn has(words: &[OsString], flag: &str) -> bool {
    words
        .iter()
        .any(|word| is(word, flag) || joined(word, flag).is_some())
}

fn value(words: &[OsString], flag: &str) -> Option<OsString> {
    let index = words
        .iter()
        .position(|word| is(word, flag) || joined(word, flag).is_some())?;
    joined(&words[index], flag).or_else(|| words.get(index + 1).cloned())
}

fn without(words: &[OsString], flag: &str) -> Vec<OsString> {
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if is(word, flag) {
            words.next();
        } else if joined(word, flag).is_none() {
            kept.push(word.clone());
        }
    }
    kept
}

fn is(word: &OsStr, flag: &str) -> bool {
    word == OsStr::new(flag)
}

/// The value in `--flag=value`.
fn joined(word: &OsStr, flag: &str) -> Option<OsString> {
    let value = word.to_str()?.strip_prefix(flag)?.strip_prefix('=')?;
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str) -> Vec<String> {
        let words = expand(line.split_whitespace().map(OsString::from).collect());
        let text = |word: OsString| word.into_string().expect("UTF-8");
        words.into_iter().map(text).collect()
    }

    fn after<'a>(words: &'a [String], flag: &str) -> Vec<&'a str> {
        let pairs = words.windows(2).filter(|pair| pair[0] == flag);
        pairs.map(|pair| pair[1].as_str()).collect()
    }

    #[test]
    fn a_line_without_a_known_recipe_stays_as_it_is() {
        for line in [
            "trainer",
            "trainer train --size 256",
            "trainer train --recipe nonsense",
            "trainer train --recipe",
            "trainer recipes --recipe facades",
            "trainer --format",
        ] {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(expanded(line), words);
        }
    }

    #[test]
    fn a_recipe_stands_before_the_words_of_the_user() {
        let words = expanded("trainer --format json train --recipe facades --seed 3");
        assert_eq!(words[..4], ["trainer", "--format", "json", "train"]);
        assert_eq!(
            words[words.len() - 4..],
            ["--recipe", "facades", "--seed", "3"]
        );
        assert_eq!(after(&words, "--direction"), ["BtoA"]);
        assert_eq!(after(&words, "--data"), ["datasets/facades"]);
        let joined = expanded("trainer train --recipe=facades");
        assert_eq!(after(&joined, "--data"), ["datasets/facades"]);
    }

    #[test]
    fn what_the_user_sets_wins_and_is_there_once() {
        let words = expanded("trainer train --recipe facades --batch 8 --direction=AtoB");
        assert_eq!(after(&words, "--batch"), ["8"]);
        let directions = words.iter().filter(|word| word.starts_with("--direction"));
        assert_eq!(directions.collect::<Vec<_>>(), ["--direction=AtoB"]);
    }

    #[test]
    fn steps_replace_epochs_and_epochs_replace_steps() {
        let words = expanded("trainer train --recipe facades --steps 10");
        assert_eq!(after(&words, "--steps"), ["10"]);
        assert!(!words.iter().any(|word| word.starts_with("--epochs")));
        let words = expanded("trainer train --recipe flowers-deblur --epochs 2");
        assert_eq!(after(&words, "--epochs"), ["2"]);
        assert!(!words.contains(&"--steps".to_string()));
    }

    #[test]
    fn the_folder_of_the_data_takes_the_layout_of_the_recipe() {
        let photos = expanded("trainer train --recipe flowers-deblur --data mine");
        assert_eq!(after(&photos, "--photos"), ["mine"]);
        assert_eq!(after(&photos, "--task"), ["deblur"]);
        assert!(!photos.contains(&"--data".to_string()));
        let photos = expanded("trainer train --recipe flowers-deblur --photos=mine --task edges");
        assert_eq!(after(&photos, "--photos"), ["mine"]);
        assert_eq!(after(&photos, "--task"), ["edges"]);
        let two = expanded("trainer train --recipe cityscapes --data mine");
        let inside = |name: &str| {
            std::path::Path::new("mine")
                .join(name)
                .display()
                .to_string()
        };
        assert_eq!(after(&two, "--a"), [inside("photos")]);
        assert_eq!(after(&two, "--b"), [inside("labels")]);
        let own = expanded("trainer train --recipe horse2zebra --a x --b y");
        assert_eq!(
            (after(&own, "--a"), after(&own, "--b")),
            (vec!["x"], vec!["y"])
        );
        assert!(!own.contains(&"--data".to_string()));
    }
}
