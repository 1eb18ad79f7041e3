//! The pages' link to the sources that they were built from. The program knows no address of its own.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{process, workspace};

const VARIABLE: &str = "PIX2PIX_SOURCE";
const PAGES: [&str; 3] = ["index.html", "teach.html", "embed.html"];
/// The link in the pages, on a line that goes where there is no address.
const LINK: &str = "<a data-source>";

/// Puts the address into the pages of a folder, or takes the link out where there is none.
pub fn complete(folder: &Path) -> Result<()> {
    let origin = || {
        let named = process::output(workspace::git().args(["remote", "get-url", "origin"]));
        named.ok().flatten()
    };
    let address = address(env::var(VARIABLE).ok().as_deref(), origin)?;
    PAGES.iter().try_for_each(|page| {
        let path = folder.join(page);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let linked =
            linked(&text, address.as_deref()).with_context(|| path.display().to_string())?;
        fs::write(&path, linked).with_context(|| format!("cannot write {}", path.display()))
    })
}

/// What is wanted, which may be nothing; else the repository's origin, if that is on the web.
fn address(
    wanted: Option<&str>,
    origin: impl FnOnce() -> Option<String>,
) -> Result<Option<String>> {
    match wanted {
        Some("") => Ok(None),
        Some(wanted) => web_address(wanted).map(Some).with_context(|| {
            format!(
                "{VARIABLE} is {wanted:?}. Set it to an address that begins with https://, or to \
                 nothing for no link."
            )
        }),
        None => Ok(origin().and_then(|origin| web_address(origin.trim().trim_end_matches(".git")))),
    }
}

/// The address without a name and password; nothing if it is none of the web, or one that HTML would
/// have to escape.
fn web_address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next()?;
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || "-._~/:%+?=#,@".contains(letter);
    let is_good = !host.is_empty() && path.chars().chain(host.chars()).all(is_plain);
    is_good.then(|| format!("https://{host}{path}"))
}

fn linked(page: &str, address: Option<&str>) -> Result<String> {
    ensure!(page.matches(LINK).count() == 1, "there is not one {LINK}");
    Ok(match address {
        Some(address) => page.replace(LINK, &format!("<a href=\"{address}\">")),
        None => {
            let lines = page.split_inclusive('\n');
            lines.filter(|line| !line.contains(LINK)).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> impl FnOnce() -> Option<String> {
        move || Some(format!("{address}\n"))
    }

    #[test]
    fn the_variable_names_the_source_and_an_origin_on_the_web_stands_in_for_it() -> Result<()> {
        let there = "https://example.org/me/pix2pix";
        for (wanted, from, expected) in [
            (Some(there), "https://example.org/other", Some(there)),
            (Some(""), there, None),
            (None, there, Some(there)),
            (None, "https://example.org/me/pix2pix.git", Some(there)),
            (
                None,
                "https://me:secret@example.org/me/pix2pix.git",
                Some(there),
            ),
            (None, "git@example.org:me/pix2pix.git", None),
            (None, "/home/me/pix2pix", None),
            (None, "file:///home/me/pix2pix", None),
            (None, "https://example.org/\"><script>", None),
        ] {
            let found = address(wanted, origin(from))?;
            assert_eq!(found.as_deref(), expected, "{wanted:?}, {from}");
        }
        assert_eq!(address(None, || None)?, None);
        for wrong in [
            "http://example.org",
            "/home/me/pix2pix",
            "https://",
            "https://a b",
        ] {
            let refused = address(Some(wrong), || None).map_err(|error| error.to_string());
            assert!(
                refused.is_err_and(|error| error.contains(VARIABLE)),
                "{wrong}"
            );
        }
        Ok(())
    }

    #[test]
    fn the_pages_have_the_link_where_there_is_an_address_and_no_trace_of_it_otherwise() -> Result<()>
    {
        for page in PAGES {
            let text = fs::read_to_string(workspace::www().join(page))?;
            let with = linked(&text, Some("https://example.org/it"))?;
            assert!(
                with.contains("<a href=\"https://example.org/it\">Source</a>"),
                "{page}"
            );
            let without = linked(&text, None)?;
            assert_eq!(without.lines().count() + 1, text.lines().count(), "{page}");
            for page in [&with, &without] {
                assert!(!page.contains("data-source"), "{page}");
            }
            assert!(!without.contains(">Source<"), "{page}");
        }
        Ok(())
    }
}
