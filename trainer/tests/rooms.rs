//! The rooms of the sources: each uses only those below it.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; `ARCHITECTURE.md` says what each holds.
const ROOMS: [&str; 14] = [
    "system",
    "image_file",
    "data",
    "pytorch",
    "recipes",
    "config",
    "evaluate",
    "run_folder",
    "convert",
    "translate",
    "run",
    "report",
    "bench",
    "cli",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn every_room_uses_only_rooms_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (height, room) in ROOMS.iter().enumerate() {
        for path in sources(&root.join(room)) {
            let text = fs::read_to_string(&path).expect("text");
            for (_, used) in text
                .match_indices("crate::")
                .map(|(at, _)| text.split_at(at + 7))
            {
                let used = used.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let used = used.into_iter().next().unwrap_or_default();
                let floor = ROOMS.iter().position(|room| *room == used);
                let floor = floor.unwrap_or_else(|| panic!("{}: {used}?", path.display()));
                assert!(floor <= height, "{}: {room} uses {used}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
    let folders = fs::read_dir(&root).expect("a folder");
    let folders = folders.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()));
    assert_eq!(folders.count(), ROOMS.len());
}
