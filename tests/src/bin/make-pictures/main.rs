//! The small pictures of the page's models, and those of the README: `make-pictures models` or
//! `make-pictures readme`, as `cargo xtask samples` calls it.

mod easel;
mod models;
mod readme;
mod recording;

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
        _ => bail!("say which pictures: `models` or `readme`"),
    }
}
