//! The Markdown files of the sources: where their links lead, and what the book says of the JavaScript API.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;
use walkdir::WalkDir;
use xtask::workspace;

/// Folders of what is built, and of what others wrote.
const LEFT_OUT: [&str; 5] = ["target", "dist", "node_modules", "shared", "runs"];

fn markdown_files() -> Result<Vec<PathBuf>> {
    let is_ours =
        |name: &str| !LEFT_OUT.contains(&name) && (name == ".github" || !name.starts_with('.'));
    let entries = WalkDir::new(workspace::root())
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || entry.file_name().to_str().is_some_and(is_ours)
        });
    let paths = entries.map(|entry| Ok(entry?.into_path()));
    let is_markdown = |path: &Result<PathBuf>| {
        path.as_ref()
            .is_ok_and(|path| path.extension().is_some_and(|ending| ending == "md"))
    };
    paths
        .filter(|path| path.is_err() || is_markdown(path))
        .collect()
}

fn parsed(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// Where the links and images of a text lead, those in its HTML as well.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for event in parsed(text) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                found.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for opening in [" href=\"", " src=\"", " poster=\""] {
                    let values = html.split(opening).skip(1);
                    found.extend(
                        values.filter_map(|value| Some(value.split_once('"')?.0.to_owned())),
                    );
                }
            }
            _ => {}
        }
    }
    found
}

/// The anchors of a text's headings, as GitHub and mdBook name them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in parsed(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|it| anchor(&it))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    *heading += &text;
                }
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase();
    let letters = letters
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    letters
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// The file or folder that a link names. Chapters of the book are read beside the built page as well.
fn target(document: &Path, path: &str) -> Option<PathBuf> {
    let beside = document.parent()?.join(path);
    let in_the_page = workspace::dist().join("book").join(path);
    let is_chapter = document.starts_with(workspace::root().join("docs"));
    let places = [Some(beside), is_chapter.then_some(in_the_page)];
    places.into_iter().flatten().find(|place| place.exists())
}

/// The names by which a link can open a model of the page.
fn models() -> Result<BTreeSet<String>> {
    let index = fs::read_to_string(workspace::www().join("models/index.json"))?;
    let index: Value = serde_json::from_str(&index)?;
    let manifests = index["models"].as_array().context("models")?.iter();
    let names = manifests.filter_map(|model| model["manifest"].as_str()?.split('/').next());
    Ok(names.map(str::to_owned).collect())
}

#[test]
fn every_link_of_a_document_leads_to_a_file_a_heading_or_a_model_that_is_there() -> Result<()> {
    let (files, models) = (markdown_files()?, models()?);
    ensure!(
        files.len() > 20 && models.len() > 4,
        "{} files",
        files.len()
    );
    let mut count = 0;
    for document in &files {
        let text = fs::read_to_string(document)?;
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let told = || format!("{}: {link}", document.display());
            let (address, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let (path, query) = address.split_once('?').unwrap_or((address, ""));
            let target = match path {
                "" => Some(document.clone()),
                path => target(document, path),
            };
            let target = target.with_context(|| format!("{} leads nowhere", told()))?;
            if !anchor.is_empty() && target.extension().is_some_and(|ending| ending == "md") {
                let anchors = anchors(&fs::read_to_string(&target)?);
                ensure!(anchors.contains(anchor), "{} has no such heading", told());
            }
            if let Some(model) = query.strip_prefix("model=") {
                ensure!(
                    models.contains(model),
                    "{} names no model of the page",
                    told()
                );
            }
        }
    }
    ensure!(count > 60, "only {count} links");
    Ok(())
}

#[test]
fn links_and_headings_are_found_where_they_are_and_not_in_code() {
    let text = "# `a` & B, c_d\n[one](x.md#y) `[no](no.md)`\n\n```html\n<a href=\"no.html\">\n```\n\n<img src=\"z.png\">\n";
    assert_eq!(links(text), ["x.md#y", "z.png"]);
    assert_eq!(anchors(text), BTreeSet::from(["a--b-c_d".to_owned()]));
}

/// The types of the public modules.
const TYPES: [&str; 3] = [
    "pix2pix.d.ts",
    "pix2pix-training.d.ts",
    "pix2pix-widget.d.ts",
];

/// What a file of types exports, the members of that, and the words that stand for values.
fn exported(types: &str) -> BTreeSet<String> {
    let mut parts = types.split("/*");
    let mut code = parts.next().unwrap_or_default().to_owned();
    code.extend(
        parts
            .filter_map(|part| part.split_once("*/"))
            .map(|(_, after)| after),
    );
    let mut found = BTreeSet::new();
    for line in code.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let declared = line.strip_prefix("export ").and_then(|rest| {
            let kinds = ["class ", "interface ", "type ", "function ", "const "];
            kinds.iter().find_map(|kind| rest.strip_prefix(kind))
        });
        let member = line.strip_prefix("  ").and_then(|rest| {
            let rest = rest
                .trim_start_matches("static ")
                .trim_start_matches("readonly ");
            let after = rest.trim_start_matches(is_of_a_name);
            after.starts_with(['?', ':', '(', '<']).then_some(rest)
        });
        found.extend(declared.or(member).map(first_name));
        let quoted = line.split('\'').skip(1).step_by(2);
        found.extend(
            quoted
                .filter(|text| !text.starts_with('.'))
                .map(str::to_owned),
        );
    }
    // Those of every element and object that has events.
    found.retain(|name| !["", "addEventListener"].contains(&name.as_str()));
    found
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|letter| is_of_a_name(*letter))
        .collect()
}

/// The words in a chapter's code, and those that its tables begin their rows with.
fn words_in_code(chapter: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut words, mut listed) = (BTreeSet::new(), BTreeSet::new());
    let (mut in_block, mut column) = (false, None);
    for event in parsed(chapter) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_block = true,
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Start(Tag::TableRow) => column = Some(0),
            Event::End(TagEnd::TableRow) => column = None,
            Event::End(TagEnd::TableCell) => column = column.map(|column| column + 1),
            Event::Code(code) => {
                if column == Some(0) {
                    listed.insert(code.split(['(', '.']).next().unwrap_or_default().to_owned());
                }
                words.extend(
                    code.split(|letter| !is_of_a_name(letter) && letter != '-')
                        .map(str::to_owned),
                );
            }
            Event::Text(code) if in_block => {
                words.extend(
                    code.split(|letter| !is_of_a_name(letter))
                        .map(str::to_owned),
                );
            }
            _ => {}
        }
    }
    (words, listed)
}

#[test]
fn the_chapter_on_javascript_has_every_name_of_the_public_types_and_lists_no_other() -> Result<()> {
    let chapter = fs::read_to_string(workspace::root().join("docs/javascript.md"))?;
    let (words, listed) = words_in_code(&chapter);
    let mut all = BTreeSet::new();
    for file in TYPES {
        let names = exported(&fs::read_to_string(workspace::www().join(file))?);
        ensure!(names.len() > 7, "{file}: only {names:?}");
        let missing: Vec<_> = names.difference(&words).collect();
        ensure!(
            missing.is_empty(),
            "docs/javascript.md lacks {missing:?} of {file}"
        );
        all.extend(names);
    }
    let unknown: Vec<_> = listed.difference(&all).collect();
    ensure!(
        unknown.is_empty(),
        "docs/javascript.md lists {unknown:?}, which no module has"
    );
    Ok(())
}

#[test]
fn names_of_types_are_found_with_their_members_and_values() {
    let types = "import { A } from './a.js';\n/** Not `this`. */\nexport interface Options {\n  /** None. */\n  \
                 size?: number;\n  readonly mode: 'one' | 'two'; // not: that\n  static create(of: string): void;\n}\n\
                 export type Code =\n  | 'three' // because\n  | 'four';\n";
    let expected = [
        "Code", "Options", "create", "four", "mode", "one", "size", "three", "two",
    ];
    assert_eq!(exported(types), BTreeSet::from(expected.map(str::to_owned)));
}
