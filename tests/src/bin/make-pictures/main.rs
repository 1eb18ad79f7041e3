//! The small pictures of the page's models, those of the README, and those of trainings that go wrong:
//! `make-pictures models`, `readme` or `troubles`, as `cargo xtask samples` calls it.

mod easel;
mod models;
mod readme;
mod recording;
mod troubles;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    match make(std::env::args().nth(1).as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn make(which: Option<&str>) -> Result<()> {
    match which {
        Some("models") => models::make(),
        Some("readme") => readme::make(),
        Some("troubles") => troubles::make(),
        _ => bail!("say which pictures: `models`, `readme` or `troubles`"),
    }
}
