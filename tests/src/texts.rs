//! The English texts that the pages can show, and their translations.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use xtask::workspace;

use crate::browser::Browser;
use crate::modules;
use crate::site::Site;

/// The pages with texts in their HTML.
const PAGES: [&str; 4] = ["index.html", "teach.html", "bench.html", "embed.html"];

/// A text of the pages' HTML: between tags, and in the attributes that people read.
const IN_HTML: &str = "((pages) => {
  const found = [];
  for (const html of pages) {
    const whole = new DOMParser().parseFromString(html, 'text/html');
    for (const unread of whole.querySelectorAll('script, style, noscript')) unread.remove();
    const walker = whole.createTreeWalker(whole, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.data.trim().replace(/\\s+/g, ' '));
    for (const name of ['title', 'aria-label', 'placeholder', 'alt'])
      for (const element of whole.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name));
  }
  return found.filter((text) => /\\p{L}/u.test(text));
})";

/// Every text that needs a translation.
///
/// # Errors
/// A script asks for a text that is not written out in the call.
pub fn shown(browser: &mut Browser, site: &Site) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for module in modules::all()?.keys() {
        let script = fs::read_to_string(workspace::www().join(module))?;
        let texts = in_script(&script).with_context(|| module.clone())?;
        let others = unmarked(&script, &texts);
        // The runtime has errors for programs as well, which no visitor causes.
        let is_library = module.starts_with("runtime/");
        ensure!(
            others.is_empty() || is_library,
            "{module} says {others:?} in no language"
        );
        found.extend(texts);
    }
    browser.go_to(&site.url("embed.html"))?;
    // As they are before the build, which leaves out what has no address.
    let pages = PAGES.map(|page| fs::read_to_string(workspace::www().join(page)));
    let pages = pages.into_iter().collect::<Result<Vec<_>, _>>()?;
    let of_html = browser.evaluate(&format!("{IN_HTML}({})", serde_json::json!(pages)))?;
    let of_html = of_html.as_array().context("texts")?;
    found.extend(of_html.iter().filter_map(Value::as_str).map(str::to_owned));
    found.extend(of_models()?);
    let manifest = json(&workspace::www().join("manifest.webmanifest"))?;
    let names = ["name", "description"].map(|name| &manifest[name]);
    found.extend(
        names
            .into_iter()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    Ok(found)
}

/// The texts in calls of `text` and `phrase`, and those of errors.
fn in_script(script: &str) -> Result<Vec<String>> {
    let code = script.lines().map(str::trim_start);
    let code = code.filter(|line| !line.starts_with("//") && !line.starts_with('*'));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let mut found = Vec::new();
    for name in ["text(", "phrase(", "new Pix2PixError("] {
        for (at, _) in code.match_indices(name) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || ".#_".contains(before)) {
                continue;
            }
            let arguments = &code[at + name.len()..];
            let error = name.ends_with("Error(");
            let arguments = if error {
                let code = literal(arguments)?.map(|(_, rest)| rest);
                code.and_then(|rest| rest.strip_prefix(','))
            } else {
                ensure!(!arguments.starts_with('`'), "`{name}` has a template");
                Some(arguments)
            };
            if let Some((text, rest)) = arguments.map(literal).transpose()?.flatten() {
                let rest = rest.trim_start();
                ensure!(
                    rest.starts_with([',', ')']),
                    "“{text}” is not all of the text"
                );
                found.push(text);
            }
        }
    }
    Ok(found)
}

/// Quoted sentences that are none of the texts, and templates with words around their values.
fn unmarked<'a>(script: &'a str, texts: &[String]) -> Vec<&'a str> {
    let code = script.lines().filter(|line| {
        let inside = line.trim_start();
        let is_comment = inside.starts_with("//") || inside.starts_with(['*', '/', '@']);
        let is_internal = ["Error(", "Exception(", "console."].map(|call| line.contains(call));
        !is_comment && !is_internal.contains(&true)
    });
    let is_word =
        |word: &&str| word.len() > 1 && word.chars().all(|letter| letter.is_ascii_lowercase());
    let is_sentence = |text: &str| {
        let first = text.split_once(' ').map_or("", |(first, _)| first);
        first.starts_with(|letter: char| letter.is_ascii_uppercase())
            && first
                .get(1..)
                .is_some_and(|rest| is_word(&format!("{rest}a").as_str()))
    };
    code.flat_map(|line| {
        let quoted = line.split('\'').skip(1).step_by(2);
        let quoted =
            quoted.filter(|text| is_sentence(text) && !texts.iter().any(|known| known == text));
        let templates = line.split('`').skip(1).step_by(2).filter(|text| {
            let has_words = text.split_whitespace().filter(is_word).count() > 2;
            !text.contains("text(") && (is_sentence(text) || has_words)
        });
        quoted.chain(templates).collect::<Vec<_>>()
    })
    .collect()
}

/// The quoted text at the beginning, and what follows; nothing if there is something else.
fn literal(code: &str) -> Result<Option<(String, &str)>> {
    let code = code.trim_start();
    let Some(quote) = code.chars().next().filter(|first| "'\"".contains(*first)) else {
        return Ok(None);
    };
    let mut text = String::new();
    let mut characters = code.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().map(|(_, next)| next)),
            end if end == quote => return Ok(Some((text, &code[at + 1..]))),
            other => text.push(other),
        }
    }
    bail!("{code} has no end")
}

/// What the cards and the boards of the models that come with the page say.
fn of_models() -> Result<BTreeSet<String>> {
    let models = workspace::www().join("models");
    let mut found = BTreeSet::new();
    let index = json(&models.join("index.json"))?;
    for entry in index["models"].as_array().context("models")? {
        let manifest = entry["manifest"].as_str().context("a manifest")?;
        let manifest = json(&models.join(manifest))?;
        let palette = manifest["input"]["palette"].as_array();
        let labels = palette.into_iter().flatten().map(|label| &label["name"]);
        let words = [
            &entry["title"],
            &entry["summary"],
            &manifest["title"],
            &manifest["training"]["dataset"],
        ];
        let words = words.into_iter().chain(labels).filter_map(Value::as_str);
        found.extend(words.map(str::to_owned));
    }
    Ok(found)
}

/// The translations into each language but English, by its code.
pub fn translations() -> Result<BTreeMap<String, Map<String, Value>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(workspace::www().join("view/languages"))? {
        let path = entry?.path();
        let code = path.file_stem().and_then(OsStr::to_str).context("a name")?;
        let Value::Object(texts) = json(&path)? else {
            bail!("{} holds no object", path.display());
        };
        found.insert(code.to_owned(), texts);
    }
    Ok(found)
}

/// The forms of a translation: one, or some for several counts.
pub fn forms(translation: &Value) -> Vec<&str> {
    match translation {
        Value::Object(forms) => forms.values().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

/// The places for values, `{name}`, in a text.
pub fn places(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1);
    parts
        .filter_map(|part| Some(part.split_once('}')?.0))
        .collect()
}

fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_where_they_are_marked_and_missed_where_they_are_not() -> Result<()> {
        let script = "dock.say(text('Done in {time}.', { time }));\n\
            const HINT = phrase(\n  \"It’s here.\",\n);\n\
            throw new Pix2PixError('pairs', 'It\\'s no pair.');\n\
            const body = await response.text('not this');\n";
        let texts = in_script(script)?;
        assert_eq!(texts, ["Done in {time}.", "It’s here.", "It's no pair."]);
        assert_eq!(unmarked(script, &texts), Vec::<&str>::new());
        let forgotten = "dock.say('Done in time.');\ndock.say(`the first of ${count} files`);\n";
        assert_eq!(
            unmarked(forgotten, &[]),
            ["Done in time.", "the first of ${count} files"]
        );
        assert!(in_script("text('Half a ' + 'text')").is_err());
        Ok(())
    }
}
