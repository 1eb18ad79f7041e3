//! The book beside the page.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::browser::{Browser, Graphics};
use tests::site::Site;
use xtask::workspace;

const PATIENCE: Duration = Duration::from_secs(120);

/// Values of an attribute in HTML that mdBook wrote.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    let parts = html.split(opening.as_str()).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

fn chapters(book: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut chapters = BTreeMap::new();
    for entry in fs::read_dir(book)? {
        let path = entry?.path();
        // It is served for any address, with a base of its own.
        let is_chapter = path
            .extension()
            .is_some_and(|extension| extension == "html")
            && !path.ends_with("404.html");
        if is_chapter {
            let html = without_code(&fs::read_to_string(&path)?);
            chapters.insert(path, html);
        }
    }
    Ok(chapters)
}

/// Examples of HTML are no links.
fn without_code(html: &str) -> String {
    let mut parts = html.split("<code");
    let first = parts.next().unwrap_or_default().to_owned();
    let after = parts.map(|part| part.split_once("</code>").map_or("", |(_, after)| after));
    after.fold(first, |text, after| text + after)
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_of_the_book_leads_to_a_file_of_the_page_and_to_a_heading_that_is_there() -> Result<()>
{
    let dist = workspace::dist();
    let chapters = chapters(&dist.join("book"))?;
    ensure!(chapters.len() >= 10, "{} chapters", chapters.len());
    let mut count = 0;
    for (path, html) in &chapters {
        let links = [values(html, "href"), values(html, "src")].concat();
        for link in links {
            let is_elsewhere = link.contains("://") || link.starts_with("data:");
            if is_elsewhere || link.is_empty() {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = file.split('?').next().unwrap_or_default();
            let target = match file {
                "" => path.clone(),
                file => plain(&path.parent().context("a folder")?.join(file)),
            };
            let target = if target.is_dir() {
                target.join("index.html")
            } else {
                target
            };
            ensure!(
                target.starts_with(&dist),
                "{}: {link} leaves the page",
                path.display()
            );
            ensure!(target.is_file(), "{}: {link} leads nowhere", path.display());
            if let (false, Some(html)) = (anchor.is_empty(), chapters.get(&target)) {
                let has_heading = values(html, "id").contains(&anchor);
                ensure!(
                    has_heading,
                    "{}: {link} has no such heading",
                    path.display()
                );
            }
        }
    }
    ensure!(count > 100, "only {count} links");
    Ok(())
}

#[test]
fn every_widget_of_the_book_shows_what_can_be_done_with_it() -> Result<()> {
    let site = Site::shipped()?;
    let mut browser = Browser::start(Graphics::None)?;
    for (chapter, count) in [("start", 1), ("how-it-works", 3), ("models", 6)] {
        browser.go_to(&site.url(&format!("book/{chapter}.html")))?;
        let widgets = "[...document.querySelectorAll('pix2pix-widget')]";
        let shown = format!(
            "{widgets}.length === {count} && {widgets}.every((widget) => {{ \
             widget.scrollIntoView(); \
             const root = widget.shadowRoot?.querySelector('.root'); \
             return root?.offsetHeight > 100 && root.dataset.state && root.dataset.state !== 'error'; }})"
        );
        browser
            .wait_until(&shown, PATIENCE)
            .with_context(|| chapter.to_owned())?;
        let said = browser.console();
        ensure!(said.is_empty(), "{chapter}: {said:?}");
    }
    Ok(())
}
