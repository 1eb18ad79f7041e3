//! What programs show of a link to the page.

use anyhow::{Result, ensure};

/// The pages that say it.
pub const PAGES: [&str; 2] = ["index.html", "teach.html"];

/// Puts the address of the page's folder before those of the page itself and of its picture, for programs that
/// show links.
pub fn with_whole_addresses(html: &str, url: &str) -> Result<String> {
    let mut whole = html.to_owned();
    for property in ["og:url", "og:image"] {
        let named = format!(r#"property="{property}" content=""#);
        ensure!(html.contains(&named), "the page has no {property}");
        let address = format!("{named}{}/", url.trim_end_matches('/'));
        whole = whole.replace(&named, &address);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace;

    #[test]
    fn links_to_a_page_show_its_picture_by_a_whole_address() -> Result<()> {
        for page in PAGES {
            let html = fs::read_to_string(workspace::www().join(page))?;
            for url in [
                "https://example.org/pix2pix",
                "https://example.org/pix2pix/",
            ] {
                let whole = with_whole_addresses(&html, url)?;
                let own = if page == "index.html" { "" } else { page };
                for (property, path) in [("og:image", "page.webp"), ("og:url", own)] {
                    let line = format!(
                        r#"<meta property="{property}" content="https://example.org/pix2pix/{path}">"#
                    );
                    ensure!(whole.contains(&line), "{page} lacks {line}");
                }
            }
        }
        assert!(with_whole_addresses("<title>Without</title>", "https://example.org").is_err());
        Ok(())
    }
}
