//! The rooms of the sources: each uses only those below it.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up; `ARCHITECTURE.md` says what each holds.
const MODEL: &[&str] = &[
    "vector",
    "image",
    "network",
    "model_folder",
    "inference",
    "translator",
    "training",
];
const TRAINER: &[&str] = &[
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
    for (sources_of, rooms, least) in [("../model/src", MODEL, 60), ("src", TRAINER, 200)] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources_of);
        let folders = fs::read_dir(&root).expect("a folder");
        let folders =
            folders.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir()));
        assert_eq!(folders.count(), rooms.len(), "{sources_of}");
        let seen = check(&root, rooms);
        assert!(seen > least, "{sources_of}: {seen}");
    }
}

/// How many uses of rooms there are.
fn check(root: &Path, rooms: &[&str]) -> usize {
    let mut seen = 0;
    for (height, room) in rooms.iter().enumerate() {
        for path in sources(&root.join(room)) {
            let text = fs::read_to_string(&path).expect("text");
            for used in text.split("crate::").skip(1) {
                let used = used.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let used = used.into_iter().next().unwrap_or_default();
                let floor = rooms.iter().position(|room| *room == used);
                // What the crate exports at its root is for others, and for doc comments.
                let Some(floor) = floor else { continue };
                assert!(floor <= height, "{}: {room} uses {used}", path.display());
                seen += 1;
            }
        }
    }
    seen
}
