//! `cargo xtask samples`: the small pictures that the page and the README show.

use std::process::Command;

use anyhow::Result;

use crate::{page, process, tools, workspace};

/// Makes those of the models, then those of the README, which show the page; or those of trainings that
/// go wrong, which are trained for that.
pub fn make(troubles: bool) -> Result<()> {
    tools::ensure_system_packages()?;
    let make = |which: &str| {
        let mut program = Command::new(workspace::program("make-pictures")?);
        process::run(program.arg(which), "The message above says why.")
    };
    if troubles {
        return make("troubles");
    }
    make("models")?;
    page::build()?;
    make("readme")
}
