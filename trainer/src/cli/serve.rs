//! `trainer serve`: a model in the browser of this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use server::page::{LOCAL_MODEL, with_model};
use server::{Reply, Server};

use crate::convert::model_folder::{model_folder, read_manifest};
use crate::system::built_page::{built_page, is_built_page};
use crate::system::console::{Format, print_either, talk};

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Model folder, or the folder of a run
    #[arg(value_name = "MODEL|RUN")]
    model: PathBuf,
    /// Port on this machine; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder of the built page [default: www beside this program, or www/dist of the sources]
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,
    /// Print the address without opening a browser
    #[arg(long)]
    no_open: bool,
}

pub(super) fn run(args: &ServeArgs, format: Format) -> Result<ExitCode> {
    let page = page(args)?;
    read_manifest(&args.model)?;
    let folder = model_folder(&args.model)?;
    let routes = with_model(&page, &folder.canonicalize()?)?;
    let server = Server::start(args.port, move |path| guarded(routes.reply(path)))?;
    let url = format!("{}/{LOCAL_MODEL}", server.url());
    print_either(format, &json!({"url": url}), url.clone())?;
    talk!("serving until Ctrl-C");
    if !args.no_open && open::that_detached(&url).is_err() {
        talk!("no browser could be opened; open the address above yourself");
    }
    server.wait();
    Ok(ExitCode::SUCCESS)
}

fn page(args: &ServeArgs) -> Result<PathBuf> {
    match &args.page {
        Some(page) if is_built_page(page) => Ok(page.clone()),
        Some(page) => bail!(
            "--page {}: the built page is not there; name the folder www of a release archive, or \
             www/dist after `cargo xtask build-web`",
            page.display()
        ),
        None => match built_page() {
            Some(page) => Ok(page),
            None => bail!(
                "the page is not here; a release archive has it in the folder www beside this \
                 program, and `cargo xtask build-web` builds it in the sources; --page DIR names it \
                 elsewhere"
            ),
        },
    }
}

/// The page says itself what it may load; no other page may frame it, and no file is taken for what
/// it is not.
fn guarded(mut reply: Reply) -> Reply {
    let policy = "frame-ancestors 'self'".to_owned();
    reply.headers.push(("Content-Security-Policy", policy));
    let exactly = "nosniff".to_owned();
    reply.headers.push(("X-Content-Type-Options", exactly));
    reply
}
