//! Names inside archives as paths inside a folder. Everything that points elsewhere is refused.

use std::path::PathBuf;

/// What systems refuse in file names where this one may not.
const RESERVED: &[char] = &['<', '>', ':', '"', '|', '?', '*'];

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafePath {
    #[error("has an absolute path")]
    Absolute,
    #[error("names a drive")]
    Drive,
    #[error("leaves the folder with \"..\"")]
    Parent,
    #[error("has a name that is no text")]
    NotText,
}

/// The path of an entry relative to the folder it is unpacked into: only plain names. Both slashes
/// separate, on every system, so that an archive means the same everywhere. `None` is an entry to
/// leave out: the folder itself, or what macOS adds to archives about its own attributes.
pub(super) fn inside(name: &[u8]) -> Result<Option<PathBuf>, UnsafePath> {
    let name = std::str::from_utf8(name).map_err(|_| UnsafePath::NotText)?;
    if name.chars().any(char::is_control) {
        return Err(UnsafePath::NotText);
    }
    if name.starts_with(['/', '\\']) {
        return Err(UnsafePath::Absolute);
    }
    let mut path = PathBuf::new();
    let mut is_attribute = false;
    for component in name.split(['/', '\\']) {
        match component {
            "" | "." => continue,
            ".." => return Err(UnsafePath::Parent),
            _ if is_drive(component) => return Err(UnsafePath::Drive),
            _ => {}
        }
        is_attribute |= component == "__MACOSX" || component.starts_with("._");
        match cfg!(windows) {
            true => path.push(component.replace(RESERVED, "_")),
            false => path.push(component),
        }
    }
    let nothing = path.as_os_str().is_empty() || is_attribute;
    Ok((!nothing).then_some(path))
}

fn is_drive(component: &str) -> bool {
    let bytes = component.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_and_the_folder_itself_is_left_out() {
        let path = |name: &str| inside(name.as_bytes()).expect("a plain name");
        assert_eq!(path("a/b.png"), Some(PathBuf::from("a").join("b.png")));
        assert_eq!(path("./a//b.png"), Some(PathBuf::from("a").join("b.png")));
        assert_eq!(path("a\\b.png"), Some(PathBuf::from("a").join("b.png")));
        assert_eq!(
            path("..a/b..png"),
            Some(PathBuf::from("..a").join("b..png"))
        );
        assert_eq!(path("./"), None);
        assert_eq!(path("__MACOSX/a/b.png"), None);
        assert_eq!(path("a/._b.png"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_time_in_a_name_is_no_drive() {
        let name = b"2011-05-01 16:06:33.jpg";
        assert_eq!(
            inside(name),
            Ok(Some(PathBuf::from("2011-05-01 16:06:33.jpg")))
        );
    }

    #[test]
    fn whatever_could_leave_the_folder_is_refused() {
        for (name, why) in [
            (&b"/etc/passwd"[..], UnsafePath::Absolute),
            (b"\\\\server\\share", UnsafePath::Absolute),
            (b"../x", UnsafePath::Parent),
            (b"a/../../x", UnsafePath::Parent),
            (b"a\\..\\..\\x", UnsafePath::Parent),
            (b"C:\\x", UnsafePath::Drive),
            (b"a/c:x", UnsafePath::Drive),
            (b"a\0b", UnsafePath::NotText),
            (b"\xff\xfe", UnsafePath::NotText),
        ] {
            assert_eq!(inside(name), Err(why), "{}", name.escape_ascii());
        }
    }
}
