//! A page of inputs and results side by side, as `results/index.html` of the reference
//! implementation. It shows the files where they lie.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::run_folder::{RunFolderError, write_whole};
use crate::system::printable::html_escaped;

/// Its name in the folder of the results.
pub const PAGE_FILE: &str = "index.html";

const STYLE: &str = "\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
section { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin-bottom: 2rem; }
h2 { grid-column: 1 / -1; font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; } img { max-width: 100%; height: auto; } figcaption { font-size: .875rem; }";

/// An image and its result.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was translated.
    pub input: PathBuf,
    /// What came of it.
    pub output: PathBuf,
}

/// Writes the page into `folder`, whole or not at all.
pub fn write_page(folder: &Path, title: &str, shown: &[Shown]) -> Result<(), RunFolderError> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}\n</style>\n\
         <body>\n<h1>{title}</h1>\n",
        title = html_escaped(title)
    );
    for Shown { input, output } in shown {
        let name = html_escaped(&input.display().to_string());
        let _ = writeln!(page, "<section>\n<h2>{name}</h2>");
        for (what, path) in [("input", input), ("result", output)] {
            let address = html_escaped(&address(folder, path));
            let _ = writeln!(
                page,
                "<figure><a href=\"{address}\"><img loading=\"lazy\" src=\"{address}\" \
                 alt=\"{what} of {name}\"></a><figcaption>{what}</figcaption></figure>"
            );
        }
        page.push_str("</section>\n");
    }
    page.push_str("</body>\n</html>\n");
    write_whole(&folder.join(PAGE_FILE), page.as_bytes())
}

/// Where a file is, seen from a page in `folder`.
fn address(folder: &Path, path: &Path) -> String {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (folder, path) = (real(folder), real(path));
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), path.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[common..].iter().map(|_| "..".to_string());
    let down = to[common..].iter().filter_map(|part| match part {
        Component::Normal(name) => Some(percent_encoded(&name.to_string_lossy())),
        _ => None,
    });
    up.chain(down).collect::<Vec<_>>().join("/")
}

fn percent_encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_from_the_folder_of_the_page_whatever_its_name() {
        let root = tempfile::tempdir().expect("a folder");
        let (inputs, results) = (root.path().join("in"), root.path().join("out/deep"));
        for folder in [&inputs, &results] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        let input = inputs.join("a #1 50%.png");
        std::fs::write(&input, "").expect("a file");
        assert_eq!(address(&results, &input), "../../in/a%20%231%2050%25.png");
        let result = results.join("x.png");
        std::fs::write(&result, "").expect("a file");
        assert_eq!(address(&results, &result), "x.png");
    }
}
