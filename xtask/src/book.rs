//! The book: mdBook makes it of `docs`, into the page's folder, whose widget its chapters use.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::run;
use crate::{tools, workspace};

/// Builds the book into `book` inside the page's folder.
pub fn build(dist: &Path) -> Result<()> {
    run(
        Command::new(tools::MDBOOK.ensure()?)
            .arg("build")
            .arg(workspace::root().join("docs"))
            .arg("--dest-dir")
            .arg(dist.join("book")),
        "mdBook's message above says what to do.",
    )
}
