//! `<pix2pix-widget>` in a book of mdBook's, with the lines that `docs/embedding.md` gives.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use server::{Routes, Server};
use tempfile::TempDir;
use tests::browser::{Browser, Graphics};
use xtask::{process, tools, workspace};

const PATIENCE: Duration = Duration::from_secs(600);

/// The lines for a chapter, as the documentation has them.
fn documented_lines() -> Result<String> {
    let text = fs::read_to_string(workspace::root().join("docs/embedding.md"))?;
    let section = text.split("\n## mdBook\n").nth(1);
    let block = section.and_then(|section| section.split("```html\n").nth(1));
    let lines = block.and_then(|block| block.split("```").next());
    Ok(lines
        .context("the documentation has no lines for mdBook")?
        .to_owned())
}

/// A book of two chapters, one of them in a folder, each with the lines.
fn book() -> Result<TempDir> {
    let book = tempfile::tempdir()?;
    let src = book.path().join("src");
    fs::create_dir_all(src.join("part"))?;
    let lines = documented_lines()?;
    let chapter = |lines: &str| format!("# Chapter\n\nBefore it.\n\n{lines}\n**After** it.\n");
    let deeper = lines.replace("\"pix2pix/", "\"../pix2pix/");
    for (name, text) in [
        ("book.toml", "[book]\ntitle = \"A book\"\n"),
        ("src/SUMMARY.md", "- [One](one.md)\n- [Two](part/two.md)\n"),
        ("src/one.md", &chapter(&lines)),
        ("src/part/two.md", &chapter(&deeper)),
    ] {
        fs::write(book.path().join(name), text)?;
    }
    copy(&workspace::dist(), &src.join("pix2pix"))?;
    process::run(
        Command::new(tools::MDBOOK.ensure()?)
            .arg("build")
            .arg(book.path()),
        "mdBook's message above says what to do.",
    )?;
    Ok(book)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

#[test]
fn the_documented_lines_put_a_working_widget_into_chapters_of_a_book() -> Result<()> {
    let book = book()?;
    let routes = Routes::default().folder("/", book.path().join("book"));
    let server = Server::start(0, move |path| routes.reply(path))?;
    let mut browser = Browser::start(Graphics::None)?;
    for chapter in ["one.html", "part/two.html"] {
        browser.go_to(&format!("{}/{chapter}", server.url()))?;
        let settled = "['done', 'error'].includes(\
            document.querySelector('pix2pix-widget').shadowRoot?.querySelector('.root').dataset.state)";
        let outcome = browser.wait_until(settled, PATIENCE);
        outcome.with_context(|| format!("{chapter}: {:?}", browser.console()))?;
        assert_eq!(browser.evaluate(OUTCOME)?, "translated", "{chapter}");
        // Its text is as large as elsewhere, though the book's rem is 10 pixels.
        assert_eq!(browser.evaluate(TEXT_SIZE)?, true, "{chapter}");
        // It is as dark as the book, whatever the reader's system is.
        for (theme, is_dark) in [("coal", true), ("light", false)] {
            browser.evaluate(&format!(
                "document.documentElement.className = '{theme} js'"
            ))?;
            assert_eq!(browser.evaluate(IS_DARK)?, is_dark, "{chapter}, {theme}");
        }
        // The book goes on below the widget.
        let below = "document.querySelector('main strong').textContent";
        assert_eq!(browser.evaluate(below)?, "After", "{chapter}");
    }
    Ok(())
}

/// Whether everything that the widget says has 12 pixels or more, as 16 are usual.
const TEXT_SIZE: &str =
    "[...document.querySelector('pix2pix-widget').shadowRoot.querySelectorAll('p, button, span')]
  .every((part) => parseFloat(getComputedStyle(part).fontSize) >= 12)";

const IS_DARK: &str = "(() => {
  const root = document.querySelector('pix2pix-widget').shadowRoot.querySelector('.root');
  const [red, green, blue] = getComputedStyle(root).backgroundColor.match(/[\\d.]+/g).map(Number);
  return red + green + blue < 200;
})()";

/// Whether the picture after is as large as the one before, and another.
const OUTCOME: &str = "(() => {
  const root = document.querySelector('pix2pix-widget').shadowRoot;
  const pixels = (label) => {
    const canvas = root.querySelector(`canvas[aria-label=${label}]`);
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  };
  const status = root.querySelector('[role=status]').textContent;
  if (root.querySelector('.root').dataset.state !== 'done') return status;
  const [before, after] = [pixels('Before'), pixels('After')];
  if (before.width !== after.width || before.height !== after.height) return 'of another size';
  const changed = after.data.filter((value, at) => value !== before.data[at]).length;
  return changed > after.data.length / 4 ? 'translated' : `${changed} values changed`;
})()";
